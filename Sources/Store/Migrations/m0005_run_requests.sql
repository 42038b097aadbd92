-- A run asked for while the stream's run is under way must not be lost with that run's end: requests are numbered, and
-- a run serves those it saw when it began.
ALTER TABLE ferry.streams
    ADD COLUMN asked bigint NOT NULL DEFAULT 0,
    ADD COLUMN served bigint NOT NULL DEFAULT 0;

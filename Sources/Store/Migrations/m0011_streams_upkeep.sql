-- Streams are claimed and committed all the time: at a million of them thousands of row versions die each second, and
-- those at the beginning of streams_due are what every claim has to step over. A fifth of the table, the default, would
-- be minutes of them.
ALTER TABLE ferry.streams SET (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0
);

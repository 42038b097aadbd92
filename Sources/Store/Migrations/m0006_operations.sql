-- What people switch while everything runs, and who runs it.

-- One row: whether due streams are placed on the queue, and whether workers take jobs from it.
CREATE TABLE ferry.queue_switch (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    mode text NOT NULL DEFAULT 'running',
    actor text,
    reason text,
    since timestamptz NOT NULL,
    CONSTRAINT "the queue is running, draining or paused" CHECK (mode IN ('running', 'draining', 'paused'))
);
INSERT INTO ferry.queue_switch (since) VALUES (now());

-- Worker processes as they report themselves, every few seconds.
CREATE TABLE ferry.workers (
    name text PRIMARY KEY,
    host text NOT NULL,
    process_id integer NOT NULL,
    concurrency integer NOT NULL,
    state text NOT NULL,
    -- What somebody asked of it; forgotten when the process starts anew.
    wish text,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT "a worker is running, quiet or stopping" CHECK (state IN ('running', 'quiet', 'stopping')),
    CONSTRAINT "a worker is asked to be quiet or to stop" CHECK (wish IN ('quiet', 'stop'))
) WITH (fillfactor = 50);

-- Single records that people keep out of the sync; of a linked pair either id will do.
CREATE TABLE ferry.record_exclusions (
    tenant_no integer NOT NULL REFERENCES ferry.tenants (number) ON DELETE CASCADE,
    -- 1 ActiveCampaign contact id, 2 Salesforce record id.
    side smallint NOT NULL,
    record_id text COLLATE "C" NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    excluded_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_no, side, record_id)
);

-- Recent runs of all tenants, for the mean duration that the autoscaling signal needs.
CREATE INDEX sync_runs_recent ON ferry.sync_runs USING brin (started_at);

-- Beyond the native integration: one-way mode, back-fill, re-evaluation, resync of one record, and what the brakes need.

ALTER TABLE ferry.sync_settings ADD COLUMN sync_direction text NOT NULL DEFAULT 'both'
    CONSTRAINT "the sync direction is both, sf_to_ac or ac_to_sf"
    CHECK (sync_direction IN ('both', 'sf_to_ac', 'ac_to_sf'));

ALTER TABLE ferry.streams
    -- What the object was mapped and selected by when the stream last ran, as hashes (T7, T21).
    ADD COLUMN conditions jsonb,
    -- Until then a person has confirmed that many records vanished at once (T20).
    ADD COLUMN missing_until timestamptz;

-- A record that a person wants read anew on both sides; the next inbound run takes it.
CREATE TABLE ferry.resyncs (
    tenant_no integer NOT NULL REFERENCES ferry.tenants (number) ON DELETE CASCADE,
    object smallint NOT NULL,
    sf_id text COLLATE "C" NOT NULL,
    -- Grows when it is asked for again while a run takes it.
    version bigint NOT NULL DEFAULT 1,
    -- 1 only ActiveCampaign → Salesforce, 2 only the other way, null both.
    direction smallint,
    actor text NOT NULL,
    asked_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_no, sf_id)
);

-- A walk over many records beside the ordinary runs, with a cursor of its own, in slices of the class bulk.
CREATE TABLE ferry.sweeps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_no integer NOT NULL REFERENCES ferry.tenants (number) ON DELETE CASCADE,
    -- 1 back-fill, 2 re-evaluation.
    kind smallint NOT NULL,
    object smallint NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'running',
    -- Back-fill: records created from the one instant until before the other.
    created_from timestamptz,
    created_until timestamptz,
    -- Re-evaluation: the fields whose mapping changed, and whether other records may enter.
    fields text[] NOT NULL DEFAULT '{}',
    selects boolean NOT NULL DEFAULT false,
    cursor jsonb,
    -- Null until they were counted.
    total bigint,
    seen bigint NOT NULL DEFAULT 0,
    written bigint NOT NULL DEFAULT 0,
    sf_calls bigint NOT NULL DEFAULT 0,
    ac_calls bigint NOT NULL DEFAULT 0,
    claim_at timestamptz NOT NULL,
    next_run_at timestamptz NOT NULL,
    actor text NOT NULL,
    reason text,
    error_code text,
    last_error text,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT "a sweep is running, paused, cancelled or done"
        CHECK (state IN ('running', 'paused', 'cancelled', 'done')),
    CONSTRAINT "a back-fill ends after it begins" CHECK (created_until > created_from)
) WITH (fillfactor = 60);
CREATE UNIQUE INDEX "an object has one back-fill and one re-evaluation at a time"
    ON ferry.sweeps (tenant_no, kind, object) WHERE state IN ('running', 'paused');
CREATE INDEX sweeps_due ON ferry.sweeps (claim_at) WHERE state = 'running';

-- A changed mapping or criterion counts from now, not from a pull that may be a day away.
CREATE FUNCTION ferry.follow_conditions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ferry.streams s SET next_run_at = least(next_run_at, now()), claim_at = least(next_run_at, now()),
        asked = asked + 1
    FROM ferry.tenants t
    WHERE t.id IN (SELECT tenant FROM changed) AND s.tenant_no = t.number AND s.direction = 2 AND s.enabled
        -- One that has never run takes its first look anyway; one that fails is woken by ferry.retry_streams.
        AND s.failures = 0 AND s.last_run_at IS NOT NULL;
    IF FOUND THEN
        PERFORM pg_notify('ferry_streams', '');
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE
    config text;
BEGIN
    FOREACH config IN ARRAY ARRAY['field_mappings', 'selection_criteria'] LOOP
        EXECUTE format('CREATE TRIGGER follow_conditions_insert AFTER INSERT ON ferry.%I REFERENCING NEW TABLE AS changed '
            || 'FOR EACH STATEMENT EXECUTE FUNCTION ferry.follow_conditions()', config);
        EXECUTE format('CREATE TRIGGER follow_conditions_update AFTER UPDATE ON ferry.%I REFERENCING NEW TABLE AS changed '
            || 'FOR EACH STATEMENT EXECUTE FUNCTION ferry.follow_conditions()', config);
        EXECUTE format('CREATE TRIGGER follow_conditions_delete AFTER DELETE ON ferry.%I REFERENCING OLD TABLE AS changed '
            || 'FOR EACH STATEMENT EXECUTE FUNCTION ferry.follow_conditions()', config);
    END LOOP;
END $$;

-- Sweeps that are not over, in words; shown beside the streams.
CREATE VIEW ferry.sweep_status AS
SELECT t.id AS tenant,
    CASE w.kind WHEN 1 THEN 'back-fill' ELSE 're-evaluation' END AS direction,
    CASE w.object WHEN 1 THEN 'contact' WHEN 2 THEN 'lead' WHEN 3 THEN 'account' ELSE 'opportunity' END AS object,
    CASE WHEN t.state <> 'active' THEN t.state WHEN w.state = 'running' AND w.failures > 0 THEN 'retrying'
        ELSE w.state END AS state,
    w.started_at AS last_run,
    CASE WHEN w.state = 'running' THEN w.next_run_at END AS next_run,
    CASE WHEN w.started_at IS NULL THEN 'nothing read yet'
        WHEN w.total IS NULL THEN format('%s records read', w.seen)
        ELSE format('%s of about %s records read', w.seen, w.total) END AS cursor,
    greatest(0, coalesce(w.total, 0) - w.seen) AS pending_count,
    w.last_error
FROM ferry.sweeps w JOIN ferry.tenants t ON t.number = w.tenant_no
WHERE w.state IN ('running', 'paused');

-- A stream is what has one cursor: (tenant, direction, object). Rows come and go with sync_settings.

CREATE TABLE ferry.streams (
    tenant_no integer NOT NULL,
    -- 1 outbound, 2 inbound.
    direction smallint NOT NULL,
    -- 1 contact, 2 lead, 3 account, 4 opportunity.
    object smallint NOT NULL,
    enabled boolean NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    -- No commit under an older token than this passes.
    fence bigint NOT NULL DEFAULT 0,
    next_run_at timestamptz NOT NULL,
    -- When a scheduler looks next: the next run, or the end of a scheduler's claim.
    claim_at timestamptz NOT NULL,
    last_run_at timestamptz,
    last_success_at timestamptz,
    created_at timestamptz NOT NULL,
    tenant text NOT NULL,
    state text NOT NULL DEFAULT 'new',
    error_code text,
    last_error text,
    cursor jsonb,
    PRIMARY KEY (tenant_no, direction, object)
) WITH (fillfactor = 70);
CREATE INDEX streams_due ON ferry.streams (claim_at) WHERE enabled;
CREATE INDEX streams_claimed ON ferry.streams (claim_at) WHERE enabled AND claim_at <> next_run_at;
CREATE INDEX streams_overdue ON ferry.streams (next_run_at, tenant_no, direction, object) WHERE enabled;

-- One row a tenant and kind of job: the highest token that has committed. Every commit locks it first.
CREATE TABLE ferry.fences (
    tenant_no integer NOT NULL,
    scope smallint NOT NULL,
    fence bigint NOT NULL,
    -- Commits refused because they came under an older token.
    refused bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_no, scope)
) WITH (fillfactor = 50);

-- Raises SQLSTATE FY001 when a newer token has committed: the whole pipelined transaction ends there.
CREATE FUNCTION ferry.hold_fence(tenant integer, job smallint, token bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ferry.fences AS f (tenant_no, scope, fence) VALUES (tenant, job, token)
    ON CONFLICT (tenant_no, scope) DO UPDATE SET fence = excluded.fence WHERE f.fence <= excluded.fence;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'FY001', MESSAGE = 'a newer lease has committed';
    END IF;
END $$;

-- The second wall: the row that holds the cursor refuses an older token by itself.
CREATE FUNCTION ferry.keep_fence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.fence < OLD.fence THEN
        RAISE EXCEPTION USING ERRCODE = 'FY001', MESSAGE = 'a newer lease has committed';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER keep_fence BEFORE UPDATE OF fence ON ferry.streams
    FOR EACH ROW WHEN (NEW.fence < OLD.fence) EXECUTE FUNCTION ferry.keep_fence();

-- Whether so many contacts of a tenant wait and may run; looks at no more rows than that.
CREATE FUNCTION ferry.has_ready(tenant integer, wanted integer, instant timestamptz) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT count(*) >= wanted FROM (
        SELECT FROM ferry.pending_changes p WHERE p.tenant_no = tenant AND p.not_before <= instant LIMIT wanted
    ) AS ready
$$;

-- Makes the streams of new settings, due at once, and follows changes.
CREATE FUNCTION ferry.follow_settings() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner ferry.tenants;
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE ferry.streams s SET enabled = false FROM ferry.tenants t
        WHERE t.id = OLD.tenant AND s.tenant_no = t.number;
        RETURN NULL;
    END IF;
    SELECT * INTO owner FROM ferry.tenants WHERE id = NEW.tenant;
    INSERT INTO ferry.streams AS s (tenant_no, direction, object, tenant, enabled, next_run_at, claim_at, created_at)
    SELECT owner.number, direction, object, owner.id,
        owner.state = 'active' AND (direction = 2 OR NEW.outbound_enabled), now(), now(), now()
    FROM (VALUES (1, 1), (2, 1), (2, 2)) AS v (direction, object)
    -- Changed settings count from now, not from a next run that may be a day away.
    ON CONFLICT (tenant_no, direction, object) DO UPDATE
    SET enabled = excluded.enabled, next_run_at = least(s.next_run_at, now()), claim_at = least(s.next_run_at, now());
    PERFORM pg_notify('ferry_streams', '');
    RETURN NULL;
END $$;

CREATE TRIGGER follow_settings AFTER INSERT OR UPDATE OR DELETE ON ferry.sync_settings
    FOR EACH ROW EXECUTE FUNCTION ferry.follow_settings();

-- A paused or removed tenant costs nothing; a resumed one goes on where it stood.
CREATE FUNCTION ferry.follow_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ferry.streams s
    SET enabled = NEW.state = 'active' AND x.tenant IS NOT NULL AND (s.direction = 2 OR x.outbound_enabled),
        claim_at = s.next_run_at
    FROM (SELECT NEW.number AS number) AS t LEFT JOIN ferry.sync_settings x ON x.tenant = NEW.id
    WHERE s.tenant_no = t.number;
    IF NEW.state = 'removed' THEN
        UPDATE ferry.webhooks SET revoked_at = now() WHERE tenant_no = NEW.number AND revoked_at IS NULL;
    END IF;
    NEW.config_version := NEW.config_version + 1;
    PERFORM pg_notify('ferry_streams', '');
    RETURN NEW;
END $$;

CREATE TRIGGER follow_state BEFORE UPDATE OF state ON ferry.tenants
    FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM OLD.state) EXECUTE FUNCTION ferry.follow_state();

-- New credentials, mappings or budgets: streams that failed try again at once.
CREATE FUNCTION ferry.retry_streams() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ferry.streams s SET next_run_at = least(next_run_at, now()), claim_at = least(next_run_at, now())
    FROM ferry.tenants t
    WHERE t.id IN (SELECT tenant FROM changed) AND s.tenant_no = t.number AND s.failures > 0;
    IF FOUND THEN
        PERFORM pg_notify('ferry_streams', '');
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE
    config text;
BEGIN
    FOREACH config IN ARRAY ARRAY['connections', 'field_mappings', 'selection_criteria', 'api_budgets'] LOOP
        EXECUTE format('CREATE TRIGGER retry_streams_insert AFTER INSERT ON ferry.%I REFERENCING NEW TABLE AS changed '
            || 'FOR EACH STATEMENT EXECUTE FUNCTION ferry.retry_streams()', config);
        EXECUTE format('CREATE TRIGGER retry_streams_update AFTER UPDATE ON ferry.%I REFERENCING NEW TABLE AS changed '
            || 'FOR EACH STATEMENT EXECUTE FUNCTION ferry.retry_streams()', config);
    END LOOP;
END $$;

-- Cursors hold instants as seconds since 1970.
CREATE FUNCTION ferry.instant(seconds jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT to_char(to_timestamp((seconds #>> '{}')::float8) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
$$;

-- One row a stream, in words.
CREATE VIEW ferry.sync_status AS
SELECT s.tenant,
    CASE s.direction WHEN 1 THEN 'outbound' ELSE 'inbound' END AS direction,
    CASE s.object WHEN 1 THEN 'contact' WHEN 2 THEN 'lead' WHEN 3 THEN 'account' ELSE 'opportunity' END AS object,
    CASE WHEN t.state <> 'active' THEN t.state WHEN NOT s.enabled THEN 'switched off' ELSE s.state END AS state,
    s.last_run_at AS last_run,
    CASE WHEN s.enabled THEN s.next_run_at END AS next_run,
    CASE
        WHEN s.cursor IS NULL THEN 'nothing read yet'
        WHEN s.direction = 1 AND s.cursor ? 'walkBegan'
            THEN format('read up to %s, now at contact %s', ferry.instant(s.cursor -> 'since'), s.cursor ->> 'walkedTo')
        WHEN s.direction = 1 THEN format('read up to %s', ferry.instant(s.cursor -> 'since'))
        WHEN s.cursor ? 'position'
            THEN format('read up to %s, now at record %s', ferry.instant(s.cursor #> '{position,stamp}'),
                s.cursor #>> '{position,id}')
        ELSE format('read up to %s', ferry.instant(s.cursor -> 'from'))
    END AS cursor,
    CASE s.direction
        WHEN 1 THEN (SELECT count(*) FROM ferry.pending_changes p WHERE p.tenant_no = s.tenant_no)
        ELSE (SELECT count(*) FROM ferry.import_members m WHERE m.tenant_no = s.tenant_no AND m.object = s.object)
    END AS pending_count,
    CASE
        WHEN t.state = 'paused' AND t.pause_reason IS NOT NULL THEN 'paused: ' || t.pause_reason
        ELSE s.last_error
    END AS last_error
FROM ferry.streams s JOIN ferry.tenants t ON t.number = s.tenant_no;

-- Lets what waits for calls look again at once: streams and back-fills that were refused, and those that spare calls. Without
-- enough calls the look costs none.
CREATE FUNCTION ferry.wake_for_calls(tenants integer[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ferry.streams SET next_run_at = least(next_run_at, now()), claim_at = least(next_run_at, now())
    WHERE tenant_no = ANY (tenants) AND error_code LIKE 'budget\_%';
    UPDATE ferry.sweeps SET next_run_at = least(next_run_at, now()), claim_at = least(next_run_at, now())
    WHERE tenant_no = ANY (tenants) AND state = 'running' AND error_code LIKE 'budget\_%';
    PERFORM pg_notify('ferry_streams', '');
END $$;

CREATE OR REPLACE FUNCTION ferry.note_budget_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    numbers integer[] := ARRAY(SELECT number FROM ferry.tenants WHERE id IN (SELECT tenant FROM changed));
BEGIN
    INSERT INTO ferry.budget_changes AS c (tenant_no) SELECT unnest(numbers)
    ON CONFLICT (tenant_no) DO UPDATE SET change = c.change + 1;
    PERFORM ferry.wake_for_calls(numbers);
    RETURN NULL;
END $$;

-- A back-fill that waits for calls says so, in the word streams have for it.
CREATE OR REPLACE VIEW ferry.sweep_status AS
SELECT t.id AS tenant,
    CASE w.kind WHEN 1 THEN 'back-fill' ELSE 're-evaluation' END AS direction,
    CASE w.object WHEN 1 THEN 'contact' WHEN 2 THEN 'lead' WHEN 3 THEN 'account' ELSE 'opportunity' END AS object,
    CASE WHEN t.state <> 'active' THEN t.state
        WHEN w.state = 'running' AND w.error_code LIKE 'budget\_%' THEN 'waiting for budget'
        WHEN w.state = 'running' AND w.failures > 0 THEN 'retrying'
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

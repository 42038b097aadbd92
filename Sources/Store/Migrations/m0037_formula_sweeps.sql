-- Formula sweeps (R59): kind 3 of ferry.sweeps walks linked records and reads their formula fields only.

CREATE OR REPLACE VIEW ferry.sweep_status AS
SELECT t.id AS tenant,
    CASE w.kind WHEN 1 THEN 'back-fill' WHEN 2 THEN 're-evaluation' ELSE 'formula sweep' END AS direction,
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

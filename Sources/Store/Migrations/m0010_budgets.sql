-- What an org's allocation is taken for until its first answer tells: by edition and licences (salesforce-api 3.1).
ALTER TABLE ferry.api_budgets
    ADD COLUMN edition text
        CONSTRAINT "the edition is one that ferry budgets set --help names"
        CHECK (edition IN ('developer', 'professional', 'enterprise', 'unlimited', 'performance', 'full_sandbox')),
    ADD COLUMN licences integer CONSTRAINT "licences are counted from 0" CHECK (licences >= 0);

-- Tenants whose budget in Redis has to be set anew. A scheduler takes a row away when it has done so, unless it was
-- changed meanwhile.
CREATE TABLE ferry.budget_changes (
    tenant_no integer PRIMARY KEY,
    change bigint NOT NULL DEFAULT 1
);

CREATE FUNCTION ferry.note_budget_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ferry.budget_changes AS c (tenant_no) SELECT number FROM ferry.tenants
    WHERE id IN (SELECT tenant FROM changed)
    ON CONFLICT (tenant_no) DO UPDATE SET change = c.change + 1;
    -- What waits for calls looks again; without enough of them it costs no call.
    UPDATE ferry.streams SET next_run_at = least(next_run_at, now()), claim_at = least(next_run_at, now())
    WHERE error_code = 'budget_spent' AND tenant IN (SELECT tenant FROM changed);
    PERFORM pg_notify('ferry_streams', '');
    RETURN NULL;
END $$;

CREATE TRIGGER note_budget_insert AFTER INSERT ON ferry.api_budgets REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ferry.note_budget_change();
CREATE TRIGGER note_budget_update AFTER UPDATE ON ferry.api_budgets REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ferry.note_budget_change();
CREATE TRIGGER note_budget_delete AFTER DELETE ON ferry.api_budgets REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ferry.note_budget_change();

INSERT INTO ferry.budget_changes (tenant_no)
SELECT DISTINCT t.number FROM ferry.api_budgets b JOIN ferry.tenants t ON t.id = b.tenant;

-- What providers told of their own limits.
CREATE TABLE ferry.provider_limits (
    tenant_no integer NOT NULL,
    -- 1 ActiveCampaign, 2 Salesforce.
    provider smallint NOT NULL,
    -- Calls in 24 hours, all integrations together.
    daily_limit bigint NOT NULL,
    used bigint NOT NULL,
    -- Calls of the last 24 hours that were not Ferry's, and what is usual of them.
    others bigint NOT NULL,
    usual_others float8 NOT NULL,
    read_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_no, provider)
);

-- Use that Ferry did not plan: another integration, or a stolen token.
CREATE TABLE ferry.budget_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_no integer NOT NULL,
    provider smallint NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL CONSTRAINT "an event of a budget is unplanned_use" CHECK (kind IN ('unplanned_use')),
    others bigint NOT NULL,
    usual_others bigint NOT NULL
);
CREATE INDEX budget_events_tenant ON ferry.budget_events (tenant_no, at);

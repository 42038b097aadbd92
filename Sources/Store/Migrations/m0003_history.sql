-- History, a partition a day: old days are dropped whole. Whatever meets no day's partition lands in the default one, so
-- that an INSERT never fails.

CREATE TABLE ferry.sync_runs (
    tenant_no integer NOT NULL,
    run bigint NOT NULL,
    direction smallint NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    outcome text NOT NULL,
    error_code text,
    seen integer NOT NULL DEFAULT 0,
    created integer NOT NULL DEFAULT 0,
    updated integer NOT NULL DEFAULT 0,
    imported integer NOT NULL DEFAULT 0,
    conflicts integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    acknowledged integer NOT NULL DEFAULT 0,
    ac_calls integer NOT NULL DEFAULT 0,
    sf_calls integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_no, started_at, run)
) PARTITION BY RANGE (started_at);
CREATE TABLE ferry.sync_runs_other PARTITION OF ferry.sync_runs DEFAULT;
CREATE SEQUENCE ferry.run_numbers CACHE 100;

CREATE TABLE ferry.record_decisions (
    tenant_no integer NOT NULL,
    code smallint NOT NULL,
    direction smallint NOT NULL,
    object smallint NOT NULL,
    at timestamptz NOT NULL,
    run bigint NOT NULL,
    ac_id bigint,
    sf_id text COLLATE "C",
    field text,
    -- A rule or a provider's error code, never a value.
    detail text
) PARTITION BY RANGE (at);
CREATE TABLE ferry.record_decisions_other PARTITION OF ferry.record_decisions DEFAULT;
CREATE INDEX record_decisions_contact ON ferry.record_decisions (tenant_no, ac_id, at) WHERE ac_id IS NOT NULL;
CREATE INDEX record_decisions_record ON ferry.record_decisions (tenant_no, sf_id, at) WHERE sf_id IS NOT NULL;

CREATE TABLE ferry.api_usage (
    tenant_no integer NOT NULL,
    -- 1 ActiveCampaign, 2 Salesforce.
    provider smallint NOT NULL,
    class smallint NOT NULL,
    hour timestamptz NOT NULL,
    calls bigint NOT NULL,
    PRIMARY KEY (tenant_no, provider, hour, class)
);

CREATE TABLE ferry.webhooks (
    -- SHA-256 of the token in the address; the token itself is stored nowhere.
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    tenant_no integer NOT NULL,
    ac_webhook_id text,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX webhooks_tenant ON ferry.webhooks (tenant_no);

CREATE TABLE ferry.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    verb text NOT NULL,
    subject text NOT NULL,
    reason text,
    detail jsonb
);
CREATE INDEX audit_subject ON ferry.audit (subject, at);

CREATE TABLE ferry.queue_epochs (
    shard integer PRIMARY KEY,
    epoch bigint NOT NULL
);

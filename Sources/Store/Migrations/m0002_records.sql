-- Hot tables: keys lead with the tenant's number, rows are narrow, partitions are by tenant so that vacuum and indexes
-- stay small at a billion rows.

-- A contact known to have changed in ActiveCampaign and not settled yet; ids only, never values (T14).
CREATE TABLE ferry.pending_changes (
    tenant_no integer NOT NULL,
    ac_id bigint NOT NULL,
    -- Grows with every sighting: a run settles the version it has read, not a later one.
    version bigint NOT NULL DEFAULT 1,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    not_before timestamptz NOT NULL DEFAULT '-infinity',
    attempts integer NOT NULL DEFAULT 0,
    source smallint NOT NULL,
    error_code text,
    PRIMARY KEY (tenant_no, ac_id)
) PARTITION BY HASH (tenant_no);
CREATE INDEX pending_changes_ready ON ferry.pending_changes (tenant_no, not_before, ac_id);

-- ActiveCampaign contact id ↔ Salesforce record id, with what each side held when they last agreed, as hashes.
CREATE TABLE ferry.links (
    tenant_no integer NOT NULL,
    ac_id bigint NOT NULL,
    sf_seq bigint,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    object smallint NOT NULL,
    state smallint NOT NULL,
    origin smallint NOT NULL,
    reason smallint,
    sf_id text COLLATE "C" NOT NULL CHECK (length(sf_id) BETWEEN 15 AND 18),
    email_hash bytea NOT NULL,
    ac_fingerprint bytea,
    sf_fingerprint bytea,
    PRIMARY KEY (tenant_no, ac_id, object),
    CONSTRAINT "a Salesforce record is linked once" UNIQUE (tenant_no, sf_id)
) PARTITION BY HASH (tenant_no);
CREATE INDEX links_email ON ferry.links (tenant_no, email_hash);

-- What we are about to write, stored before the write: our own change is known by it when it comes back (R58, T10), and
-- a lost answer is bridged by it (T17).
CREATE TABLE ferry.echo_ledger (
    tenant_no integer NOT NULL,
    side smallint NOT NULL,
    object smallint NOT NULL,
    record_id text COLLATE "C" NOT NULL,
    -- Names the value; the fingerprint itself may be too long for an index.
    digest bytea NOT NULL,
    value_hash bytea NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_no, record_id, side, digest)
) PARTITION BY HASH (tenant_no);

-- A record that could not be written, until it can.
CREATE TABLE ferry.record_failures (
    tenant_no integer NOT NULL,
    count integer NOT NULL DEFAULT 1,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    retry_at timestamptz,
    direction smallint NOT NULL,
    object smallint NOT NULL,
    class smallint NOT NULL,
    -- Salesforce id inbound, ActiveCampaign contact id outbound.
    record_id text COLLATE "C" NOT NULL,
    code text NOT NULL,
    fields text[] NOT NULL DEFAULT '{}',
    -- A sentence without values.
    message text,
    -- What the record held when it was refused: it is tried again when it holds something else.
    fingerprint bytea,
    PRIMARY KEY (tenant_no, direction, record_id)
) PARTITION BY HASH (tenant_no);
CREATE INDEX record_failures_due ON ferry.record_failures (tenant_no, direction, retry_at) WHERE retry_at IS NOT NULL;

DO $$
BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format('CREATE TABLE ferry.links_%s PARTITION OF ferry.links '
            || 'FOR VALUES WITH (MODULUS 16, REMAINDER %s) WITH (fillfactor = 85)', part, part);
    END LOOP;
    FOR part IN 0..7 LOOP
        -- Queues: rows come and go, so vacuum early.
        EXECUTE format('CREATE TABLE ferry.pending_changes_%s PARTITION OF ferry.pending_changes '
            || 'FOR VALUES WITH (MODULUS 8, REMAINDER %s) WITH (autovacuum_vacuum_scale_factor = 0.02)', part, part);
        EXECUTE format('CREATE TABLE ferry.echo_ledger_%s PARTITION OF ferry.echo_ledger '
            || 'FOR VALUES WITH (MODULUS 8, REMAINDER %s) WITH (autovacuum_vacuum_scale_factor = 0.02)', part, part);
        EXECUTE format('CREATE TABLE ferry.record_failures_%s PARTITION OF ferry.record_failures '
            || 'FOR VALUES WITH (MODULUS 8, REMAINDER %s)', part, part);
    END LOOP;
END $$;

-- Bulk imports whose outcome is not known yet.
CREATE TABLE ferry.imports (
    tenant_no integer NOT NULL,
    batch_id text NOT NULL,
    opened_at timestamptz NOT NULL,
    check_at timestamptz NOT NULL,
    -- When a scheduler looks next; a claim moves it ahead.
    claim_at timestamptz NOT NULL,
    checks integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_no, batch_id)
);
CREATE INDEX imports_due ON ferry.imports (claim_at);

CREATE TABLE ferry.import_members (
    tenant_no integer NOT NULL,
    batch_id text NOT NULL,
    position integer NOT NULL,
    object smallint NOT NULL,
    state smallint NOT NULL,
    origin smallint NOT NULL,
    sf_id text COLLATE "C" NOT NULL,
    -- 0 while the contact has no id yet.
    ac_id bigint NOT NULL,
    replaced_ac_id bigint,
    sf_seq bigint,
    -- Of the address in the import; the link may keep another one until the import is settled.
    email_hash bytea NOT NULL,
    link_email_hash bytea NOT NULL,
    ac_fingerprint bytea,
    sf_fingerprint bytea,
    PRIMARY KEY (tenant_no, batch_id, position),
    FOREIGN KEY (tenant_no, batch_id) REFERENCES ferry.imports ON DELETE CASCADE
);

-- Status write-backs to Salesforce that ride along with the next call.
CREATE TABLE ferry.writebacks (
    tenant_no integer NOT NULL,
    object smallint NOT NULL,
    sf_id text COLLATE "C" NOT NULL,
    ac_id bigint NOT NULL,
    sf_seq bigint,
    queued_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_no, sf_id)
);
CREATE INDEX writebacks_oldest ON ferry.writebacks (tenant_no, queued_at, sf_id);

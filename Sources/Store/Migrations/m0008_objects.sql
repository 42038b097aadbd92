-- Accounts, opportunities, person accounts, and the options of creation.

ALTER TABLE ferry.sync_settings
    -- R71 to R73.
    ADD COLUMN sync_accounts boolean NOT NULL DEFAULT false,
    ADD COLUMN match_accounts_by_name boolean NOT NULL DEFAULT false,
    -- R74 to R78.
    ADD COLUMN sync_opportunities boolean NOT NULL DEFAULT false,
    ADD COLUMN opportunity_target text NOT NULL DEFAULT 'custom_object',
    -- R86: none, new or marked; no criteria.
    ADD COLUMN person_account_selection text NOT NULL DEFAULT 'none',
    -- R38: an update enrols an old person account.
    ADD COLUMN include_updated_person_accounts boolean NOT NULL DEFAULT true,
    -- R70.
    ADD COLUMN allow_leads_without_company boolean NOT NULL DEFAULT false,
    -- R21, R22: a record type belongs to one object; default_record_type_id is that of leads.
    ADD COLUMN contact_record_type_id text,
    ADD COLUMN person_account_record_type_id text,
    ADD CONSTRAINT "opportunities become custom_object records or deals"
        CHECK (opportunity_target IN ('custom_object', 'deal')),
    ADD CONSTRAINT "person accounts are selected by none, new or marked"
        CHECK (person_account_selection IN ('none', 'new', 'marked')),
    ADD CONSTRAINT "a contact record type id has 15 or 18 letters and digits"
        CHECK (contact_record_type_id ~ '^([A-Za-z0-9]{15}|[A-Za-z0-9]{18})$'),
    ADD CONSTRAINT "a person account record type id has 15 or 18 characters"
        CHECK (person_account_record_type_id ~ '^([A-Za-z0-9]{15}|[A-Za-z0-9]{18})$');

-- R75: the four fields of an opportunity are fixed; an account has no field but custom ones beside its name.
ALTER TABLE ferry.field_mappings
    ADD CONSTRAINT "the four fields of an opportunity are fixed" CHECK (object <> 'opportunity') NOT VALID,
    ADD CONSTRAINT "account fields go with custom account fields"
        CHECK (object <> 'account' OR (ac_field LIKE 'custom:%' AND sf_field <> 'Name')) NOT VALID;

-- Salesforce account ↔ ActiveCampaign account (R72), as ferry.links is for people.
CREATE TABLE ferry.account_links (
    tenant_no integer NOT NULL,
    sf_id text COLLATE "C" NOT NULL,
    ac_id bigint NOT NULL,
    state smallint NOT NULL,
    origin smallint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    ac_fingerprint bytea,
    sf_fingerprint bytea,
    PRIMARY KEY (tenant_no, sf_id),
    CONSTRAINT "an ActiveCampaign account is linked once" UNIQUE (tenant_no, ac_id)
) PARTITION BY HASH (tenant_no);

-- Which Salesforce account a synced person belongs to, and which place in ActiveCampaign was made for it.
CREATE TABLE ferry.account_members (
    tenant_no integer NOT NULL,
    -- The person's own record.
    sf_id text COLLATE "C" NOT NULL,
    -- Contact.AccountId as last read; null when it has none.
    account_sf_id text COLLATE "C",
    -- 1 due, 2 done, 3 the person belongs to another account of ActiveCampaign's.
    state smallint NOT NULL,
    -- The contact and the account it was put into by us, and the row that says so.
    ac_id bigint,
    ac_account_id bigint,
    association_id bigint,
    PRIMARY KEY (tenant_no, sf_id)
) PARTITION BY HASH (tenant_no);
CREATE INDEX account_members_due ON ferry.account_members (tenant_no) WHERE state = 1;
CREATE INDEX account_members_account ON ferry.account_members (tenant_no, account_sf_id);

-- Opportunities that were pushed, or wait for their contact (R76, R77).
CREATE TABLE ferry.opportunity_links (
    tenant_no integer NOT NULL,
    sf_id text COLLATE "C" NOT NULL,
    -- 1 pushed, 2 gone from Salesforce, 3 waiting for its contact.
    state smallint NOT NULL,
    -- 1 custom object, 2 deal.
    target smallint,
    contact_sf_id text COLLATE "C",
    ac_id bigint,
    -- The record's or deal's id in ActiveCampaign.
    target_id text,
    -- Of the four fields as last pushed.
    fingerprint bytea,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_no, sf_id)
) PARTITION BY HASH (tenant_no);
CREATE INDEX opportunity_links_waiting ON ferry.opportunity_links (tenant_no, contact_sf_id) WHERE state = 3;


-- The account of a person whose contact is linked: it is what is written to (R85).
CREATE TABLE ferry.person_accounts (
    tenant_no integer NOT NULL,
    -- The person's contact, which links name.
    sf_id text COLLATE "C" NOT NULL,
    account_sf_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_no, sf_id)
) PARTITION BY HASH (tenant_no);

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['account_links', 'account_members', 'opportunity_links', 'person_accounts'] LOOP
        FOR part IN 0..7 LOOP
            EXECUTE format('CREATE TABLE ferry.%1$s_%2$s PARTITION OF ferry.%1$s '
                || 'FOR VALUES WITH (MODULUS 8, REMAINDER %2$s) WITH (fillfactor = 85)', kept, part);
        END LOOP;
    END LOOP;
END $$;

-- What was learned of an org by describe: it costs a call, and hardly ever changes.
CREATE TABLE ferry.org_facts (
    tenant_no integer PRIMARY KEY,
    has_person_accounts boolean NOT NULL,
    has_currencies boolean NOT NULL,
    learned_at timestamptz NOT NULL
);

-- Which of a tenant's streams its settings ask for; a stream that was never asked for has no row.
CREATE FUNCTION ferry.wanted_streams(settings ferry.sync_settings)
    RETURNS TABLE (direction smallint, object smallint, wanted boolean) LANGUAGE sql STABLE AS $$
    SELECT v.direction::smallint, v.object::smallint, v.wanted FROM (VALUES
        (1, 1, settings.outbound_enabled), (2, 1, true), (2, 2, true),
        (1, 3, settings.outbound_enabled AND settings.sync_accounts), (2, 3, settings.sync_accounts),
        (2, 4, settings.sync_opportunities)) AS v (direction, object, wanted)
$$;

CREATE OR REPLACE FUNCTION ferry.follow_settings() RETURNS trigger LANGUAGE plpgsql AS $$
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
    SELECT owner.number, w.direction, w.object, owner.id, owner.state = 'active' AND w.wanted, now(), now(), now()
    FROM ferry.wanted_streams(NEW) AS w
    WHERE w.wanted OR w.object < 3 OR EXISTS (
        SELECT FROM ferry.streams x
        WHERE x.tenant_no = owner.number AND x.direction = w.direction AND x.object = w.object)
    -- Changed settings count from now, not from a next run that may be a day away.
    ON CONFLICT (tenant_no, direction, object) DO UPDATE
    SET enabled = excluded.enabled, next_run_at = least(s.next_run_at, now()), claim_at = least(s.next_run_at, now());
    PERFORM pg_notify('ferry_streams', '');
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION ferry.follow_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ferry.streams s
    SET enabled = NEW.state = 'active' AND coalesce(w.wanted, false), claim_at = s.next_run_at
    FROM ferry.streams o
    LEFT JOIN (
        SELECT v.* FROM ferry.sync_settings x CROSS JOIN LATERAL ferry.wanted_streams(x) AS v
        WHERE x.tenant = NEW.id
    ) AS w ON w.direction = o.direction AND w.object = o.object
    WHERE o.tenant_no = NEW.number AND s.tenant_no = o.tenant_no AND s.direction = o.direction
        AND s.object = o.object;
    IF NEW.state = 'removed' THEN
        UPDATE ferry.webhooks SET revoked_at = now() WHERE tenant_no = NEW.number AND revoked_at IS NULL;
    END IF;
    NEW.config_version := NEW.config_version + 1;
    PERFORM pg_notify('ferry_streams', '');
    RETURN NEW;
END $$;

-- One row a stream, in words; accounts and opportunities have their own ways of waiting.
CREATE OR REPLACE VIEW ferry.sync_status AS
SELECT s.tenant,
    CASE s.direction WHEN 1 THEN 'outbound' ELSE 'inbound' END AS direction,
    CASE s.object WHEN 1 THEN 'contact' WHEN 2 THEN 'lead' WHEN 3 THEN 'account' ELSE 'opportunity' END AS object,
    CASE WHEN t.state <> 'active' THEN t.state WHEN NOT s.enabled THEN 'switched off' ELSE s.state END AS state,
    s.last_run_at AS last_run,
    CASE WHEN s.enabled THEN s.next_run_at END AS next_run,
    CASE
        WHEN s.cursor IS NULL THEN 'nothing read yet'
        WHEN s.direction = 1 AND s.cursor ? 'walkBegan'
            THEN format('read up to %s, now at %s %s', ferry.instant(s.cursor -> 'since'),
                CASE s.object WHEN 3 THEN 'account' ELSE 'contact' END, s.cursor ->> 'walkedTo')
        WHEN s.direction = 1 THEN format('read up to %s', ferry.instant(s.cursor -> 'since'))
        WHEN s.cursor ? 'position'
            THEN format('read up to %s, now at record %s', ferry.instant(s.cursor #> '{position,stamp}'),
                s.cursor #>> '{position,id}')
        ELSE format('read up to %s', ferry.instant(s.cursor -> 'from'))
    END AS cursor,
    CASE
        WHEN s.direction = 1 AND s.object = 1
            THEN (SELECT count(*) FROM ferry.pending_changes p WHERE p.tenant_no = s.tenant_no)
        WHEN s.direction = 1 THEN 0
        WHEN s.object = 3
            -- People who are not in their account yet.
            THEN (SELECT count(*) FROM ferry.account_members m WHERE m.tenant_no = s.tenant_no AND m.state = 1)
        WHEN s.object = 4
            THEN (SELECT count(*) FROM ferry.opportunity_links o WHERE o.tenant_no = s.tenant_no AND o.state = 3)
        ELSE (SELECT count(*) FROM ferry.import_members m WHERE m.tenant_no = s.tenant_no AND m.object = s.object)
    END AS pending_count,
    CASE
        WHEN t.state = 'paused' AND t.pause_reason IS NOT NULL THEN 'paused: ' || t.pause_reason
        ELSE s.last_error
    END AS last_error
FROM ferry.streams s JOIN ferry.tenants t ON t.number = s.tenant_no;

-- The tenant's public interface: rows that people write. Constraint names are sentences, because a refused INSERT
-- shows them.

CREATE TABLE ferry.tenants (
    id text NOT NULL CONSTRAINT "this tenant id is taken" PRIMARY KEY,
    -- Stands for the id in hot tables; never reused.
    number integer GENERATED ALWAYS AS IDENTITY CONSTRAINT "this tenant number is taken" UNIQUE,
    state text NOT NULL DEFAULT 'active',
    pause_reason text,
    -- Grows with every change of a config row; workers re-read their copy when it has grown.
    config_version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT "a tenant id is a-z, 0-9, - and _, 40 characters at most"
        CHECK (id ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    CONSTRAINT "a tenant is active, paused or removed" CHECK (state IN ('active', 'paused', 'removed')),
    CONSTRAINT "a pause reason has 500 characters at most" CHECK (length(pause_reason) <= 500)
);

CREATE FUNCTION ferry.refuse(complaint text, sentence text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = complaint, CONSTRAINT = sentence;
END $$;

CREATE FUNCTION ferry.keep_tenant_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id <> OLD.id THEN
        PERFORM ferry.refuse('a tenant id never changes', 'a tenant id never changes');
    END IF;
    NEW.updated_at := now();
    RETURN NEW;
END $$;

CREATE TRIGGER keep_tenant_id BEFORE UPDATE ON ferry.tenants FOR EACH ROW EXECUTE FUNCTION ferry.keep_tenant_id();

CREATE TABLE ferry.connections (
    tenant text NOT NULL CONSTRAINT "a connection belongs to a tenant" REFERENCES ferry.tenants ON DELETE CASCADE,
    provider text NOT NULL,
    -- The account's own address, from the provider's settings page.
    base_url text NOT NULL,
    -- What `ferry seal --tenant` printed.
    secret text NOT NULL,
    -- Salesforce only, like the following two.
    api_version text NOT NULL DEFAULT '66.0',
    package_installed boolean NOT NULL DEFAULT false,
    external_id_field text DEFAULT 'AC_Contact_Id__c',
    CONSTRAINT "a tenant has one connection per provider" PRIMARY KEY (tenant, provider),
    CONSTRAINT "the provider is activecampaign or salesforce" CHECK (provider IN ('activecampaign', 'salesforce')),
    CONSTRAINT "the base URL starts with https:// (http:// on loopback only)"
        CHECK (base_url ~ '^(https://|http://(127\.0\.0\.1|localhost|\[::1\])([:/]|$))'),
    CONSTRAINT "the base URL has a host, and no user, query or blank"
        CHECK (base_url ~ '^https?://[^/@?#\s]+(/[^@?#\s]*)?$' AND length(base_url) <= 500),
    CONSTRAINT "the secret is sealed: use what ferry seal prints"
        CHECK (secret ~ '^ferry1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$' AND length(secret) <= 16384),
    CONSTRAINT "the API version is written like 66.0" CHECK (api_version ~ '^[0-9]{2}\.0$'),
    CONSTRAINT "the external id field is an API name: AC_Contact_Id__c"
        CHECK (external_id_field ~ '^[A-Za-z][A-Za-z0-9_]{0,79}$')
);

CREATE TABLE ferry.sync_settings (
    tenant text NOT NULL CONSTRAINT "a tenant has one row of settings" PRIMARY KEY
        CONSTRAINT "settings belong to a tenant" REFERENCES ferry.tenants ON DELETE CASCADE,
    outbound_enabled boolean NOT NULL DEFAULT true,
    inbound_interval_hours integer NOT NULL DEFAULT 1,
    -- Local hour of a once-a-day pull; without one the tenant gets a place of its own in the day.
    daily_hour integer,
    time_zone text NOT NULL DEFAULT 'UTC',
    contact_selection text NOT NULL DEFAULT 'new',
    lead_selection text NOT NULL DEFAULT 'new',
    include_updated_existing boolean NOT NULL DEFAULT false,
    marker_field text NOT NULL DEFAULT 'AC_Sync__c',
    clear_blanks boolean NOT NULL DEFAULT true,
    push_formula_changes boolean NOT NULL DEFAULT false,
    company_fallback text NOT NULL DEFAULT '[not provided]',
    remove_lead_tag_on_conversion boolean NOT NULL DEFAULT true,
    default_list_id bigint,
    default_owner_id text,
    default_record_type_id text,
    use_assignment_rule boolean NOT NULL DEFAULT false,
    CONSTRAINT "the pull interval is 1, 2, 3, 4, 6, 8, 12 or 24 hours"
        CHECK (inbound_interval_hours IN (1, 2, 3, 4, 6, 8, 12, 24)),
    CONSTRAINT "the daily hour is 0 to 23" CHECK (daily_hour BETWEEN 0 AND 23),
    CONSTRAINT "a daily hour goes with a pull interval of 24 hours"
        CHECK (daily_hour IS NULL OR inbound_interval_hours = 24),
    CONSTRAINT "contacts are selected by none, new, marked or criteria"
        CHECK (contact_selection IN ('none', 'new', 'marked', 'criteria')),
    CONSTRAINT "leads are selected by none, new, marked or criteria"
        CHECK (lead_selection IN ('none', 'new', 'marked', 'criteria')),
    CONSTRAINT "the marker field is an API name such as AC_Sync__c"
        CHECK (marker_field ~ '^[A-Za-z][A-Za-z0-9_]{0,79}$'),
    CONSTRAINT "the company fallback is 1 to 255 characters long"
        CHECK (length(company_fallback) BETWEEN 1 AND 255 AND company_fallback ~ '\S'),
    CONSTRAINT "a list id is positive" CHECK (default_list_id > 0),
    CONSTRAINT "an owner id has 15 or 18 letters and digits"
        CHECK (default_owner_id ~ '^([A-Za-z0-9]{15}|[A-Za-z0-9]{18})$'),
    CONSTRAINT "a record type id has 15 or 18 letters and digits"
        CHECK (default_record_type_id ~ '^([A-Za-z0-9]{15}|[A-Za-z0-9]{18})$')
);

-- PostgreSQL also takes abbreviations and POSIX rules for time zones; only names work everywhere.
CREATE FUNCTION ferry.check_time_zone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.time_zone = 'UTC' THEN
        RETURN NEW;
    END IF;
    IF NEW.time_zone ~ '^[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+$' THEN
        PERFORM now() AT TIME ZONE NEW.time_zone;
        RETURN NEW;
    END IF;
    RAISE invalid_parameter_value;
EXCEPTION WHEN invalid_parameter_value THEN
    PERFORM ferry.refuse(
        format('"%s" is no time zone; use an IANA name such as Europe/Berlin, or UTC', left(NEW.time_zone, 80)),
        'the time zone is an IANA name such as Europe/Berlin');
    RETURN NEW;
END $$;

CREATE TRIGGER check_time_zone BEFORE INSERT OR UPDATE OF time_zone ON ferry.sync_settings
    FOR EACH ROW EXECUTE FUNCTION ferry.check_time_zone();

CREATE TABLE ferry.field_mappings (
    tenant text NOT NULL CONSTRAINT "a mapping belongs to a tenant" REFERENCES ferry.tenants ON DELETE CASCADE,
    object text NOT NULL,
    sf_field text NOT NULL,
    ac_field text NOT NULL,
    sf_type text NOT NULL DEFAULT 'text',
    ac_type text NOT NULL DEFAULT 'text',
    update_mode text NOT NULL DEFAULT 'always',
    truncate boolean NOT NULL DEFAULT false,
    CONSTRAINT "a Salesforce field is mapped once per object" PRIMARY KEY (tenant, object, sf_field),
    CONSTRAINT "an ActiveCampaign field is mapped once per object" UNIQUE (tenant, object, ac_field),
    CONSTRAINT "the object is contact, lead, account or opportunity"
        CHECK (object IN ('contact', 'lead', 'account', 'opportunity')),
    CONSTRAINT "a Salesforce field is an API name such as Birthdate"
        CHECK (sf_field ~ '^[A-Za-z][A-Za-z0-9_]{0,79}$'),
    CONSTRAINT "AC field: email, firstName, lastName, phone or custom:TAG"
        CHECK (ac_field ~ '^(email|firstName|lastName|phone|custom:[A-Z0-9_]{1,100})$'),
    CONSTRAINT "update mode: always, fill_blank, sf_to_ac, ac_to_sf or never"
        CHECK (update_mode IN ('always', 'fill_blank', 'sf_to_ac', 'ac_to_sf', 'never')),
    CONSTRAINT "the standard ActiveCampaign fields are of type text"
        CHECK (ac_field LIKE 'custom:%' OR ac_type = 'text'),
    CONSTRAINT "the e-mail of one side is mapped to that of the other"
        CHECK ((ac_field = 'email') = (sf_field = 'Email')),
    CONSTRAINT "a formula flows from Salesforce to ActiveCampaign only"
        CHECK (sf_type NOT IN ('formula', 'formula_checkbox') OR update_mode <> 'ac_to_sf'),
    CONSTRAINT "a formula never feeds the e-mail or the last name"
        CHECK (sf_type NOT IN ('formula', 'formula_checkbox') OR ac_field NOT IN ('email', 'lastName'))
);

-- R65: the ActiveCampaign types a Salesforce type may be mapped to.
CREATE FUNCTION ferry.compatible_types(sf_type text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN sf_type IN ('checkbox', 'formula_checkbox') THEN ARRAY['checkbox']
        WHEN sf_type = 'currency' THEN ARRAY['currency', 'text', 'hidden']
        WHEN sf_type = 'date' THEN ARRAY['date']
        WHEN sf_type IN ('email', 'number', 'picklist', 'url') THEN ARRAY['text', 'dropdown', 'hidden']
        WHEN sf_type = 'text' THEN ARRAY['text', 'dropdown', 'hidden', 'date']
        WHEN sf_type IN ('formula', 'textarea') THEN ARRAY['text', 'textarea', 'hidden']
        WHEN sf_type IN ('percent', 'phone', 'encrypted') THEN ARRAY['text', 'hidden']
        WHEN sf_type = 'multipicklist' THEN ARRAY['listbox']
        WHEN sf_type IN ('long_textarea', 'rich_textarea') THEN ARRAY['textarea', 'hidden']
    END
$$;

CREATE FUNCTION ferry.check_mapping() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fitting text[] := ferry.compatible_types(NEW.sf_type);
BEGIN
    -- ActiveCampaign's tags are upper case; one spelling, so that a field can't be mapped twice.
    IF NEW.ac_field LIKE 'custom:%' THEN
        NEW.ac_field := 'custom:' || upper(substr(NEW.ac_field, 8));
    END IF;
    IF fitting IS NULL THEN
        PERFORM ferry.refuse(
            format('"%s" is no Salesforce type; use checkbox, currency, date, email, encrypted, formula, '
                || 'formula_checkbox, long_textarea, multipicklist, number, percent, phone, picklist, rich_textarea, '
                || 'text, textarea or url', left(NEW.sf_type, 40)),
            'the Salesforce type is one that can be kept in step');
    ELSIF NOT NEW.ac_type = ANY (fitting) THEN
        PERFORM ferry.refuse(
            format('a Salesforce %s field goes with an ActiveCampaign field of type %s, not %s', NEW.sf_type,
                array_to_string(fitting, ' or '), left(NEW.ac_type, 40)),
            'the two field types go together');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER check_mapping BEFORE INSERT OR UPDATE ON ferry.field_mappings
    FOR EACH ROW EXECUTE FUNCTION ferry.check_mapping();

CREATE TABLE ferry.selection_criteria (
    tenant text NOT NULL CONSTRAINT "a criterion belongs to a tenant" REFERENCES ferry.tenants ON DELETE CASCADE,
    object text NOT NULL,
    -- A record is selected when it meets all rows of at least one group.
    group_no integer NOT NULL DEFAULT 1,
    position integer NOT NULL DEFAULT 1,
    field text NOT NULL,
    operator text NOT NULL,
    value_type text NOT NULL DEFAULT 'text',
    -- None for blank and not_blank, one or more for in, one for the others.
    operands text[] NOT NULL DEFAULT '{}',
    CONSTRAINT "this place in the group is taken" PRIMARY KEY (tenant, object, group_no, position),
    CONSTRAINT "criteria select the object contact or lead" CHECK (object IN ('contact', 'lead')),
    CONSTRAINT "groups and positions are 1 to 10"
        CHECK (group_no BETWEEN 1 AND 10 AND position BETWEEN 1 AND 10),
    CONSTRAINT "a criterion's field is an API name such as Region__c"
        CHECK (field ~ '^[A-Za-z][A-Za-z0-9_]{0,79}$'),
    CONSTRAINT "operator: eq ne contains starts in lt gt blank not_blank"
        CHECK (operator IN ('eq', 'ne', 'contains', 'starts', 'in', 'lt', 'gt', 'blank', 'not_blank')),
    CONSTRAINT "the value type is text, number, bool or date"
        CHECK (value_type IN ('text', 'number', 'bool', 'date')),
    CONSTRAINT "operands: none for blank, several for in, else one"
        CHECK (CASE
            WHEN operator IN ('blank', 'not_blank') THEN cardinality(operands) = 0
            WHEN operator = 'in' THEN cardinality(operands) BETWEEN 1 AND 100
            ELSE cardinality(operands) = 1 END),
    CONSTRAINT "operands are not null, 25,500 characters in all"
        CHECK (array_position(operands, NULL) IS NULL AND length(array_to_string(operands, '')) <= 25500),
    CONSTRAINT "contains and starts compare text"
        CHECK (operator NOT IN ('contains', 'starts') OR value_type = 'text'),
    CONSTRAINT "a number operand is written like -12.5"
        CHECK (value_type <> 'number' OR cardinality(operands) = 0
            OR array_to_string(operands, ',') ~ '^-?[0-9]+(\.[0-9]+)?(,-?[0-9]+(\.[0-9]+)?)*$'),
    CONSTRAINT "a bool operand is true or false"
        CHECK (value_type <> 'bool' OR operands <@ ARRAY['true', 'false']),
    CONSTRAINT "a date operand is written like 2026-11-23"
        CHECK (value_type <> 'date' OR cardinality(operands) = 0
            OR array_to_string(operands, ',') ~ '^[0-9]{4}-[01][0-9]-[0-3][0-9](,[0-9]{4}-[01][0-9]-[0-3][0-9])*$')
);

-- Checked at COMMIT, so that rows may come in any order.
CREATE FUNCTION ferry.check_criteria() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who text := CASE TG_OP WHEN 'DELETE' THEN OLD.tenant ELSE NEW.tenant END;
    lacking text;
BEGIN
    SELECT c.object INTO lacking
    FROM ferry.sync_settings s
    CROSS JOIN LATERAL (VALUES ('contact', s.contact_selection), ('lead', s.lead_selection)) AS c (object, selection)
    WHERE s.tenant = who AND c.selection = 'criteria'
        AND NOT EXISTS (SELECT FROM ferry.selection_criteria x WHERE x.tenant = who AND x.object = c.object);
    IF lacking IS NOT NULL THEN
        PERFORM ferry.refuse(
            format('selection by criteria needs a row in selection_criteria for object %s', lacking),
            'selection by criteria needs rows in selection_criteria');
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER check_criteria AFTER INSERT OR UPDATE ON ferry.sync_settings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ferry.check_criteria();
CREATE CONSTRAINT TRIGGER check_criteria AFTER UPDATE OR DELETE ON ferry.selection_criteria
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ferry.check_criteria();

CREATE TABLE ferry.api_budgets (
    tenant text NOT NULL CONSTRAINT "a budget belongs to a tenant" REFERENCES ferry.tenants ON DELETE CASCADE,
    provider text NOT NULL,
    -- Calls Ferry may spend in 24 hours, as a number or as a share of the account's own limit.
    daily_calls integer,
    daily_share float8,
    -- Ferry stops when all integrations together have used this share of the account's limit.
    org_ceiling_share float8 NOT NULL DEFAULT 0.9,
    CONSTRAINT "a tenant has one budget per provider" PRIMARY KEY (tenant, provider),
    CONSTRAINT "a budget is for activecampaign or salesforce" CHECK (provider IN ('activecampaign', 'salesforce')),
    CONSTRAINT "a budget is either daily_calls or daily_share" CHECK (num_nonnulls(daily_calls, daily_share) = 1),
    CONSTRAINT "daily calls are positive" CHECK (daily_calls > 0),
    CONSTRAINT "the daily share is above 0 and at most 1" CHECK (daily_share > 0 AND daily_share <= 1),
    CONSTRAINT "the ceiling is above 0 and at most 1" CHECK (org_ceiling_share > 0 AND org_ceiling_share <= 1)
);

-- Every change of a config row raises the tenant's version.
CREATE FUNCTION ferry.raise_config_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        UPDATE ferry.tenants SET config_version = config_version + 1
        WHERE id IN (SELECT tenant FROM previous UNION SELECT tenant FROM changed);
    ELSE
        UPDATE ferry.tenants SET config_version = config_version + 1 WHERE id IN (SELECT tenant FROM changed);
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE
    config text;
BEGIN
    FOREACH config IN ARRAY
        ARRAY['connections', 'sync_settings', 'field_mappings', 'selection_criteria', 'api_budgets']
    LOOP
        EXECUTE format('CREATE TRIGGER raise_version_insert AFTER INSERT ON ferry.%I REFERENCING NEW TABLE AS changed '
            || 'FOR EACH STATEMENT EXECUTE FUNCTION ferry.raise_config_version()', config);
        EXECUTE format('CREATE TRIGGER raise_version_update AFTER UPDATE ON ferry.%I REFERENCING OLD TABLE AS previous '
            || 'NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION ferry.raise_config_version()', config);
        EXECUTE format('CREATE TRIGGER raise_version_delete AFTER DELETE ON ferry.%I REFERENCING OLD TABLE AS changed '
            || 'FOR EACH STATEMENT EXECUTE FUNCTION ferry.raise_config_version()', config);
    END LOOP;
END $$;

-- An ActiveCampaign account and a Salesforce org are each one tenant's (R1): two of them would write over each other.

-- Whose address it is; null where that says nothing: test servers on loopback, addresses that all orgs log in by, and
-- connections of removed tenants, whose account may come on board again.
ALTER TABLE ferry.connections ADD COLUMN owned_host text;

CREATE FUNCTION ferry.own_host() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    host text := lower(substring(NEW.base_url FROM '^https://([^/:]+)'));
BEGIN
    IF host IN ('login.salesforce.com', 'test.salesforce.com')
        OR EXISTS (SELECT FROM ferry.tenants WHERE id = NEW.tenant AND state = 'removed') THEN
        host := NULL;
    END IF;
    NEW.owned_host := host;
    RETURN NEW;
END $$;
CREATE TRIGGER own_host BEFORE INSERT OR UPDATE ON ferry.connections
    FOR EACH ROW EXECUTE FUNCTION ferry.own_host();

CREATE FUNCTION ferry.own_hosts_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ferry.connections SET base_url = base_url WHERE tenant = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER own_hosts_again AFTER UPDATE OF state ON ferry.tenants
    FOR EACH ROW WHEN ((OLD.state = 'removed') <> (NEW.state = 'removed')) EXECUTE FUNCTION ferry.own_hosts_again();

UPDATE ferry.connections SET base_url = base_url;

CREATE UNIQUE INDEX "this account or org is another tenant's already" ON ferry.connections (provider, owned_host);

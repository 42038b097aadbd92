-- What the story of a record tells beside code and rule; what is not known is null and costs a bit.
ALTER TABLE ferry.record_decisions
    -- How the record was seen, and by what it may cross.
    ADD COLUMN source smallint,
    ADD COLUMN ground smallint,
    -- Which call of the run carried it, at which place; or which bulk import.
    ADD COLUMN call integer,
    ADD COLUMN place integer,
    ADD COLUMN import_id text COLLATE "C",
    -- Hash of the mapped values, and of the address under the tenant's pepper: of records that no link finds.
    ADD COLUMN projection bytea,
    ADD COLUMN email_key bytea;
CREATE INDEX record_decisions_email ON ferry.record_decisions (tenant_no, email_key) WHERE email_key IS NOT NULL;

-- Makes hashes of one tenant's addresses useless for another's.
ALTER TABLE ferry.tenants ADD COLUMN email_pepper bytea NOT NULL DEFAULT uuid_send(gen_random_uuid());

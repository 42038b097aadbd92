-- Who committed under the highest token. A Redis that lost its last writes may give the same token out twice until a
-- scheduler has taken it over: of two runs that hold it only the one that commits first goes on.
ALTER TABLE ferry.fences ADD COLUMN holder text NOT NULL DEFAULT '';

DROP FUNCTION ferry.hold_fence(integer, smallint, bigint);

-- Raises SQLSTATE FY001 when a newer token has committed, or somebody else under this one: the whole pipelined transaction
-- ends there. Programs of the version before name no holder.
CREATE FUNCTION ferry.hold_fence(tenant integer, job smallint, token bigint, worker text DEFAULT '') RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ferry.fences AS f (tenant_no, scope, fence, holder) VALUES (tenant, job, token, worker)
    ON CONFLICT (tenant_no, scope) DO UPDATE SET fence = excluded.fence, holder = excluded.holder
    WHERE f.fence < excluded.fence OR (f.fence = excluded.fence AND f.holder = excluded.holder);
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'FY001', MESSAGE = 'a newer lease has committed';
    END IF;
END $$;

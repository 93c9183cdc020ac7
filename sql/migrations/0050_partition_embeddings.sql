-- Vectors are parted by where they are kept: place 0 is shared by all tenants, any other is the
-- tenant of that number, for one that has outgrown exact search. There is no default partition,
-- so that one may be attached while everybody reads and writes.
-- What is there becomes the shared partition as it is; it is read once, to see that it fits.
-- statement_timeout: 10min
-- Who may do what with the whole is what it was, from this commit on: the repeatable files, which
-- say it anew, run after all migrations.
CREATE TEMP TABLE guard ON COMMIT DROP AS
SELECT format('CREATE POLICY %I ON embedding AS %s FOR %s TO %s', policyname, permissive, cmd,
              (SELECT string_agg(quote_ident(role), ', ') FROM unnest(roles) AS role))
       || coalesce(' USING (' || qual || ')', '')
       || coalesce(' WITH CHECK (' || with_check || ')', '') AS statement
  FROM pg_policies
 WHERE schemaname = 'public' AND tablename = 'embedding'
UNION ALL
SELECT format('GRANT %s ON embedding TO %s', privilege_type, grantee::regrole)
  FROM pg_class, aclexplode(relacl)
 WHERE oid = 'embedding'::regclass AND grantee NOT IN (0, relowner)
UNION ALL
SELECT format('GRANT %s (%I) ON embedding TO %s', privilege_type, attname, grantee::regrole)
  FROM pg_attribute, aclexplode(attacl)
 WHERE attrelid = 'embedding'::regclass AND grantee <> 0;

ALTER TABLE embedding
    ADD place integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT embedding_place_check CHECK (place IN (0, tenant_id));
ALTER TABLE embedding RENAME TO embedding_shared;
ALTER INDEX embedding_pkey RENAME TO embedding_shared_pkey;
ALTER INDEX embedding_acl RENAME TO embedding_shared_acl;
ALTER INDEX embedding_passage RENAME TO embedding_shared_passage;

-- A passage has one vector in a space: within a partition by its key, and between two by the lock
-- on its document.
CREATE TABLE embedding (LIKE embedding_shared INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
    PARTITION BY LIST (place);
ALTER TABLE embedding
    ALTER vector SET STATISTICS 0,
    ADD CONSTRAINT embedding_space_id_fkey FOREIGN KEY (space_id) REFERENCES embedding_space,
    ADD CONSTRAINT embedding_tenant_id_passage_id_fkey
        FOREIGN KEY (tenant_id, passage_id) REFERENCES passage ON DELETE CASCADE;
CREATE INDEX embedding_acl ON embedding (tenant_id, corpus_id, space_id, acl_id);
CREATE INDEX embedding_passage ON embedding (tenant_id, passage_id);
ALTER TABLE embedding ATTACH PARTITION embedding_shared FOR VALUES IN (0);

-- The policies are those of the whole; a part by itself admits nobody.
ALTER TABLE embedding ENABLE ROW LEVEL SECURITY;
ALTER TABLE embedding FORCE ROW LEVEL SECURITY;
ALTER TABLE embedding_shared ENABLE ROW LEVEL SECURITY;
ALTER TABLE embedding_shared FORCE ROW LEVEL SECURITY;
DO $$
DECLARE
    name text;
    statement text;
BEGIN
    FOR statement IN SELECT guard.statement FROM guard
    LOOP
        EXECUTE statement;
    END LOOP;
    FOR name IN SELECT policyname FROM pg_policies WHERE tablename = 'embedding_shared'
    LOOP
        EXECUTE format('DROP POLICY %I ON embedding_shared', name);
    END LOOP;
END $$;

-- Which tenants have a partition of their own, or are on the way there or back.
CREATE TABLE embedding_place (
    tenant_id   integer     PRIMARY KEY REFERENCES tenant,
    state       text        NOT NULL CHECK (state IN ('filling', 'own', 'returning')),
    indexed     integer[]   NOT NULL, -- the spaces that have an HNSW index there
    changed_at  timestamptz NOT NULL
);

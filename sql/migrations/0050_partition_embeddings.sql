-- Vectors are parted by where they are kept: place 0 is shared by all tenants, any other is the
-- tenant of that number, for one that has outgrown exact search. There is no default partition,
-- so that one may be attached while everybody reads and writes.
-- What is there becomes the shared partition as it is; it is read once, to see that it fits.
-- statement_timeout: 10min
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
ALTER TABLE embedding_shared ENABLE ROW LEVEL SECURITY;
ALTER TABLE embedding_shared FORCE ROW LEVEL SECURITY;
DO $$
DECLARE
    name text;
BEGIN
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

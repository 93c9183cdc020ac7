-- How to tell that a replica shows what the primary does.
-- Run again whenever this file changes; after permissions.sql, which makes the roles.

-- A tenant's contents change only with rows of the tables below, so two servers that have the same
-- mark of it let its people find the same. A mark is drawn at random and compared for equality: not
-- even a server that lost or did what the other did not can have it by chance.
CREATE OR REPLACE FUNCTION mark_contents() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        UPDATE tenant SET content_mark = gen_random_uuid()
         WHERE id = coalesce(NEW.tenant_id, OLD.tenant_id);
        RETURN NULL;
    END $$;
REVOKE ALL ON FUNCTION mark_contents() FROM PUBLIC;
DROP POLICY IF EXISTS definer ON tenant;
CREATE POLICY definer ON tenant FOR SELECT TO CURRENT_USER USING (true);
DROP POLICY IF EXISTS definer_update ON tenant;
CREATE POLICY definer_update ON tenant FOR UPDATE TO CURRENT_USER USING (true);

-- Passages, postings and vectors need no trigger: none comes or goes without its document or its
-- count, but for a vector in another space, which nobody compares with before that space is marked
-- whole or switched to.
-- Deferred, so that two transactions of a tenant wait for each other in their commits alone; and
-- noted by a setting of the transaction, so that it is done once, however many rows there are.
DO $$
DECLARE
    name text;
    image text;
BEGIN
    FOREACH name IN ARRAY ARRAY['document', 'passage_count', 'withdrawn_document', 'acl_grant',
                                'corpus', 'corpus_route', 'corpus_space', 'embedding_place']
    LOOP
        FOREACH image IN ARRAY ARRAY['new', 'old']
        LOOP
            EXECUTE format('DROP TRIGGER IF EXISTS mark_%s ON %I', image, name);
            EXECUTE format(
                'CREATE CONSTRAINT TRIGGER mark_%1$s AFTER %2$s ON %3$I'
                ' DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (CASE'
                ' WHEN current_setting(''roadworthy.marked'', true) = %1$s.tenant_id::text THEN false'
                ' ELSE set_config(''roadworthy.marked'', %1$s.tenant_id::text, true) IS NOT NULL END)'
                ' EXECUTE FUNCTION mark_contents()',
                image, CASE image WHEN 'new' THEN 'INSERT OR UPDATE' ELSE 'DELETE' END, name);
        END LOOP;
    END LOOP;
END $$;

-- Asked of both servers: equal, and not null, if the tenant's people find the same on both, by the
-- same policies.
CREATE OR REPLACE FUNCTION contents_of(tenant integer) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    RETURN (SELECT content_mark || ' ' || (SELECT extract(epoch FROM max(applied_at)) FROM schema_migration)
              FROM tenant WHERE id = contents_of.tenant AND id = current_tenant());
REVOKE ALL ON FUNCTION contents_of(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION contents_of(integer) TO roadworthy_app;

-- Merged postings: what leaves the segments of a class is marked, and found no more.
-- Run again whenever this file changes; after permissions.sql, which makes the roles and grants.

-- In the transaction that deletes or replaces the revision, or gives it to other readers, whoever
-- does so; nobody else marks anything.
CREATE OR REPLACE FUNCTION mark_gone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        INSERT INTO posting_gone (tenant_id, corpus_id, acl_id, document_id, revision_id, passages,
                                  postings, packed)
        SELECT tenant_id, corpus_id, acl_id, document_id, revision_id, passages, postings, packed
          FROM gone
         ORDER BY revision_id;
        RETURN NULL;
    END $$;
REVOKE ALL ON FUNCTION mark_gone() FROM PUBLIC;
CREATE OR REPLACE TRIGGER mark AFTER DELETE ON merged_revision REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION mark_gone();
DROP POLICY IF EXISTS definer ON posting_gone;
CREATE POLICY definer ON posting_gone FOR INSERT TO CURRENT_USER WITH CHECK (true);

-- Which passages segments of the caller's classes hold though nobody may find them any more, or not
-- while their documents are being deleted: ids, and none of their words.
CREATE OR REPLACE FUNCTION gone_passages(of_corpus integer)
    RETURNS TABLE (acl_id integer, passages bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    SET plan_cache_mode = force_custom_plan -- most corpora have none
    BEGIN ATOMIC
        SELECT gone.acl_id, string_agg(gone.passages, ''::bytea)
          FROM (SELECT acl_id, passages
                  FROM posting_gone
                 WHERE tenant_id = current_tenant() AND corpus_id = of_corpus
                 UNION ALL
                SELECT merged.acl_id, merged.passages
                  FROM withdrawn_document AS withdrawn
                  JOIN merged_revision AS merged ON merged.tenant_id = withdrawn.tenant_id
                                                AND merged.document_id = withdrawn.document_id
                 WHERE withdrawn.tenant_id = current_tenant() AND merged.corpus_id = of_corpus
                   AND (withdrawn.corpus_id = of_corpus OR withdrawn.corpus_id IS NULL)) AS gone
         WHERE gone.acl_id = ANY ((SELECT visible_acls())::integer[])
         GROUP BY gone.acl_id;
    END;
REVOKE ALL ON FUNCTION gone_passages(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gone_passages(integer) TO roadworthy_app;

-- Since when the oldest postings of any tenant wait to be merged, and to be taken out; those of what
-- is being deleted do not wait for it.
CREATE OR REPLACE FUNCTION oldest_postings()
    RETURNS TABLE (unmerged_since timestamptz, uncleared_since timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    BEGIN ATOMIC
        SELECT min(fresh.written_at), min(gone.gone_at)
          FROM tenant
          LEFT JOIN LATERAL (SELECT written_at
                               FROM posting
                              WHERE tenant_id = tenant.id
                                AND NOT EXISTS (SELECT
                                                  FROM withdrawn_document AS withdrawn
                                                 WHERE withdrawn.tenant_id = tenant.id
                                                   AND withdrawn.document_id = posting.document_id)
                              ORDER BY revision_id
                              LIMIT 1) AS fresh ON true
          LEFT JOIN LATERAL (SELECT gone_at
                               FROM posting_gone
                              WHERE tenant_id = tenant.id
                              ORDER BY id
                              LIMIT 1) AS gone ON true;
    END;
REVOKE ALL ON FUNCTION oldest_postings() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION oldest_postings() TO roadworthy_worker;

-- What the functions above see.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['posting', 'posting_gone', 'merged_revision', 'acl_grant']
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS definer_look ON %I', name);
        EXECUTE format('CREATE POLICY definer_look ON %I FOR SELECT TO CURRENT_USER USING (true)',
                       name);
    END LOOP;
END $$;

-- New readers: the owner writes the postings of his document, in the class that it has by then.
DROP POLICY IF EXISTS owner_insert ON posting;
CREATE POLICY owner_insert ON posting AS RESTRICTIVE FOR INSERT TO roadworthy_app
    WITH CHECK (EXISTS (SELECT FROM document
                         WHERE document.tenant_id = posting.tenant_id
                           AND document.id = posting.document_id
                           AND document.corpus_id = posting.corpus_id
                           AND document.acl_id = posting.acl_id
                           AND document.owner = (SELECT current_user_id())));

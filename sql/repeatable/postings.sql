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

-- New readers: the owner writes the postings of his document, in the class that it has by then.
DROP POLICY IF EXISTS owner_insert ON posting;
CREATE POLICY owner_insert ON posting AS RESTRICTIVE FOR INSERT TO roadworthy_app
    WITH CHECK (EXISTS (SELECT FROM document
                         WHERE document.tenant_id = posting.tenant_id
                           AND document.id = posting.document_id
                           AND document.corpus_id = posting.corpus_id
                           AND document.acl_id = posting.acl_id
                           AND document.owner = (SELECT current_user_id())));

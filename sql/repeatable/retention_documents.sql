-- What is being deleted is hidden, and receipts are kept.
-- Run again whenever this file changes; after permissions.sql, which makes the roles and grants.

-- A document that is being deleted is seen by nobody, from the first transaction on: by no person,
-- and by the worker and the operator only while they delete. EXISTS, because PostgreSQL hashes the
-- set while it is small (it is empty most of the time), and looks in its index when it is large.
DO $$
DECLARE
    name text;
    is_seen text;
BEGIN
    FOREACH name IN ARRAY ARRAY['document', 'revision', 'passage', 'embedding', 'posting', 'job',
                                'document_field', 'merged_revision']
    LOOP
        is_seen := format('NOT EXISTS (SELECT FROM withdrawn_document AS withdrawn'
                          ' WHERE withdrawn.tenant_id = %1$I.tenant_id'
                          ' AND withdrawn.document_id = %1$I.%2$I)',
                          name, CASE name WHEN 'document' THEN 'id' ELSE 'document_id' END);
        EXECUTE format('DROP POLICY IF EXISTS not_withdrawn ON %I', name);
        IF name <> 'job' THEN -- which a person sees as its document
            EXECUTE format('CREATE POLICY not_withdrawn ON %I AS RESTRICTIVE TO roadworthy_app '
                           'USING (%s)', name, is_seen);
        END IF;
        EXECUTE format('DROP POLICY IF EXISTS not_withdrawn_worker ON %I', name);
        EXECUTE format('CREATE POLICY not_withdrawn_worker ON %I AS RESTRICTIVE TO roadworthy_worker '
                       'USING (%s OR (SELECT current_setting(''roadworthy.deleting'', true)) = ''on'')',
                       name, is_seen);
    END LOOP;
END $$;
DROP POLICY IF EXISTS colleague ON withdrawn_document;
CREATE POLICY colleague ON withdrawn_document FOR SELECT TO roadworthy_app
    USING (tenant_id = (SELECT current_tenant()));
-- Ids alone: whoever looks for work does not know yet whose it is.
DROP POLICY IF EXISTS every ON withdrawn_document;
CREATE POLICY every ON withdrawn_document FOR SELECT TO roadworthy_worker USING (true);

-- A receipt is seen by whoever asked for the deletion, and by the operator, also when its tenant
-- is gone. It is written by who erases, until it is finished, and never again.
DROP POLICY IF EXISTS own ON deletion_receipt;
CREATE POLICY own ON deletion_receipt FOR SELECT TO roadworthy_app
    USING (requested_by = (SELECT current_user_id()));
DROP POLICY IF EXISTS worker ON deletion_receipt;
CREATE POLICY worker ON deletion_receipt TO roadworthy_worker USING (true);
DROP POLICY IF EXISTS unfinished ON deletion_receipt;
CREATE POLICY unfinished ON deletion_receipt AS RESTRICTIVE FOR UPDATE
    TO roadworthy_worker USING (finished_at IS NULL) WITH CHECK (true);

-- What the functions below see, whoever calls them.
DROP POLICY IF EXISTS definer ON withdrawn_document;
CREATE POLICY definer ON withdrawn_document FOR SELECT TO CURRENT_USER USING (true);
DROP POLICY IF EXISTS definer_lock ON principal;
CREATE POLICY definer_lock ON principal FOR UPDATE TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));

-- Whether a person is there, and stays so until the caller's transaction ends.
CREATE OR REPLACE FUNCTION person_stays(who text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        PERFORM FROM principal WHERE tenant_id = current_tenant() AND user_id = who FOR KEY SHARE;
        RETURN FOUND;
    END $$;
REVOKE ALL ON FUNCTION person_stays(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION person_stays(text) TO roadworthy_app;

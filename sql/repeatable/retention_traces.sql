-- What traces, receipts and holds forget of what is gone.
-- Run again whenever this file changes; after permissions.sql, which makes the roles and grants.

-- What the functions below see, whoever calls them.
DROP POLICY IF EXISTS definer ON trace;
CREATE POLICY definer ON trace TO CURRENT_USER USING (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS definer ON trace_answer;
CREATE POLICY definer ON trace_answer TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS definer ON deletion_receipt;
CREATE POLICY definer ON deletion_receipt TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));

-- Which of these documents are there, and stay so until the caller's transaction ends.
CREATE OR REPLACE FUNCTION present_documents(documents uuid[]) RETURNS uuid[]
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        SELECT coalesce(array_agg(id), '{}')
          FROM (SELECT id FROM document
                 WHERE tenant_id = current_tenant() AND id = ANY (documents)
                   AND NOT EXISTS (SELECT FROM withdrawn_document AS withdrawn
                                    WHERE withdrawn.tenant_id = document.tenant_id
                                      AND withdrawn.document_id = document.id)
                 ORDER BY id
                   FOR KEY SHARE) AS present
    $$;
REVOKE ALL ON FUNCTION present_documents(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION present_documents(uuid[]) TO roadworthy_app;

-- The traces that were made from some of these documents.
CREATE OR REPLACE FUNCTION traces_from(documents uuid[]) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    RETURN (SELECT coalesce(array_agg(DISTINCT trace_id), '{}')
              FROM trace_hit
             WHERE tenant_id = current_tenant() AND document_id = ANY (documents));
REVOKE ALL ON FUNCTION traces_from(uuid[]) FROM PUBLIC;

-- How many answers will go with these documents; says nothing else about them.
CREATE OR REPLACE FUNCTION count_answers(documents uuid[]) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    RETURN (SELECT count(*) FROM trace_answer
             WHERE tenant_id = current_tenant() AND trace_id = ANY (traces_from(documents)));
REVOKE ALL ON FUNCTION count_answers(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_answers(uuid[]) TO roadworthy_worker;

-- Takes the text from the traces that were made from a document that goes, whoever deletes it.
CREATE OR REPLACE FUNCTION forget_answers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    DECLARE
        told uuid[] := traces_from(ARRAY(SELECT id FROM gone));
    BEGIN
        UPDATE trace SET problem = NULL
         WHERE tenant_id = current_tenant() AND id = ANY (told) AND problem IS NOT NULL;
        DELETE FROM trace_answer WHERE tenant_id = current_tenant() AND trace_id = ANY (told);
        RETURN NULL;
    END $$;
DROP FUNCTION IF EXISTS forget_answers(uuid[]);
CREATE OR REPLACE TRIGGER forget_answers AFTER DELETE ON document REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION forget_answers();

-- Takes the answers that were kept for later, in the same way.
CREATE OR REPLACE FUNCTION forget_kept_answers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        DELETE FROM kept_answer
         WHERE tenant_id = current_tenant() AND documents && ARRAY(SELECT id FROM gone);
        RETURN NULL;
    END $$;
CREATE OR REPLACE TRIGGER forget_kept_answers AFTER DELETE ON document
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION forget_kept_answers();
DROP POLICY IF EXISTS definer ON kept_answer;
CREATE POLICY definer ON kept_answer TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));

-- Until when the traces of these people are kept without text and pseudonym; null: still so.
CREATE OR REPLACE FUNCTION forgotten_people(pseudonyms text[])
    RETURNS TABLE (pseudonym text, until timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        SELECT subject, CASE WHEN bool_and(finished_at IS NOT NULL) THEN max(finished_at) END
          FROM deletion_receipt
         WHERE tenant_id = current_tenant() AND scope = 'person' AND subject = ANY (pseudonyms)
         GROUP BY subject
    $$;
REVOKE ALL ON FUNCTION forgotten_people(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forgotten_people(text[]) TO roadworthy_app;

-- Takes text and pseudonym from the traces of a person whose deletion is under way, at most so
-- many; returns how many there were.
CREATE OR REPLACE FUNCTION forget_traces_of(who text, most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    DECLARE
        chosen uuid[];
    BEGIN
        SELECT array_agg(id) INTO chosen
          FROM (SELECT id FROM trace
                 WHERE tenant_id = current_tenant() AND trace.pseudonym = who
                   AND EXISTS (SELECT FROM deletion_receipt
                                WHERE deletion_receipt.tenant_id = current_tenant()
                                  AND scope = 'person' AND subject = who AND finished_at IS NULL)
                 ORDER BY id LIMIT most) AS trace;
        DELETE FROM trace_answer WHERE tenant_id = current_tenant() AND trace_id = ANY (chosen);
        UPDATE trace SET pseudonym = '', question = '', searched_for = NULL, problem = NULL
         WHERE tenant_id = current_tenant() AND id = ANY (chosen);
        RETURN coalesce(cardinality(chosen), 0);
    END $$;
REVOKE ALL ON FUNCTION forget_traces_of(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_traces_of(text, integer) TO roadworthy_worker;

-- Takes the name of a deleted person from receipts, holds, reviews and experiments, which are kept.
CREATE OR REPLACE FUNCTION forget_name(who text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        UPDATE deletion_receipt SET requested_by = '(deleted)'
         WHERE tenant_id = current_tenant() AND requested_by = who;
        UPDATE legal_hold SET placed_by = '(deleted)'
         WHERE tenant_id = current_tenant() AND placed_by = who;
        UPDATE legal_hold SET lifted_by = '(deleted)'
         WHERE tenant_id = current_tenant() AND lifted_by = who;
        UPDATE review SET decided_by = '(deleted)'
         WHERE tenant_id = current_tenant() AND decided_by = who;
        UPDATE experiment SET made_by = '(deleted)'
         WHERE tenant_id = current_tenant() AND made_by = who;
        UPDATE approval SET granted_by = '(deleted)'
         WHERE tenant_id = current_tenant() AND granted_by = who;
        UPDATE approval SET asked_by = '(deleted)'
         WHERE tenant_id = current_tenant() AND asked_by = who;
    END $$;
REVOKE ALL ON FUNCTION forget_name(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_name(text) TO roadworthy_worker;
DROP POLICY IF EXISTS definer_update ON legal_hold;
CREATE POLICY definer_update ON legal_hold FOR UPDATE TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS definer ON experiment;
CREATE POLICY definer ON experiment TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS definer_update ON review;
CREATE POLICY definer_update ON review FOR UPDATE TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS definer ON review;
CREATE POLICY definer ON review FOR SELECT TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));

-- Deletes traces of a tenant whose deletion is under way, at most so many; returns how many.
CREATE OR REPLACE FUNCTION drop_traces(most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    DECLARE
        dropped bigint;
    BEGIN
        DELETE FROM trace
         WHERE tenant_id = current_tenant()
           AND id IN (SELECT id FROM trace AS oldest
                       WHERE oldest.tenant_id = current_tenant() ORDER BY id LIMIT most)
           AND EXISTS (SELECT FROM deletion_receipt
                        WHERE deletion_receipt.tenant_id = current_tenant()
                          AND scope = 'tenant' AND finished_at IS NULL);
        GET DIAGNOSTICS dropped = ROW_COUNT;
        RETURN dropped;
    END $$;
REVOKE ALL ON FUNCTION drop_traces(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_traces(integer) TO roadworthy_worker;

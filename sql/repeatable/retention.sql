-- What is kept and what is forgotten: withdrawn documents, legal holds, traces of what is gone.
-- Run again whenever this file changes; after permissions.sql, which makes the roles and grants.

-- A document that is being deleted is seen by nobody, from the first transaction on: by no person,
-- and by the worker and the operator only while they delete. EXISTS, because PostgreSQL hashes the
-- set while it is small (it is empty most of the time), and looks in its index when it is large.
DO $$
DECLARE
    name text;
    is_seen text;
BEGIN
    FOREACH name IN ARRAY ARRAY['document', 'revision', 'passage', 'embedding', 'posting', 'job']
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

-- Holds are placed and lifted by the operator, and by people of the group legal-hold: on any person
-- and any corpus, and on documents that they see. A hold may be lifted when its document is not
-- seen any more.
CREATE OR REPLACE FUNCTION may_hold() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN 'group:legal-hold' = ANY (
        nullif(current_setting('roadworthy.subjects', true), '')::text[]);
DROP POLICY IF EXISTS holder ON legal_hold;
CREATE POLICY holder ON legal_hold TO roadworthy_app USING ((SELECT may_hold()));
DROP POLICY IF EXISTS seen ON legal_hold;
CREATE POLICY seen ON legal_hold AS RESTRICTIVE FOR INSERT TO roadworthy_app
    WITH CHECK (document_id IS NULL OR document_id IN (SELECT id FROM document));
DROP POLICY IF EXISTS lifted ON legal_hold;
CREATE POLICY lifted ON legal_hold AS RESTRICTIVE FOR DELETE TO roadworthy_worker
    USING (lifted_at IS NOT NULL);

-- What the functions below see, whoever calls them.
DROP POLICY IF EXISTS definer ON legal_hold;
CREATE POLICY definer ON legal_hold FOR SELECT TO CURRENT_USER USING (true);
DROP POLICY IF EXISTS definer ON withdrawn_document;
CREATE POLICY definer ON withdrawn_document FOR SELECT TO CURRENT_USER USING (true);
DROP POLICY IF EXISTS definer ON document;
CREATE POLICY definer ON document FOR SELECT TO CURRENT_USER USING (true);
DROP POLICY IF EXISTS definer_lock ON document;
CREATE POLICY definer_lock ON document FOR UPDATE TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS definer_lock ON principal;
CREATE POLICY definer_lock ON principal FOR UPDATE TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS definer ON revision;
CREATE POLICY definer ON revision FOR SELECT TO CURRENT_USER USING (true);
DROP POLICY IF EXISTS definer ON trace;
CREATE POLICY definer ON trace TO CURRENT_USER USING (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS definer ON trace_answer;
CREATE POLICY definer ON trace_answer TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS definer ON deletion_receipt;
CREATE POLICY definer ON deletion_receipt TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));

-- Legal hold -----------------------------------------------------------------------------------

-- A hold that is placed waits for whoever has looked for one and has not committed, and whoever
-- looks waits for a hold that is being placed: so that it holds from its commit on.
CREATE OR REPLACE FUNCTION await_holds(tenant integer) RETURNS void
    LANGUAGE sql VOLATILE
    AS $$ SELECT pg_advisory_xact_lock_shared(hashtext('roadworthy legal hold'), tenant) $$;
CREATE OR REPLACE FUNCTION guard_hold() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('roadworthy legal hold'), NEW.tenant_id);
        RETURN NEW;
    END $$;
CREATE OR REPLACE TRIGGER guard BEFORE INSERT OR UPDATE ON legal_hold
    FOR EACH ROW EXECUTE FUNCTION guard_hold();

-- A hold that covers one of these documents: by itself, by its owner, by its corpus, or by what it
-- came attached to. Each statement sees what was committed before it.
CREATE OR REPLACE FUNCTION hold_on(tenant integer, documents uuid[]) RETURNS uuid
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        PERFORM await_holds(tenant);
        IF NOT EXISTS (SELECT FROM legal_hold WHERE tenant_id = tenant AND lifted_at IS NULL) THEN
            RETURN NULL;
        END IF;
        RETURN (
            WITH RECURSIVE kept AS (
                SELECT id, parent_id, owner, corpus_id
                  FROM document WHERE tenant_id = tenant AND id = ANY (documents)
                UNION
                SELECT above.id, above.parent_id, above.owner, above.corpus_id
                  FROM document AS above JOIN kept ON above.id = kept.parent_id
                 WHERE above.tenant_id = tenant)
            SELECT hold.id
              FROM legal_hold AS hold
              JOIN kept ON kept.id = hold.document_id OR kept.owner = hold.user_id
                        OR kept.corpus_id = hold.corpus_id
             WHERE hold.tenant_id = tenant AND hold.lifted_at IS NULL
             ORDER BY hold.id LIMIT 1);
    END $$;
-- Asked by the triggers, and by who deletes.
REVOKE ALL ON FUNCTION hold_on(integer, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hold_on(integer, uuid[]) TO roadworthy_worker;

-- Ends the statement when there is a hold; the doors tell the sentence as it stands.
CREATE OR REPLACE FUNCTION refuse_held(hold uuid, what text) RETURNS void
    LANGUAGE plpgsql
    AS $$
    BEGIN
        IF hold IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'restrict_violation', CONSTRAINT = 'legal_hold',
                MESSAGE = format('The %s is under legal hold %s and stays as it is; whoever placed '
                                 'the hold may lift it (`roadworthy hold`).', what, hold);
        END IF;
    END $$;

CREATE OR REPLACE FUNCTION guard_document() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        IF TG_OP = 'UPDATE'
           AND (NEW.tenant_id, NEW.id, NEW.corpus_id, NEW.owner, NEW.name, NEW.metadata)
               IS NOT DISTINCT FROM
               (OLD.tenant_id, OLD.id, OLD.corpus_id, OLD.owner, OLD.name, OLD.metadata) THEN
            RETURN NEW;
        END IF;
        PERFORM refuse_held(hold_on(OLD.tenant_id, ARRAY[OLD.id]), 'document');
        RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW ELSE OLD END;
    END $$;
CREATE OR REPLACE TRIGGER guard BEFORE UPDATE OR DELETE ON document
    FOR EACH ROW EXECUTE FUNCTION guard_document();

-- A held document keeps every content that it has, and takes no other beside them.
CREATE OR REPLACE FUNCTION guard_revision() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            -- Of another tenant nothing is said; row-level security refuses it next.
            IF NEW.tenant_id = current_tenant()
               AND EXISTS (SELECT FROM revision WHERE tenant_id = NEW.tenant_id
                                                  AND document_id = NEW.document_id) THEN
                PERFORM refuse_held(hold_on(NEW.tenant_id, ARRAY[NEW.document_id]), 'document');
            END IF;
            RETURN NEW;
        END IF;
        IF TG_OP = 'UPDATE'
           AND (NEW.tenant_id, NEW.id, NEW.document_id, NEW.content_hash, NEW.content)
               IS NOT DISTINCT FROM
               (OLD.tenant_id, OLD.id, OLD.document_id, OLD.content_hash, OLD.content)
           AND (OLD.text IS NULL OR NEW.text IS NOT DISTINCT FROM OLD.text) THEN
            RETURN NEW;
        END IF;
        PERFORM refuse_held(hold_on(OLD.tenant_id, ARRAY[OLD.document_id]), 'document');
        RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW ELSE OLD END;
    END $$;
CREATE OR REPLACE TRIGGER guard
    BEFORE INSERT OR DELETE
        OR UPDATE OF tenant_id, id, document_id, content_hash, content, text ON revision
    FOR EACH ROW EXECUTE FUNCTION guard_revision();

CREATE OR REPLACE FUNCTION guard_passage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        PERFORM refuse_held(hold_on(OLD.tenant_id, ARRAY[OLD.document_id]), 'document');
        RETURN NEW;
    END $$;
CREATE OR REPLACE TRIGGER guard
    BEFORE UPDATE OF tenant_id, document_id, revision_id, start_at, end_at, text ON passage
    FOR EACH ROW EXECUTE FUNCTION guard_passage();
CREATE OR REPLACE FUNCTION guard_passages() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        -- None is left of a document that went as a whole: its own trigger has looked.
        PERFORM refuse_held(hold_on(tenant_id, array_agg(DISTINCT document_id)), 'document')
           FROM gone GROUP BY tenant_id;
        RETURN NULL;
    END $$;
CREATE OR REPLACE TRIGGER guard_delete AFTER DELETE ON passage REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION guard_passages();

CREATE OR REPLACE FUNCTION guard_tenant() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        PERFORM await_holds(OLD.id);
        PERFORM refuse_held(id, 'tenant') FROM legal_hold
          WHERE tenant_id = OLD.id AND lifted_at IS NULL ORDER BY id LIMIT 1;
        RETURN OLD;
    END $$;
CREATE OR REPLACE TRIGGER guard BEFORE DELETE ON tenant
    FOR EACH ROW EXECUTE FUNCTION guard_tenant();

CREATE OR REPLACE FUNCTION guard_principal() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        PERFORM await_holds(OLD.tenant_id);
        PERFORM refuse_held(id, 'person') FROM legal_hold
          WHERE tenant_id = OLD.tenant_id AND user_id = OLD.user_id AND lifted_at IS NULL
          ORDER BY id LIMIT 1;
        RETURN OLD;
    END $$;
CREATE OR REPLACE TRIGGER guard BEFORE DELETE ON principal
    FOR EACH ROW EXECUTE FUNCTION guard_principal();

CREATE OR REPLACE FUNCTION guard_corpus() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        PERFORM await_holds(OLD.tenant_id);
        PERFORM refuse_held(id, 'corpus') FROM legal_hold
          WHERE tenant_id = OLD.tenant_id AND corpus_id = OLD.id AND lifted_at IS NULL
          ORDER BY id LIMIT 1;
        RETURN OLD;
    END $$;
CREATE OR REPLACE TRIGGER guard BEFORE DELETE ON corpus
    FOR EACH ROW EXECUTE FUNCTION guard_corpus();

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

-- Traces ---------------------------------------------------------------------------------------

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
        UPDATE trace SET pseudonym = '', question = '', problem = NULL
         WHERE tenant_id = current_tenant() AND id = ANY (chosen);
        RETURN coalesce(cardinality(chosen), 0);
    END $$;
REVOKE ALL ON FUNCTION forget_traces_of(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_traces_of(text, integer) TO roadworthy_worker;

-- Takes the name of a deleted person from receipts, holds and reviews, which are kept.
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
    END $$;
REVOKE ALL ON FUNCTION forget_name(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_name(text) TO roadworthy_worker;
DROP POLICY IF EXISTS definer_update ON legal_hold;
CREATE POLICY definer_update ON legal_hold FOR UPDATE TO CURRENT_USER
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

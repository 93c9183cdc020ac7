-- Legal hold: who places one, and what it keeps.
-- Run again whenever this file changes; after permissions.sql, which makes the roles and grants.

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
DROP POLICY IF EXISTS definer ON document;
CREATE POLICY definer ON document FOR SELECT TO CURRENT_USER USING (true);
DROP POLICY IF EXISTS definer_lock ON document;
CREATE POLICY definer_lock ON document FOR UPDATE TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS definer ON revision;
CREATE POLICY definer ON revision FOR SELECT TO CURRENT_USER USING (true);

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

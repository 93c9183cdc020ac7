-- Who may see and change what. Run again whenever this file changes.
--
-- Two roles, neither owner nor superuser nor BYPASSRLS:
--   roadworthy_app     answers people; sees what the principal of the transaction may see
--   roadworthy_worker  prepares documents; sees one tenant at a time, and the job table
-- A transaction says who asks by SET LOCAL roadworthy.tenant, .user, .subjects, .clearance (and
-- .pseudonym for traces). A missing setting is null, and null admits no row.

DO $$
BEGIN
    CREATE ROLE roadworthy_app NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    CREATE ROLE roadworthy_worker NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

CREATE OR REPLACE FUNCTION current_tenant() RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('roadworthy.tenant', true), '')::integer;

CREATE OR REPLACE FUNCTION current_user_id() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('roadworthy.user', true), '');

-- The ACL classes that admit the principal of this transaction; none without one.
CREATE OR REPLACE FUNCTION visible_acls() RETURNS integer[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (
        SELECT coalesce(array_agg(DISTINCT acl_id), '{}')
          FROM acl_grant
         WHERE tenant_id = current_tenant()
           AND subject = ANY (nullif(current_setting('roadworthy.subjects', true), '')::text[])
           AND clearance <= nullif(current_setting('roadworthy.clearance', true), '')::integer
    );

-- Every table with a tenant: forced row-level security, and the worker's view of one tenant.
-- The sub-selects make PostgreSQL evaluate the functions once a query, not once a row.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['principal', 'api_key', 'corpus', 'acl', 'acl_grant', 'document',
                                'revision', 'passage', 'embedding', 'posting', 'passage_count',
                                'verdict', 'removal', 'review', 'signature', 'signature_band',
                                'edge_line', 'job', 'release', 'live_release', 'trace', 'trace_hit',
                                'trace_answer', 'corpus_route', 'corpus_space', 'deletion_receipt',
                                'withdrawn_document', 'legal_hold', 'golden_probe',
                                'embedding_place', 'posting_segment', 'merged_revision', 'posting_gone',
                                'document_field', 'experiment', 'kept_question', 'kept_answer',
                                'cached_answer', 'spending',
                                'budget', 'passage_score', 'webhook', 'approval']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('DROP POLICY IF EXISTS one_tenant ON %I', name);
        EXECUTE format('CREATE POLICY one_tenant ON %I AS RESTRICTIVE TO roadworthy_app '
                       'USING (tenant_id = (SELECT current_tenant()))', name);
        EXECUTE format('DROP POLICY IF EXISTS worker ON %I', name);
        EXECUTE format('CREATE POLICY worker ON %I TO roadworthy_worker '
                       'USING (tenant_id = (SELECT current_tenant()))', name);
    END LOOP;

    -- Directory and settings of the tenant: readable by each of its people.
    FOREACH name IN ARRAY ARRAY['principal', 'corpus', 'acl', 'acl_grant', 'release', 'live_release',
                                'corpus_route', 'corpus_space', 'embedding_place']
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS colleague ON %I', name);
        EXECUTE format('CREATE POLICY colleague ON %I TO roadworthy_app '
                       'USING (tenant_id = (SELECT current_tenant()))', name);
    END LOOP;

    -- Its rows hold words of what is deleted: told by gone_passages() alone.
    DROP POLICY IF EXISTS admitted ON posting_gone;

    -- Whatever comes from a document: readable by those whom its class admits.
    FOREACH name IN ARRAY ARRAY['document', 'revision', 'passage', 'embedding', 'posting',
                                'passage_count', 'posting_segment', 'merged_revision',
                                'document_field']
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS admitted ON %I', name);
        EXECUTE format('CREATE POLICY admitted ON %I TO roadworthy_app '
                       'USING (acl_id = ANY ((SELECT visible_acls())::integer[]))', name);
    END LOOP;

    -- Changeable by the owner of the document alone.
    FOREACH name IN ARRAY ARRAY['revision', 'passage', 'embedding', 'posting', 'merged_revision']
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS owner_update ON %I', name);
        EXECUTE format('CREATE POLICY owner_update ON %I AS RESTRICTIVE FOR UPDATE TO roadworthy_app '
                       'USING (document_id IN (SELECT id FROM document WHERE owner = current_user_id()))', name);
        EXECUTE format('DROP POLICY IF EXISTS owner_delete ON %I', name);
        EXECUTE format('CREATE POLICY owner_delete ON %I AS RESTRICTIVE FOR DELETE TO roadworthy_app '
                       'USING (document_id IN (SELECT id FROM document WHERE owner = current_user_id()))', name);
    END LOOP;
END $$;

DROP POLICY IF EXISTS owner_insert ON revision;
CREATE POLICY owner_insert ON revision AS RESTRICTIVE FOR INSERT TO roadworthy_app
    WITH CHECK (document_id IN (SELECT id FROM document WHERE owner = current_user_id()));
DROP POLICY IF EXISTS owner_insert ON document;
CREATE POLICY owner_insert ON document AS RESTRICTIVE FOR INSERT TO roadworthy_app
    WITH CHECK (owner = (SELECT current_user_id()));
DROP POLICY IF EXISTS owner_update ON document;
CREATE POLICY owner_update ON document AS RESTRICTIVE FOR UPDATE TO roadworthy_app
    USING (owner = (SELECT current_user_id()));
DROP POLICY IF EXISTS owner_delete ON document;
CREATE POLICY owner_delete ON document AS RESTRICTIVE FOR DELETE TO roadworthy_app
    USING (owner = (SELECT current_user_id()));

-- What documents are filtered by is kept in line with them, whoever changes them.
CREATE OR REPLACE FUNCTION keep_fields() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    BEGIN
        IF TG_OP = 'UPDATE'
           AND (NEW.corpus_id, NEW.acl_id, NEW.title, NEW.authors, NEW.metadata)
               IS NOT DISTINCT FROM
               (OLD.corpus_id, OLD.acl_id, OLD.title, OLD.authors, OLD.metadata) THEN
            RETURN NULL;
        END IF;
        DELETE FROM document_field WHERE tenant_id = NEW.tenant_id AND document_id = NEW.id;
        INSERT INTO document_field (tenant_id, corpus_id, acl_id, document_id, key, value)
        SELECT field.tenant_id, field.corpus_id, field.acl_id, field.document_id, field.key,
               field.value
          FROM fields_of(NEW) AS field;
        RETURN NULL;
    END $$;
CREATE OR REPLACE TRIGGER keep_fields
    AFTER INSERT OR UPDATE OF corpus_id, acl_id, title, authors, metadata ON document
    FOR EACH ROW EXECUTE FUNCTION keep_fields();
DROP POLICY IF EXISTS definer ON document_field;
CREATE POLICY definer ON document_field TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));

-- A key is found by whoever holds it, before anything else is known of him: the holder of a hash
-- that is good at this moment, and nobody else. The app role itself reads no key.
DROP FUNCTION IF EXISTS holder_of_key(bytea, timestamptz); -- an older one told less
CREATE FUNCTION holder_of_key(hash bytea, moment timestamptz)
    RETURNS TABLE (tenant_id integer, user_id text, groups text[], clearance smallint,
                   may_ingest boolean, key_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    BEGIN ATOMIC
        SELECT principal.tenant_id, principal.user_id, principal.groups, principal.clearance,
               api_key.may_ingest, api_key.id
          FROM api_key JOIN principal USING (tenant_id, user_id)
         WHERE key_hash = hash AND revoked_at IS NULL AND expires_at > moment;
    END;
REVOKE ALL ON FUNCTION holder_of_key(bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION holder_of_key(bytea, timestamptz) TO roadworthy_app;
DROP POLICY IF EXISTS definer ON api_key;
CREATE POLICY definer ON api_key FOR SELECT TO CURRENT_USER USING (true);
DROP POLICY IF EXISTS definer ON principal;
CREATE POLICY definer ON principal FOR SELECT TO CURRENT_USER USING (true);

-- A job is as visible as its document. The worker must find work before it knows the tenant.
DROP POLICY IF EXISTS as_the_document ON job;
CREATE POLICY as_the_document ON job TO roadworthy_app
    USING (EXISTS (SELECT FROM document
                    WHERE document.tenant_id = job.tenant_id AND document.id = job.document_id));
DROP POLICY IF EXISTS worker ON job;
CREATE POLICY worker ON job TO roadworthy_worker USING (true);
-- It is replayed and dropped by the owner of its document alone.
DROP POLICY IF EXISTS owner_update ON job;
CREATE POLICY owner_update ON job AS RESTRICTIVE FOR UPDATE TO roadworthy_app
    USING (document_id IN (SELECT id FROM document WHERE owner = current_user_id()));
DROP POLICY IF EXISTS owner_delete ON job;
CREATE POLICY owner_delete ON job AS RESTRICTIVE FOR DELETE TO roadworthy_app
    USING (document_id IN (SELECT id FROM document WHERE owner = current_user_id()));
-- The queue of a tenant has one length for all of its people, whatever each may see; what is only
-- to be embedded again (jobs.BACKGROUND) makes it no longer.
CREATE OR REPLACE FUNCTION is_queue_full(most integer) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    RETURN EXISTS (SELECT FROM job
                    WHERE tenant_id = current_tenant() AND state = 'queued' AND priority < 20
                   OFFSET most - 1);
REVOKE ALL ON FUNCTION is_queue_full(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_queue_full(integer) TO roadworthy_app, roadworthy_worker;
DROP POLICY IF EXISTS definer ON job;
CREATE POLICY definer ON job FOR SELECT TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));

-- What was found in a document is as visible as the document; what was found by comparing it with
-- others is only for those who could read the others, too: the class that both had at the time.
DROP POLICY IF EXISTS as_the_document ON verdict;
CREATE POLICY as_the_document ON verdict FOR SELECT TO roadworthy_app
    USING ((acl_id IS NULL OR acl_id = ANY ((SELECT visible_acls())::integer[]))
           AND EXISTS (SELECT FROM document
                        WHERE document.tenant_id = verdict.tenant_id
                          AND document.id = verdict.document_id));
-- Whoever hands in a copy of what he may read counts it.
DROP POLICY IF EXISTS count_copy ON verdict;
CREATE POLICY count_copy ON verdict TO roadworthy_app
    USING (check_name = 'exact_duplicates'
           AND EXISTS (SELECT FROM document
                        WHERE document.tenant_id = verdict.tenant_id
                          AND document.id = verdict.document_id));
DROP POLICY IF EXISTS as_the_document ON removal;
CREATE POLICY as_the_document ON removal FOR SELECT TO roadworthy_app
    USING (EXISTS (SELECT FROM document
                    WHERE document.tenant_id = removal.tenant_id
                      AND document.id = removal.document_id));
DROP POLICY IF EXISTS as_the_document ON review;
CREATE POLICY as_the_document ON review FOR SELECT TO roadworthy_app
    USING (EXISTS (SELECT FROM document
                    WHERE document.tenant_id = review.tenant_id
                      AND document.id = review.document_id));
-- About a document that was kept back decides its owner, or a reader of it who is in a group that
-- the policy of its corpus names.
DROP POLICY IF EXISTS decide ON review;
CREATE POLICY decide ON review FOR INSERT TO roadworthy_app
    WITH CHECK (decided_by = (SELECT current_user_id())
                AND EXISTS (
                    SELECT FROM document JOIN corpus ON corpus.tenant_id = document.tenant_id
                                                    AND corpus.id = document.corpus_id
                     WHERE document.tenant_id = review.tenant_id
                       AND document.id = review.document_id
                       AND (owner = (SELECT current_user_id())
                            OR EXISTS (
                                SELECT FROM jsonb_array_elements_text(policy -> 'reviewers') AS reviewer
                                 WHERE 'group:' || reviewer = ANY (
                                     current_setting('roadworthy.subjects', true)::text[])))));

-- What a decision changes. A reviewer may change nothing of a document but this.
CREATE OR REPLACE FUNCTION settle_review() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    settled uuid;
    is_published boolean;
    settled_state text := CASE NEW.decision WHEN 'release' THEN 'pending' ELSE 'rejected' END;
BEGIN
    PERFORM FROM document WHERE tenant_id = NEW.tenant_id AND id = NEW.document_id FOR UPDATE;
    UPDATE revision SET state = settled_state
     WHERE tenant_id = NEW.tenant_id AND document_id = NEW.document_id
       AND content_hash = NEW.content_hash AND state IN ('quarantined', 'rejected')
    RETURNING id INTO settled;
    IF settled IS NULL THEN
        RAISE EXCEPTION 'nothing waits for a decision' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    is_published := EXISTS (SELECT FROM revision
                             WHERE tenant_id = NEW.tenant_id AND document_id = NEW.document_id
                               AND state = 'ready');
    UPDATE document
       SET state = CASE WHEN is_published THEN 'ready' ELSE settled_state END,
           problem = CASE WHEN NEW.decision = 'reject'
                          THEN CASE WHEN is_published THEN 'The newer version: ' ELSE '' END
                               || left('Rejected in review: ' || NEW.reason, 500) END,
           updated_at = NEW.decided_at
     WHERE tenant_id = NEW.tenant_id AND id = NEW.document_id;
    NEW.overruled := ARRAY(SELECT check_name FROM verdict
                            WHERE tenant_id = NEW.tenant_id AND revision_id = settled
                              AND outcome = 'quarantined'
                            ORDER BY check_name);
    RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION settle_review() FROM PUBLIC;
CREATE OR REPLACE TRIGGER settle BEFORE INSERT ON review
    FOR EACH ROW EXECUTE FUNCTION settle_review();
DROP POLICY IF EXISTS definer ON verdict;
CREATE POLICY definer ON verdict FOR SELECT TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS definer_update ON revision;
CREATE POLICY definer_update ON revision FOR UPDATE TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));

-- A trace is read by the person whom it is about, and its answer only while he may still read
-- every passage that it was made from: not when one was withdrawn, replaced or deleted.
DROP POLICY IF EXISTS mine ON trace;
CREATE POLICY mine ON trace FOR SELECT TO roadworthy_app
    USING (pseudonym = nullif(current_setting('roadworthy.pseudonym', true), ''));
DROP POLICY IF EXISTS record ON trace;
CREATE POLICY record ON trace FOR INSERT TO roadworthy_app WITH CHECK (true);
DROP POLICY IF EXISTS mine ON trace_hit;
CREATE POLICY mine ON trace_hit FOR SELECT TO roadworthy_app
    USING (trace_id IN (SELECT id FROM trace)
           AND EXISTS (SELECT FROM passage WHERE passage.tenant_id = trace_hit.tenant_id
                                             AND passage.id = trace_hit.passage_id));
DROP POLICY IF EXISTS record ON trace_hit;
CREATE POLICY record ON trace_hit FOR INSERT TO roadworthy_app WITH CHECK (true);

-- Names the passages that were found for a trace, seen or not; says nothing else about them.
CREATE OR REPLACE FUNCTION found_passages(trace uuid) RETURNS integer[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    RETURN (SELECT coalesce(array_agg(DISTINCT passage_id), '{}')
              FROM trace_hit
             WHERE tenant_id = current_tenant() AND trace_id = trace);
DROP POLICY IF EXISTS definer ON trace_hit;
CREATE POLICY definer ON trace_hit FOR SELECT TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS mine ON trace_answer;
CREATE POLICY mine ON trace_answer FOR SELECT TO roadworthy_app
    USING (trace_id IN (SELECT id FROM trace)
           AND (SELECT count(*) FROM passage
                 WHERE passage.tenant_id = trace_answer.tenant_id
                   AND passage.id = ANY (found_passages(trace_id)))
               = cardinality(found_passages(trace_id)));
REVOKE ALL ON FUNCTION found_passages(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION found_passages(uuid) TO roadworthy_app;
DROP POLICY IF EXISTS record ON trace_answer;
CREATE POLICY record ON trace_answer FOR INSERT TO roadworthy_app WITH CHECK (true);

-- A question that is answered later is its asker's, and so is the answer, while he may still read
-- every passage that it was made from. The worker must find questions before it knows the tenant.
DROP POLICY IF EXISTS mine ON kept_question;
CREATE POLICY mine ON kept_question TO roadworthy_app USING (user_id = (SELECT current_user_id()));
DROP POLICY IF EXISTS worker ON kept_question;
CREATE POLICY worker ON kept_question TO roadworthy_worker USING (true);
DROP POLICY IF EXISTS mine ON kept_answer;
CREATE POLICY mine ON kept_answer FOR SELECT TO roadworthy_app
    USING (question_id IN (SELECT id FROM kept_question)
           AND (SELECT count(*) FROM passage
                 WHERE passage.tenant_id = kept_answer.tenant_id
                   AND passage.id = ANY (kept_answer.passages))
               = cardinality(kept_answer.passages));
DROP POLICY IF EXISTS mine ON webhook;
CREATE POLICY mine ON webhook TO roadworthy_app
    USING (question_id IN (SELECT id FROM kept_question));
DROP POLICY IF EXISTS worker ON webhook;
CREATE POLICY worker ON webhook TO roadworthy_worker USING (true);
-- The queue of a tenant has one length for all of its people; of these, each may have as many
-- questions there as there are places left, so that nobody fills it for the others.
CREATE OR REPLACE FUNCTION has_room_for_questions(most integer) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    RETURN (SELECT count(*) + count(*) FILTER (WHERE user_id = current_user_id()) < most
              FROM (SELECT user_id FROM kept_question
                     WHERE tenant_id = current_tenant() AND state = 'queued'
                     LIMIT most) AS waiting);
REVOKE ALL ON FUNCTION has_room_for_questions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION has_room_for_questions(integer) TO roadworthy_app;
DROP POLICY IF EXISTS definer ON kept_question;
CREATE POLICY definer ON kept_question FOR SELECT TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));

-- A tenant's name is seen by its own people.
ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own ON tenant;
CREATE POLICY own ON tenant TO roadworthy_app USING (id = (SELECT current_tenant()));
DROP POLICY IF EXISTS operator ON tenant;
CREATE POLICY operator ON tenant TO roadworthy_worker USING (true);

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM roadworthy_app, roadworthy_worker;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO roadworthy_app, roadworthy_worker;

GRANT SELECT ON tenant, principal, embedding_space, corpus, acl, acl_grant, document,
                revision, passage, embedding, posting, passage_count, job, release, live_release,
                trace, trace_hit, trace_answer, schema_migration, corpus_route, corpus_space,
                installation, pseudonym_key, embedding_place, posting_segment, merged_revision,
                document_field, cached_answer, passage_score
   TO roadworthy_app;
GRANT INSERT ON acl, acl_grant, document, revision, job, trace, trace_hit, trace_answer, passage_count,
                posting, cached_answer
   TO roadworthy_app;
GRANT UPDATE (acl_id, title, media_type, metadata, language_told, source_path, state, problem, updated_at)
   ON document TO roadworthy_app;
GRANT UPDATE (acl_id) ON revision, passage, embedding, posting TO roadworthy_app;
GRANT UPDATE (state) ON revision TO roadworthy_app;
GRANT UPDATE (state, stage, attempts, waits, priority, run_at, problem, problem_kind, announced_at,
              finished_at) ON job TO roadworthy_app;
GRANT UPDATE (passages, terms) ON passage_count TO roadworthy_app;
GRANT DELETE ON document, revision, job, merged_revision TO roadworthy_app;

GRANT SELECT, INSERT, UPDATE, DELETE
   ON tenant, principal, api_key, corpus, acl, acl_grant, document, revision, passage, embedding,
      posting, passage_count, job, release, live_release, corpus_route, corpus_space,
      golden_probe, embedding_place
   TO roadworthy_worker;
GRANT SELECT, INSERT, DELETE ON posting_segment, merged_revision TO roadworthy_worker;
GRANT SELECT, DELETE, UPDATE (postings, packed) ON posting_gone TO roadworthy_worker;
GRANT SELECT, INSERT ON embedding_space TO roadworthy_worker;
GRANT SELECT, INSERT, DELETE ON experiment TO roadworthy_worker;
GRANT SELECT, UPDATE (granted_by, granted_at) ON approval TO roadworthy_app;
GRANT SELECT, UPDATE (used_at), DELETE,
      INSERT (tenant_id, id, operation, subject, asked_by, asked_at) -- nobody asks with a grant
    ON approval TO roadworthy_worker;
GRANT SELECT ON passage_score TO roadworthy_worker; -- written by a function (screening.sql)
GRANT SELECT ON spending TO roadworthy_app;
GRANT SELECT, DELETE ON spending TO roadworthy_worker; -- written by a trigger of trace
GRANT SELECT, INSERT, UPDATE, DELETE ON budget TO roadworthy_worker;
GRANT SELECT ON schema_migration, installation, document_field TO roadworthy_worker;
GRANT SELECT, INSERT ON pseudonym_key TO roadworthy_worker;

-- Answers that nobody waits for.
GRANT SELECT ON kept_question, kept_answer TO roadworthy_app;
GRANT INSERT ON kept_question, webhook TO roadworthy_app;
GRANT SELECT (tenant_id, question_id, state) ON webhook TO roadworthy_app;
GRANT SELECT, UPDATE ON webhook TO roadworthy_worker;
GRANT SELECT, UPDATE, DELETE ON kept_question TO roadworthy_worker;
GRANT SELECT, INSERT, DELETE ON kept_answer TO roadworthy_worker;

-- Deletion and legal hold: the policies are in retention_*.sql.
GRANT SELECT ON deletion_receipt, withdrawn_document TO roadworthy_app;
GRANT SELECT, INSERT ON deletion_receipt TO roadworthy_worker;
GRANT UPDATE (documents, stores, erased_at, finished_at) ON deletion_receipt TO roadworthy_worker;
GRANT SELECT, INSERT, DELETE ON withdrawn_document TO roadworthy_worker;
GRANT UPDATE (deletion_id) ON withdrawn_document TO roadworthy_worker; -- of a wider deletion
GRANT SELECT, INSERT ON legal_hold TO roadworthy_app, roadworthy_worker;
GRANT UPDATE (lifted_by, lifted_at) ON legal_hold TO roadworthy_app, roadworthy_worker;
GRANT DELETE ON legal_hold TO roadworthy_worker; -- of what was lifted, with its tenant
GRANT SELECT, USAGE ON SEQUENCE epoch TO roadworthy_app, roadworthy_worker;

-- Curation.
GRANT SELECT ON verdict, removal, review TO roadworthy_app;
GRANT INSERT ON verdict, review TO roadworthy_app;
GRANT UPDATE (figures, reason, created_at) ON verdict TO roadworthy_app;
GRANT SELECT, INSERT, UPDATE, DELETE
   ON verdict, removal, review, signature, signature_band, edge_line
   TO roadworthy_worker;

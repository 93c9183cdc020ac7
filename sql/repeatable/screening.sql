-- What guards say of documents.
-- Run again whenever this file changes; after permissions.sql, which makes the roles and grants.

-- What the function below sees and writes, whoever calls it.
DROP POLICY IF EXISTS definer ON passage;
CREATE POLICY definer ON passage FOR SELECT TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS definer_insert ON verdict;
CREATE POLICY definer_insert ON verdict FOR INSERT TO CURRENT_USER
    WITH CHECK (tenant_id = (SELECT current_tenant()));
DROP POLICY IF EXISTS definer_update ON verdict;
CREATE POLICY definer_update ON verdict FOR UPDATE TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));

-- Flags the documents of passages that were kept from an answer, those that are still there: each
-- revision stays until the flag is stored, and one that is going is waited for and left out. Who
-- records an answer changes nothing else of a document.
CREATE OR REPLACE FUNCTION flag_passages(dropped integer[], moment timestamptz) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        WITH present AS (
            SELECT id FROM revision
             WHERE tenant_id = current_tenant()
               AND id IN (SELECT revision_id FROM passage
                           WHERE tenant_id = current_tenant() AND id = ANY (dropped))
             ORDER BY id
               FOR KEY SHARE)
        INSERT INTO verdict AS before (tenant_id, document_id, revision_id, check_name, outcome,
                                       reason, figures, created_at)
        SELECT tenant_id, document_id, revision_id, 'screening', 'flagged',
               'Passages of it seem to hold instructions to a model, or cannot be read to their end, '
               'and were kept from an answer.',
               jsonb_build_object('passages', count(*)), moment
          FROM passage
         WHERE tenant_id = current_tenant() AND id = ANY (dropped)
           AND revision_id IN (SELECT id FROM present)
         GROUP BY tenant_id, document_id, revision_id
         ORDER BY revision_id
            ON CONFLICT (tenant_id, revision_id, check_name) DO UPDATE
           SET created_at = excluded.created_at,
               figures = jsonb_build_object(
                   'passages', greatest((before.figures ->> 'passages')::bigint,
                                        (excluded.figures ->> 'passages')::bigint))
    $$;
REVOKE ALL ON FUNCTION flag_passages(integer[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION flag_passages(integer[], timestamptz) TO roadworthy_app;

-- Scores of passages are as visible as their passages. They are written for those that are there,
-- by whoever scored them: the worker, or with the trace of an answer that read them first.
DROP POLICY IF EXISTS as_the_passage ON passage_score;
CREATE POLICY as_the_passage ON passage_score FOR SELECT TO roadworthy_app
    USING (EXISTS (SELECT FROM passage WHERE passage.tenant_id = passage_score.tenant_id
                                         AND passage.id = passage_score.passage_id));
DROP POLICY IF EXISTS definer ON passage_score;
CREATE POLICY definer ON passage_score TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));
CREATE OR REPLACE FUNCTION keep_passage_scores(scores jsonb) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        INSERT INTO passage_score (tenant_id, passage_id, digest, version, score, threshold)
        SELECT DISTINCT ON (passage.id) passage.tenant_id, passage.id, decode(line.digest, 'hex'),
               line.version, line.score, line.threshold
          FROM jsonb_to_recordset(scores) AS line (passage_id integer, digest text, version text,
                                                   score double precision,
                                                   threshold double precision)
          JOIN passage ON passage.tenant_id = current_tenant() AND passage.id = line.passage_id
         ORDER BY passage.id, line.version
            ON CONFLICT (tenant_id, passage_id) DO UPDATE
           SET digest = excluded.digest, version = excluded.version, score = excluded.score,
               threshold = excluded.threshold
    $$;
REVOKE ALL ON FUNCTION keep_passage_scores(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_passage_scores(jsonb) TO roadworthy_app, roadworthy_worker;

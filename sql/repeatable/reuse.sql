-- Who may be given an answer again.
-- Run again whenever this file changes; after permissions.sql, which makes the roles and grants.

-- As with the answer of a trace: only who may read, now, every passage that it was made from; not
-- when one was withdrawn, replaced or deleted.
DROP POLICY IF EXISTS admitted ON cached_answer;
CREATE POLICY admitted ON cached_answer FOR SELECT TO roadworthy_app
    USING ((SELECT count(*) FROM passage
             WHERE passage.tenant_id = cached_answer.tenant_id
               AND passage.id = ANY (cached_answer.made_from))
           = cardinality(cached_answer.made_from));
DROP POLICY IF EXISTS record ON cached_answer;
CREATE POLICY record ON cached_answer FOR INSERT TO roadworthy_app WITH CHECK (true);
DROP POLICY IF EXISTS definer ON cached_answer;
CREATE POLICY definer ON cached_answer TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));

-- Since when a document has its readers: to others it is new then.
CREATE OR REPLACE FUNCTION note_resharing() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
        NEW.reshared_at := clock_timestamp();
        RETURN NEW;
    END $$;
CREATE OR REPLACE TRIGGER note_resharing BEFORE UPDATE OF acl_id ON document
    FOR EACH ROW WHEN (NEW.acl_id <> OLD.acl_id) EXECUTE FUNCTION note_resharing();

-- Names the answers to questions of nearly this meaning whose cited passages are all among those
-- given to the asker, and which the best of these are not new to. Says nothing else about them: the
-- policy above, which costs a look at each passage, then decides about few.
CREATE OR REPLACE FUNCTION alike_answers(of_release text, of_space integer, spoken text,
                                         among text[], near halfvec, nearness double precision,
                                         given integer[], best integer[], since timestamptz,
                                         most integer)
    RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    BEGIN ATOMIC
        SELECT coalesce(array_agg(alike.trace_id), '{}')
          FROM (SELECT trace_id
                  FROM cached_answer
                 WHERE tenant_id = current_tenant() AND release_hash = of_release
                   AND space_id = of_space AND language = spoken AND asked_at >= since
                   AND filters = among AND cited <@ given AND best <@ made_from
                   AND 1 - (vector <=> near) >= nearness
                 ORDER BY vector <=> near, asked_at DESC, trace_id
                 LIMIT most) AS alike;
    END;
REVOKE ALL ON FUNCTION alike_answers(text, integer, text, text[], halfvec, double precision,
                                     integer[], integer[], timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alike_answers(text, integer, text, text[], halfvec, double precision,
                                        integer[], integer[], timestamptz, integer)
   TO roadworthy_app;

-- Keeps the youngest of a tenant, at most so many and none from before a moment.
CREATE OR REPLACE FUNCTION trim_cached_answers(most integer, since timestamptz) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    BEGIN ATOMIC
        DELETE FROM cached_answer
         WHERE tenant_id = current_tenant()
           AND (asked_at < since
                OR trace_id IN (SELECT trace_id
                                  FROM cached_answer AS kept
                                 WHERE kept.tenant_id = current_tenant()
                                 ORDER BY asked_at DESC, trace_id
                                OFFSET most));
    END;
REVOKE ALL ON FUNCTION trim_cached_answers(integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trim_cached_answers(integer, timestamptz) TO roadworthy_app;

-- How many go with these documents; says nothing else about them.
CREATE OR REPLACE FUNCTION count_cached_answers(documents uuid[]) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    RETURN (SELECT count(*) FROM cached_answer
             WHERE tenant_id = current_tenant() AND trace_id = ANY (traces_from(documents)));
REVOKE ALL ON FUNCTION count_cached_answers(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_cached_answers(uuid[]) TO roadworthy_worker;

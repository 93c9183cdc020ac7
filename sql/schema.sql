-- The schema that the migrations lead to. Generated; do not edit:
-- python -m roadworthy.plumbing.migrations --write-schema

SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

CREATE FUNCTION public.current_tenant() RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('roadworthy.tenant'::text, true), ''::text))::integer;

CREATE TABLE public.cached_answer (
    tenant_id integer NOT NULL,
    trace_id uuid NOT NULL,
    release_hash text NOT NULL,
    space_id integer NOT NULL,
    language text NOT NULL,
    filters text[] NOT NULL,
    question text NOT NULL,
    vector public.halfvec NOT NULL,
    text text NOT NULL,
    made_from integer[] NOT NULL,
    cited integer[] NOT NULL,
    numbers integer[] NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    input_tokens integer NOT NULL,
    output_tokens integer NOT NULL,
    cost_usd numeric,
    CONSTRAINT cached_answer_check CHECK ((cited <@ made_from)),
    CONSTRAINT cached_answer_check1 CHECK ((cardinality(numbers) = cardinality(cited))),
    CONSTRAINT cached_answer_made_from_check CHECK ((cardinality(made_from) > 0))
);
ALTER TABLE ONLY public.cached_answer ALTER COLUMN filters SET STATISTICS 0;
ALTER TABLE ONLY public.cached_answer ALTER COLUMN question SET STATISTICS 0;
ALTER TABLE ONLY public.cached_answer ALTER COLUMN vector SET STATISTICS 0;
ALTER TABLE ONLY public.cached_answer ALTER COLUMN text SET STATISTICS 0;

ALTER TABLE ONLY public.cached_answer FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.alike_answers(of_release text, of_space integer, spoken text, among text[], near public.halfvec, nearness double precision, given integer[], best integer[], since timestamp with time zone, most integer) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    BEGIN ATOMIC
 SELECT COALESCE(array_agg(alike.trace_id), '{}'::uuid[]) AS "coalesce"
    FROM ( SELECT cached_answer.trace_id
            FROM public.cached_answer
           WHERE ((cached_answer.tenant_id = public.current_tenant()) AND (cached_answer.release_hash = alike_answers.of_release) AND (cached_answer.space_id = alike_answers.of_space) AND (cached_answer.language = alike_answers.spoken) AND (cached_answer.asked_at >= alike_answers.since) AND (cached_answer.filters = alike_answers.among) AND (cached_answer.cited <@ alike_answers.given) AND (alike_answers.best <@ cached_answer.made_from) AND (((1)::double precision - (cached_answer.vector OPERATOR(public.<=>) alike_answers.near)) >= alike_answers.nearness))
           ORDER BY (cached_answer.vector OPERATOR(public.<=>) alike_answers.near), cached_answer.asked_at DESC, cached_answer.trace_id
          LIMIT alike_answers.most) alike;
END;

CREATE FUNCTION public.asks_chat(stage text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (stage = ANY (ARRAY['write'::text, 'first try'::text]));

CREATE FUNCTION public.await_holds(tenant integer) RETURNS void
    LANGUAGE sql
    AS $$ SELECT pg_advisory_xact_lock_shared(hashtext('roadworthy legal hold'), tenant) $$;

CREATE TABLE public.budget (
    tenant_id integer NOT NULL,
    scope text NOT NULL,
    name text NOT NULL,
    period text NOT NULL,
    soft_usd numeric,
    hard_usd numeric,
    soft_tokens bigint,
    hard_tokens bigint,
    set_at timestamp with time zone NOT NULL,
    CONSTRAINT budget_check CHECK (((scope = 'tenant'::text) = (name = ''::text))),
    CONSTRAINT budget_check1 CHECK ((num_nonnulls(soft_usd, hard_usd, soft_tokens, hard_tokens) > 0)),
    CONSTRAINT budget_hard_tokens_check CHECK ((hard_tokens >= 0)),
    CONSTRAINT budget_hard_usd_check CHECK ((hard_usd >= (0)::numeric)),
    CONSTRAINT budget_period_check CHECK ((period = ANY (ARRAY['day'::text, 'month'::text]))),
    CONSTRAINT budget_scope_check CHECK ((scope = ANY (ARRAY['tenant'::text, 'release'::text, 'key'::text]))),
    CONSTRAINT budget_soft_tokens_check CHECK ((soft_tokens >= 0)),
    CONSTRAINT budget_soft_usd_check CHECK ((soft_usd >= (0)::numeric))
);

ALTER TABLE ONLY public.budget FORCE ROW LEVEL SECURITY;

CREATE TABLE public.spending (
    tenant_id integer NOT NULL,
    day date NOT NULL,
    release text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    times bigint NOT NULL,
    ms double precision NOT NULL,
    calls bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cost_usd numeric,
    unpriced bigint NOT NULL,
    CONSTRAINT spending_kind_check CHECK ((kind = ANY (ARRAY['outcome'::text, 'stage'::text, 'avoided'::text, 'key'::text])))
);

ALTER TABLE ONLY public.spending FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.budgets_of(of_release text, of_key text, today date) RETURNS TABLE(scope text, period text, soft_usd numeric, hard_usd numeric, soft_tokens bigint, hard_tokens bigint, spent_usd numeric, spent_tokens bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    BEGIN ATOMIC
 SELECT budget.scope,
     budget.period,
     budget.soft_usd,
     budget.hard_usd,
     budget.soft_tokens,
     budget.hard_tokens,
     COALESCE(spent.usd, (0)::numeric) AS "coalesce",
     (COALESCE(spent.tokens, (0)::numeric))::bigint AS "coalesce"
    FROM (public.budget
      CROSS JOIN LATERAL ( SELECT sum(spending.cost_usd) AS usd,
             sum((spending.input_tokens + spending.output_tokens)) FILTER (WHERE ((spending.kind = 'key'::text) OR public.asks_chat(spending.name))) AS tokens
            FROM public.spending
           WHERE ((spending.tenant_id = budget.tenant_id) AND (spending.day >=
                 CASE budget.period
                     WHEN 'day'::text THEN budgets_of.today
                     ELSE (date_trunc('month'::text, (budgets_of.today)::timestamp with time zone))::date
                 END) AND (spending.kind =
                 CASE budget.scope
                     WHEN 'key'::text THEN 'key'::text
                     ELSE 'stage'::text
                 END) AND ((budget.scope <> 'key'::text) OR (spending.name = budget.name)) AND ((budget.scope <> 'release'::text) OR (spending.release = budget.name)))) spent)
   WHERE ((budget.tenant_id = public.current_tenant()) AND (budget.name =
         CASE budget.scope
             WHEN 'release'::text THEN budgets_of.of_release
             WHEN 'key'::text THEN COALESCE(budgets_of.of_key, ''::text)
             ELSE ''::text
         END))
   ORDER BY budget.scope, budget.period;
END;

CREATE TABLE public.schema_migration (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone NOT NULL
);

CREATE TABLE public.tenant (
    id integer NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    content_mark uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT tenant_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9-]{0,62}$'::text))
);

ALTER TABLE ONLY public.tenant FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.contents_of(tenant integer) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    RETURN (SELECT ((tenant.content_mark || ' '::text) || (SELECT EXTRACT(epoch FROM max(schema_migration.applied_at)) AS "extract" FROM public.schema_migration)) FROM public.tenant WHERE ((tenant.id = contents_of.tenant) AND (tenant.id = public.current_tenant())));

CREATE TABLE public.trace_hit (
    tenant_id integer NOT NULL,
    trace_id uuid NOT NULL,
    rank integer NOT NULL,
    document_id uuid NOT NULL,
    passage_id integer NOT NULL,
    score real NOT NULL,
    keyword_score real,
    vector_score real,
    cited boolean NOT NULL
);

ALTER TABLE ONLY public.trace_hit FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.traces_from(documents uuid[]) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    RETURN (SELECT COALESCE(array_agg(DISTINCT trace_hit.trace_id), '{}'::uuid[]) AS "coalesce" FROM public.trace_hit WHERE ((trace_hit.tenant_id = public.current_tenant()) AND (trace_hit.document_id = ANY (traces_from.documents))));

CREATE TABLE public.trace_answer (
    tenant_id integer NOT NULL,
    trace_id uuid NOT NULL,
    text text NOT NULL
);
ALTER TABLE ONLY public.trace_answer ALTER COLUMN text SET STATISTICS 0;

ALTER TABLE ONLY public.trace_answer FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.count_answers(documents uuid[]) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    RETURN (SELECT count(*) AS count FROM public.trace_answer WHERE ((trace_answer.tenant_id = public.current_tenant()) AND (trace_answer.trace_id = ANY (public.traces_from(count_answers.documents)))));

CREATE FUNCTION public.count_cached_answers(documents uuid[]) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    RETURN (SELECT count(*) AS count FROM public.cached_answer WHERE ((cached_answer.tenant_id = public.current_tenant()) AND (cached_answer.trace_id = ANY (public.traces_from(count_cached_answers.documents)))));

CREATE FUNCTION public.count_spending() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    BEGIN
        INSERT INTO spending AS so_far
               (tenant_id, day, release, kind, name, times, ms, calls, input_tokens, output_tokens,
                cost_usd, unpriced)
        WITH answer AS (
            SELECT tenant_id, (started_at AT TIME ZONE 'UTC')::date AS day,
                   coalesce(release_name, '') AS release, outcome, key_id, stages, avoided,
                   coalesce(extract(epoch FROM ended_at - started_at) * 1000, 0) AS ms
              FROM added
        ), line AS (
            SELECT tenant_id, day, release, outcome, key_id, stage ->> 'name' AS name,
                   (stage ->> 'ms')::double precision AS ms,
                   coalesce((stage ->> 'calls')::bigint, 0) AS calls,
                   coalesce((stage ->> 'input_tokens')::bigint, 0) AS input_tokens,
                   coalesce((stage ->> 'output_tokens')::bigint, 0) AS output_tokens,
                   (stage ->> 'cost_usd')::numeric AS cost_usd,
                   coalesce((stage ->> 'unpriced')::bigint, 0) AS unpriced
              FROM answer CROSS JOIN LATERAL jsonb_array_elements(stages) AS stage
        ), counted AS (
            SELECT tenant_id, day, release, 'stage' AS kind, name, 1 AS times, ms, calls,
                   input_tokens, output_tokens, cost_usd, unpriced
              FROM line
             UNION ALL -- what the stages of an answer spent is what it spent
            SELECT tenant_id, day, release, 'outcome', outcome, 0, 0, calls, input_tokens,
                   output_tokens, cost_usd, unpriced
              FROM line
             UNION ALL
            SELECT tenant_id, day, '', 'key', key_id::text, 0, 0, calls,
                   CASE WHEN asks_chat(name) THEN input_tokens ELSE 0 END,
                   output_tokens, cost_usd, unpriced
              FROM line WHERE key_id IS NOT NULL
             UNION ALL
            SELECT tenant_id, day, release, 'outcome', outcome, 1, ms, 0, 0, 0, NULL, 0 FROM answer
             UNION ALL
            SELECT tenant_id, day, '', 'key', key_id::text, 1, ms, 0, 0, 0, NULL, 0
              FROM answer WHERE key_id IS NOT NULL
             UNION ALL
            SELECT tenant_id, day, release, 'avoided', avoided ->> 'why', 1, 0, 0,
                   (avoided ->> 'input_tokens')::bigint, (avoided ->> 'output_tokens')::bigint,
                   (avoided ->> 'cost_usd')::numeric,
                   ((avoided ->> 'cost_usd') IS NULL)::integer
              FROM answer WHERE jsonb_typeof(avoided) = 'object'
        )
        SELECT tenant_id, day, release, kind, name, sum(times), sum(ms), sum(calls),
               sum(input_tokens), sum(output_tokens), sum(cost_usd), sum(unpriced)
          FROM counted
         GROUP BY tenant_id, day, release, kind, name
         ORDER BY tenant_id, day, release, kind, name -- two processes lock the rows in one order
            ON CONFLICT (tenant_id, day, release, kind, name) DO UPDATE
           SET times = so_far.times + excluded.times,
               ms = so_far.ms + excluded.ms,
               calls = so_far.calls + excluded.calls,
               input_tokens = so_far.input_tokens + excluded.input_tokens,
               output_tokens = so_far.output_tokens + excluded.output_tokens,
               -- No price known is not a price of 0.
               cost_usd = CASE WHEN excluded.cost_usd IS NULL THEN so_far.cost_usd
                               ELSE coalesce(so_far.cost_usd, 0) + excluded.cost_usd END,
               unpriced = so_far.unpriced + excluded.unpriced;
        -- It has been counted: a key that stayed would name the person behind the pseudonym.
        UPDATE trace SET key_id = NULL
         WHERE tenant_id = current_tenant() AND key_id IS NOT NULL
           AND id IN (SELECT id FROM added WHERE key_id IS NOT NULL);
        RETURN NULL;
    END $$;

CREATE FUNCTION public.current_user_id() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(current_setting('roadworthy.user'::text, true), ''::text);

CREATE FUNCTION public.drop_traces(most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

CREATE FUNCTION public.field_endings(told text) RETURNS SETOF text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
        SELECT left(array_to_string(words[place:], ' ') || ' ', 200)
          FROM (SELECT string_to_array(rtrim(field_words(told)), ' ') AS words) AS parted,
               generate_series(1, least(cardinality(words), 40)) AS place
    $$;

CREATE FUNCTION public.field_value(value jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT CASE WHEN (octet_length(plain.written) <= 1000) THEN plain.written ELSE (("left"(plain.written, 100) || ' '::text) || encode(sha256(convert_to(plain.written, 'UTF8'::name)), 'hex'::text)) END AS "case" FROM (SELECT CASE jsonb_typeof(field_value.value) WHEN 'number'::text THEN (trim_scale(((field_value.value #>> '{}'::text[]))::numeric))::text ELSE (field_value.value #>> '{}'::text[]) END AS written) plain);

CREATE FUNCTION public.field_words(told text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ltrim(regexp_replace((regexp_replace(NORMALIZE(regexp_replace(NORMALIZE(lower("left"(told, 2000)), NFKD), '[\u0300-\u036f]'::text, ''::text, 'g'::text), NFKC), '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])'::text, ' \1 '::text, 'g'::text) || ' '::text), '[^[:alnum:]]+'::text, ' '::text, 'g'::text));

CREATE TABLE public.document (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    corpus_id integer NOT NULL,
    acl_id integer NOT NULL,
    owner text NOT NULL,
    name text NOT NULL,
    title text NOT NULL,
    media_type text NOT NULL,
    language text NOT NULL,
    page_count integer,
    metadata jsonb NOT NULL,
    version integer NOT NULL,
    state text NOT NULL,
    problem text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    authors text[] DEFAULT '{}'::text[] NOT NULL,
    file_created_at timestamp with time zone,
    file_modified_at timestamp with time zone,
    source_path text,
    language_told text,
    page_confidence real[],
    notes text[] DEFAULT '{}'::text[] NOT NULL,
    parent_id uuid,
    dated_at timestamp with time zone GENERATED ALWAYS AS (COALESCE(file_modified_at, file_created_at, updated_at)) STORED NOT NULL,
    reshared_at timestamp with time zone,
    CONSTRAINT document_file_created_at_check CHECK (((file_created_at >= '1900-01-01 00:00:00+00'::timestamp with time zone) AND (file_created_at < '2200-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT document_file_modified_at_check CHECK (((file_modified_at >= '1900-01-01 00:00:00+00'::timestamp with time zone) AND (file_modified_at < '2200-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT document_language_told_check CHECK ((language_told ~ '^[a-z]{2,3}$'::text)),
    CONSTRAINT document_name_check CHECK (((length(name) >= 1) AND (length(name) <= 1000))),
    CONSTRAINT document_source_path_check CHECK (((length(source_path) >= 1) AND (length(source_path) <= 4000))),
    CONSTRAINT document_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'ready'::text, 'failed'::text, 'quarantined'::text, 'rejected'::text]))),
    CONSTRAINT document_version_check CHECK ((version >= 0))
);
ALTER TABLE ONLY public.document ALTER COLUMN name SET STATISTICS 0;
ALTER TABLE ONLY public.document ALTER COLUMN title SET STATISTICS 0;
ALTER TABLE ONLY public.document ALTER COLUMN metadata SET STATISTICS 0;
ALTER TABLE ONLY public.document ALTER COLUMN problem SET STATISTICS 0;
ALTER TABLE ONLY public.document ALTER COLUMN authors SET STATISTICS 0;
ALTER TABLE ONLY public.document ALTER COLUMN source_path SET STATISTICS 0;
ALTER TABLE ONLY public.document ALTER COLUMN notes SET STATISTICS 0;

ALTER TABLE ONLY public.document FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.fields_of(document public.document) RETURNS TABLE(tenant_id integer, corpus_id integer, acl_id integer, document_id uuid, key text, value text)
    LANGUAGE sql STABLE
    AS $$
        SELECT DISTINCT document.tenant_id, document.corpus_id, document.acl_id, document.id,
               field.key, field.value
          FROM (SELECT 'metadata.' || named.key AS key, field_value(named.value) AS value
                  FROM jsonb_each(document.metadata) AS named
                UNION ALL
                SELECT 'title', field_endings(document.title)
                UNION ALL
                SELECT 'author', field_endings(author)
                  FROM unnest(document.authors) AS author) AS field
         WHERE field.value IS NOT NULL
    $$;

CREATE FUNCTION public.flag_passages(dropped integer[], moment timestamp with time zone) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

CREATE FUNCTION public.forget_answers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    DECLARE
        told uuid[] := traces_from(ARRAY(SELECT id FROM gone));
    BEGIN
        UPDATE trace SET problem = NULL
         WHERE tenant_id = current_tenant() AND id = ANY (told) AND problem IS NOT NULL;
        DELETE FROM trace_answer WHERE tenant_id = current_tenant() AND trace_id = ANY (told);
        RETURN NULL;
    END $$;

CREATE FUNCTION public.forget_kept_answers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    BEGIN
        DELETE FROM kept_answer
         WHERE tenant_id = current_tenant() AND documents && ARRAY(SELECT id FROM gone);
        RETURN NULL;
    END $$;

CREATE FUNCTION public.forget_name(who text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

CREATE FUNCTION public.forget_traces_of(who text, most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

CREATE FUNCTION public.forgotten_people(pseudonyms text[]) RETURNS TABLE(pseudonym text, until timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
        SELECT subject, CASE WHEN bool_and(finished_at IS NOT NULL) THEN max(finished_at) END
          FROM deletion_receipt
         WHERE tenant_id = current_tenant() AND scope = 'person' AND subject = ANY (pseudonyms)
         GROUP BY subject
    $$;

CREATE FUNCTION public.found_passages(trace uuid) RETURNS integer[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    RETURN (SELECT COALESCE(array_agg(DISTINCT trace_hit.passage_id), '{}'::integer[]) AS "coalesce" FROM public.trace_hit WHERE ((trace_hit.tenant_id = public.current_tenant()) AND (trace_hit.trace_id = found_passages.trace)));

CREATE TABLE public.acl_grant (
    tenant_id integer NOT NULL,
    acl_id integer NOT NULL,
    subject text NOT NULL,
    clearance smallint NOT NULL,
    CONSTRAINT acl_grant_clearance_check CHECK ((clearance >= 0)),
    CONSTRAINT acl_grant_subject_check CHECK ((subject ~ '^(user|group):.'::text))
);

ALTER TABLE ONLY public.acl_grant FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.visible_acls() RETURNS integer[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT COALESCE(array_agg(DISTINCT acl_grant.acl_id), '{}'::integer[]) AS "coalesce" FROM public.acl_grant WHERE ((acl_grant.tenant_id = public.current_tenant()) AND (acl_grant.subject = ANY ((NULLIF(current_setting('roadworthy.subjects'::text, true), ''::text))::text[])) AND (acl_grant.clearance <= (NULLIF(current_setting('roadworthy.clearance'::text, true), ''::text))::integer)));

CREATE TABLE public.merged_revision (
    tenant_id integer NOT NULL,
    revision_id uuid NOT NULL,
    document_id uuid NOT NULL,
    corpus_id integer NOT NULL,
    acl_id integer NOT NULL,
    passages bytea NOT NULL,
    postings integer NOT NULL,
    packed bytea NOT NULL
);
ALTER TABLE ONLY public.merged_revision ALTER COLUMN passages SET STATISTICS 0;
ALTER TABLE ONLY public.merged_revision ALTER COLUMN packed SET STATISTICS 0;
ALTER TABLE ONLY public.merged_revision ALTER COLUMN packed SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.merged_revision FORCE ROW LEVEL SECURITY;

CREATE TABLE public.posting_gone (
    tenant_id integer NOT NULL,
    id bigint NOT NULL,
    corpus_id integer NOT NULL,
    acl_id integer NOT NULL,
    document_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    passages bytea NOT NULL,
    postings integer NOT NULL,
    packed bytea NOT NULL,
    gone_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.posting_gone ALTER COLUMN passages SET STATISTICS 0;
ALTER TABLE ONLY public.posting_gone ALTER COLUMN packed SET STATISTICS 0;
ALTER TABLE ONLY public.posting_gone ALTER COLUMN packed SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.posting_gone FORCE ROW LEVEL SECURITY;

CREATE TABLE public.withdrawn_document (
    tenant_id integer NOT NULL,
    document_id uuid NOT NULL,
    deletion_id uuid NOT NULL,
    corpus_id integer
);

ALTER TABLE ONLY public.withdrawn_document FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.gone_passages(of_corpus integer) RETURNS TABLE(acl_id integer, passages bytea)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    BEGIN ATOMIC
 SELECT gone.acl_id,
     string_agg(gone.passages, '\x'::bytea) AS string_agg
    FROM ( SELECT posting_gone.acl_id,
             posting_gone.passages
            FROM public.posting_gone
           WHERE ((posting_gone.tenant_id = public.current_tenant()) AND (posting_gone.corpus_id = gone_passages.of_corpus))
         UNION ALL
          SELECT merged.acl_id,
             merged.passages
            FROM (public.withdrawn_document withdrawn
              JOIN public.merged_revision merged ON (((merged.tenant_id = withdrawn.tenant_id) AND (merged.document_id = withdrawn.document_id))))
           WHERE ((withdrawn.tenant_id = public.current_tenant()) AND (merged.corpus_id = gone_passages.of_corpus) AND ((withdrawn.corpus_id = gone_passages.of_corpus) OR (withdrawn.corpus_id IS NULL)))) gone
   WHERE (gone.acl_id = ANY (( SELECT public.visible_acls() AS visible_acls)::integer[]))
   GROUP BY gone.acl_id;
END;

CREATE FUNCTION public.guard_corpus() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    BEGIN
        PERFORM await_holds(OLD.tenant_id);
        PERFORM refuse_held(id, 'corpus') FROM legal_hold
          WHERE tenant_id = OLD.tenant_id AND corpus_id = OLD.id AND lifted_at IS NULL
          ORDER BY id LIMIT 1;
        RETURN OLD;
    END $$;

CREATE FUNCTION public.guard_document() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

CREATE FUNCTION public.guard_hold() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('roadworthy legal hold'), NEW.tenant_id);
        RETURN NEW;
    END $$;

CREATE FUNCTION public.guard_passage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    BEGIN
        PERFORM refuse_held(hold_on(OLD.tenant_id, ARRAY[OLD.document_id]), 'document');
        RETURN NEW;
    END $$;

CREATE FUNCTION public.guard_passages() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    BEGIN
        -- None is left of a document that went as a whole: its own trigger has looked.
        PERFORM refuse_held(hold_on(tenant_id, array_agg(DISTINCT document_id)), 'document')
           FROM gone GROUP BY tenant_id;
        RETURN NULL;
    END $$;

CREATE FUNCTION public.guard_principal() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    BEGIN
        PERFORM await_holds(OLD.tenant_id);
        PERFORM refuse_held(id, 'person') FROM legal_hold
          WHERE tenant_id = OLD.tenant_id AND user_id = OLD.user_id AND lifted_at IS NULL
          ORDER BY id LIMIT 1;
        RETURN OLD;
    END $$;

CREATE FUNCTION public.guard_revision() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

CREATE FUNCTION public.guard_tenant() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    BEGIN
        PERFORM await_holds(OLD.id);
        PERFORM refuse_held(id, 'tenant') FROM legal_hold
          WHERE tenant_id = OLD.id AND lifted_at IS NULL ORDER BY id LIMIT 1;
        RETURN OLD;
    END $$;

CREATE TABLE public.kept_question (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    user_id text NOT NULL,
    asked jsonb,
    state text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    waits smallint DEFAULT 0 NOT NULL,
    run_at timestamp with time zone NOT NULL,
    lease uuid,
    leased_until timestamp with time zone,
    problem_kind text,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    claimed_at timestamp with time zone,
    CONSTRAINT kept_question_check CHECK (((state = ANY (ARRAY['done'::text, 'failed'::text])) = (finished_at IS NOT NULL))),
    CONSTRAINT kept_question_check1 CHECK (((state = 'running'::text) = (lease IS NOT NULL))),
    CONSTRAINT kept_question_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'failed'::text])))
);
ALTER TABLE ONLY public.kept_question ALTER COLUMN asked SET STATISTICS 0;

ALTER TABLE ONLY public.kept_question FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.has_room_for_questions(most integer) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    RETURN (SELECT ((count(*) + count(*) FILTER (WHERE (waiting.user_id = public.current_user_id()))) < has_room_for_questions.most) FROM (SELECT kept_question.user_id FROM public.kept_question WHERE ((kept_question.tenant_id = public.current_tenant()) AND (kept_question.state = 'queued'::text)) LIMIT has_room_for_questions.most) waiting);

CREATE FUNCTION public.hold_on(tenant integer, documents uuid[]) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

CREATE TABLE public.api_key (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    user_id text NOT NULL,
    key_hash bytea NOT NULL,
    may_ingest boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT api_key_key_hash_check CHECK ((length(key_hash) = 32))
);

ALTER TABLE ONLY public.api_key FORCE ROW LEVEL SECURITY;

CREATE TABLE public.principal (
    tenant_id integer NOT NULL,
    user_id text NOT NULL,
    groups text[] NOT NULL,
    clearance smallint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT principal_clearance_check CHECK ((clearance >= 0)),
    CONSTRAINT principal_user_id_check CHECK (((length(user_id) >= 1) AND (length(user_id) <= 200)))
);

ALTER TABLE ONLY public.principal FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.holder_of_key(hash bytea, moment timestamp with time zone) RETURNS TABLE(tenant_id integer, user_id text, groups text[], clearance smallint, may_ingest boolean, key_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    BEGIN ATOMIC
 SELECT principal.tenant_id,
     principal.user_id,
     principal.groups,
     principal.clearance,
     api_key.may_ingest,
     api_key.id
    FROM (public.api_key
      JOIN public.principal USING (tenant_id, user_id))
   WHERE ((api_key.key_hash = holder_of_key.hash) AND (api_key.revoked_at IS NULL) AND (api_key.expires_at > holder_of_key.moment));
END;

CREATE TABLE public.job (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    document_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    state text NOT NULL,
    attempts smallint NOT NULL,
    run_at timestamp with time zone NOT NULL,
    leased_until timestamp with time zone,
    lease uuid,
    stage text NOT NULL,
    steps_done integer NOT NULL,
    steps_total integer NOT NULL,
    problem text,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    priority smallint DEFAULT 0 NOT NULL,
    waits smallint DEFAULT 0 NOT NULL,
    problem_kind text,
    claimed_at timestamp with time zone,
    announced_at timestamp with time zone,
    is_scan boolean DEFAULT false NOT NULL,
    CONSTRAINT job_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'failed'::text])))
);
ALTER TABLE ONLY public.job ALTER COLUMN problem SET STATISTICS 0;

ALTER TABLE ONLY public.job FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.is_queue_full(most integer) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    RETURN (EXISTS (SELECT FROM public.job WHERE ((job.tenant_id = public.current_tenant()) AND (job.state = 'queued'::text) AND (job.priority < 20)) OFFSET (is_queue_full.most - 1)));

CREATE FUNCTION public.keep_fields() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

CREATE FUNCTION public.keep_passage_scores(scores jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

CREATE FUNCTION public.mark_contents() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    BEGIN
        UPDATE tenant SET content_mark = gen_random_uuid()
         WHERE id = coalesce(NEW.tenant_id, OLD.tenant_id);
        RETURN NULL;
    END $$;

CREATE FUNCTION public.mark_gone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    BEGIN
        INSERT INTO posting_gone (tenant_id, corpus_id, acl_id, document_id, revision_id, passages,
                                  postings, packed)
        SELECT tenant_id, corpus_id, acl_id, document_id, revision_id, passages, postings, packed
          FROM gone
         ORDER BY revision_id;
        RETURN NULL;
    END $$;

CREATE FUNCTION public.may_approve() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ('group:approvers'::text = ANY ((NULLIF(current_setting('roadworthy.subjects'::text, true), ''::text))::text[]));

CREATE FUNCTION public.may_hold() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ('group:legal-hold'::text = ANY ((NULLIF(current_setting('roadworthy.subjects'::text, true), ''::text))::text[]));

CREATE FUNCTION public.may_see_costs() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ('group:costs'::text = ANY ((NULLIF(current_setting('roadworthy.subjects'::text, true), ''::text))::text[]));

CREATE FUNCTION public.note_resharing() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
        NEW.reshared_at := clock_timestamp();
        RETURN NEW;
    END $$;

CREATE TABLE public.posting (
    tenant_id integer NOT NULL,
    corpus_id integer NOT NULL,
    acl_id integer NOT NULL,
    term text NOT NULL,
    document_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    packed bytea NOT NULL,
    written_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY public.posting ALTER COLUMN term SET STATISTICS 0;
ALTER TABLE ONLY public.posting ALTER COLUMN packed SET STATISTICS 0;

ALTER TABLE ONLY public.posting FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.oldest_postings() RETURNS TABLE(unmerged_since timestamp with time zone, uncleared_since timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    BEGIN ATOMIC
 SELECT min(fresh.written_at) AS min,
     min(gone.gone_at) AS min
    FROM ((public.tenant
      LEFT JOIN LATERAL ( SELECT posting.written_at
            FROM public.posting
           WHERE ((posting.tenant_id = tenant.id) AND (NOT (EXISTS ( SELECT
                    FROM public.withdrawn_document withdrawn
                   WHERE ((withdrawn.tenant_id = tenant.id) AND (withdrawn.document_id = posting.document_id))))))
           ORDER BY posting.revision_id
          LIMIT 1) fresh ON (true))
      LEFT JOIN LATERAL ( SELECT posting_gone.gone_at
            FROM public.posting_gone
           WHERE (posting_gone.tenant_id = tenant.id)
           ORDER BY posting_gone.id
          LIMIT 1) gone ON (true));
END;

CREATE FUNCTION public.person_stays(who text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    BEGIN
        PERFORM FROM principal WHERE tenant_id = current_tenant() AND user_id = who FOR KEY SHARE;
        RETURN FOUND;
    END $$;

CREATE FUNCTION public.present_documents(documents uuid[]) RETURNS uuid[]
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

CREATE FUNCTION public.refuse_held(hold uuid, what text) RETURNS void
    LANGUAGE plpgsql
    AS $$
    BEGIN
        IF hold IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'restrict_violation', CONSTRAINT = 'legal_hold',
                MESSAGE = format('The %s is under legal hold %s and stays as it is; whoever placed '
                                 'the hold may lift it (`roadworthy hold`).', what, hold);
        END IF;
    END $$;

CREATE FUNCTION public.settle_review() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

CREATE FUNCTION public.spent_by_release(since date, most integer) RETURNS TABLE(tenant text, release text, kind text, name text, times bigint, ms double precision, calls bigint, input_tokens bigint, output_tokens bigint, cost_usd numeric, unpriced bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    BEGIN ATOMIC
 WITH told AS (
          SELECT spending.tenant_id,
             spending.release
            FROM public.spending
           WHERE ((spending.day >= spent_by_release.since) AND (spending.kind = 'outcome'::text))
           GROUP BY spending.tenant_id, spending.release
           ORDER BY (sum(spending.times)) DESC, spending.tenant_id, spending.release
          LIMIT spent_by_release.most
         ), named AS (
          SELECT COALESCE(tenant.name, ''::text) AS tenant,
             COALESCE(told.release, ''::text) AS release,
             spending.kind,
             spending.name,
             spending.times,
             spending.ms,
             spending.calls,
             spending.input_tokens,
             spending.output_tokens,
             spending.cost_usd,
             spending.unpriced
            FROM ((public.spending
              LEFT JOIN told USING (tenant_id, release))
              LEFT JOIN public.tenant ON ((tenant.id = told.tenant_id)))
           WHERE ((spending.day >= spent_by_release.since) AND (spending.kind <> 'key'::text))
         )
  SELECT named.tenant,
     named.release,
     named.kind,
     named.name,
     (sum(named.times))::bigint AS sum,
     sum(named.ms) AS sum,
     (sum(named.calls))::bigint AS sum,
     (sum(named.input_tokens))::bigint AS sum,
     (sum(named.output_tokens))::bigint AS sum,
     sum(named.cost_usd) AS sum,
     (sum(named.unpriced))::bigint AS sum
    FROM named
   GROUP BY named.tenant, named.release, named.kind, named.name
   ORDER BY named.tenant, named.release, named.kind, named.name;
END;

CREATE FUNCTION public.spent_since(since date) RETURNS TABLE(kind text, name text, times bigint, ms double precision, calls bigint, input_tokens bigint, output_tokens bigint, cost_usd numeric, unpriced bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    BEGIN ATOMIC
 SELECT spending.kind,
     spending.name,
     (sum(spending.times))::bigint AS sum,
     sum(spending.ms) AS sum,
     (sum(spending.calls))::bigint AS sum,
     (sum(spending.input_tokens))::bigint AS sum,
     (sum(spending.output_tokens))::bigint AS sum,
     sum(spending.cost_usd) AS sum,
     (sum(spending.unpriced))::bigint AS sum
    FROM public.spending
   WHERE ((spending.day >= spent_since.since) AND (spending.kind <> 'key'::text))
   GROUP BY spending.kind, spending.name
   ORDER BY spending.kind, spending.name;
END;

CREATE FUNCTION public.trim_cached_answers(most integer, since timestamp with time zone) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    BEGIN ATOMIC
 DELETE FROM public.cached_answer
   WHERE ((cached_answer.tenant_id = public.current_tenant()) AND ((cached_answer.asked_at < trim_cached_answers.since) OR (cached_answer.trace_id IN ( SELECT kept.trace_id
            FROM public.cached_answer kept
           WHERE (kept.tenant_id = public.current_tenant())
           ORDER BY kept.asked_at DESC, kept.trace_id
          OFFSET trim_cached_answers.most))));
END;

CREATE TABLE public.acl (
    tenant_id integer NOT NULL,
    id integer NOT NULL,
    grants_hash bytea NOT NULL
);

ALTER TABLE ONLY public.acl FORCE ROW LEVEL SECURITY;

ALTER TABLE public.acl ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.acl_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.approval (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    operation text NOT NULL,
    subject text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    granted_by text,
    granted_at timestamp with time zone,
    used_at timestamp with time zone,
    CONSTRAINT approval_check CHECK (((granted_by <> asked_by) OR (granted_by = '(deleted)'::text))),
    CONSTRAINT approval_check1 CHECK (((granted_by IS NULL) = (granted_at IS NULL))),
    CONSTRAINT approval_check2 CHECK (((used_at IS NULL) OR (granted_at IS NOT NULL)))
);

ALTER TABLE ONLY public.approval FORCE ROW LEVEL SECURITY;

CREATE TABLE public.corpus (
    tenant_id integer NOT NULL,
    id integer NOT NULL,
    name text NOT NULL,
    space_id integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    text_search text DEFAULT 'auto'::text NOT NULL,
    policy jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT corpus_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100)))
);

ALTER TABLE ONLY public.corpus FORCE ROW LEVEL SECURITY;

ALTER TABLE public.corpus ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.corpus_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.corpus_route (
    tenant_id integer NOT NULL,
    corpus_id integer NOT NULL,
    language text NOT NULL,
    space_id integer NOT NULL,
    text_search text NOT NULL,
    CONSTRAINT corpus_route_language_check CHECK ((language ~ '^[a-z]{2,3}$'::text))
);

ALTER TABLE ONLY public.corpus_route FORCE ROW LEVEL SECURITY;

CREATE TABLE public.corpus_space (
    tenant_id integer NOT NULL,
    corpus_id integer NOT NULL,
    language text NOT NULL,
    space_id integer NOT NULL,
    is_whole boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT corpus_space_language_check CHECK ((language ~ '^([a-z]{2,3}|[*])$'::text))
);

ALTER TABLE ONLY public.corpus_space FORCE ROW LEVEL SECURITY;

CREATE TABLE public.deletion_receipt (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    scope text NOT NULL,
    subject text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    documents integer NOT NULL,
    attachments uuid[] NOT NULL,
    stores jsonb NOT NULL,
    erased_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT deletion_receipt_scope_check CHECK ((scope = ANY (ARRAY['document'::text, 'documents of a person'::text, 'person'::text, 'corpus'::text, 'tenant'::text])))
);

ALTER TABLE ONLY public.deletion_receipt FORCE ROW LEVEL SECURITY;

CREATE TABLE public.document_field (
    tenant_id integer NOT NULL,
    corpus_id integer NOT NULL,
    acl_id integer NOT NULL,
    document_id uuid NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C"
);
ALTER TABLE ONLY public.document_field ALTER COLUMN key SET STATISTICS 0;
ALTER TABLE ONLY public.document_field ALTER COLUMN value SET STATISTICS 0;

ALTER TABLE ONLY public.document_field FORCE ROW LEVEL SECURITY;

CREATE TABLE public.edge_line (
    tenant_id integer NOT NULL,
    corpus_id integer NOT NULL,
    line bigint NOT NULL,
    revision_id uuid NOT NULL
);

ALTER TABLE ONLY public.edge_line FORCE ROW LEVEL SECURITY;

CREATE TABLE public.embedding (
    tenant_id integer NOT NULL,
    space_id integer CONSTRAINT embedding_space_id_not_null1 NOT NULL,
    corpus_id integer NOT NULL,
    acl_id integer NOT NULL,
    passage_id integer NOT NULL,
    document_id uuid NOT NULL,
    vector public.halfvec NOT NULL,
    place integer DEFAULT 0 NOT NULL,
    CONSTRAINT embedding_place_check CHECK (((place = 0) OR (place = tenant_id)))
)
PARTITION BY LIST (place);
ALTER TABLE ONLY public.embedding ALTER COLUMN vector SET STATISTICS 0;

ALTER TABLE ONLY public.embedding FORCE ROW LEVEL SECURITY;

CREATE TABLE public.embedding_place (
    tenant_id integer NOT NULL,
    state text NOT NULL,
    indexed integer[] NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT embedding_place_state_check CHECK ((state = ANY (ARRAY['filling'::text, 'own'::text, 'returning'::text])))
);

ALTER TABLE ONLY public.embedding_place FORCE ROW LEVEL SECURITY;

CREATE TABLE public.embedding_shared (
    tenant_id integer CONSTRAINT embedding_tenant_id_not_null NOT NULL,
    space_id integer CONSTRAINT embedding_space_id_not_null1 NOT NULL,
    corpus_id integer CONSTRAINT embedding_corpus_id_not_null NOT NULL,
    acl_id integer CONSTRAINT embedding_acl_id_not_null NOT NULL,
    passage_id integer CONSTRAINT embedding_passage_id_not_null NOT NULL,
    document_id uuid CONSTRAINT embedding_document_id_not_null NOT NULL,
    vector public.halfvec CONSTRAINT embedding_vector_not_null NOT NULL,
    place integer DEFAULT 0 CONSTRAINT embedding_place_not_null NOT NULL,
    CONSTRAINT embedding_place_check CHECK (((place = 0) OR (place = tenant_id)))
);
ALTER TABLE ONLY public.embedding_shared ALTER COLUMN vector SET STATISTICS 0;

ALTER TABLE ONLY public.embedding_shared FORCE ROW LEVEL SECURITY;

CREATE TABLE public.embedding_space (
    id integer NOT NULL,
    name text NOT NULL,
    model text NOT NULL,
    revision text NOT NULL,
    dimension smallint NOT NULL,
    normalised boolean NOT NULL,
    query_prefix text NOT NULL,
    passage_prefix text NOT NULL,
    languages text[] NOT NULL,
    probe_texts text[] NOT NULL,
    probe_vectors bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT embedding_space_check CHECK ((length(probe_vectors) = ((4 * dimension) * cardinality(probe_texts)))),
    CONSTRAINT embedding_space_dimension_check CHECK (((dimension >= 1) AND (dimension <= 4000)))
);

ALTER TABLE public.embedding_space ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.embedding_space_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE SEQUENCE public.epoch
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.experiment (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    corpus_id integer NOT NULL,
    kind text NOT NULL,
    measure text NOT NULL,
    questions integer NOT NULL,
    tried jsonb NOT NULL,
    chosen integer,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    basis jsonb,
    CONSTRAINT experiment_kind_check CHECK ((kind = ANY (ARRAY['passages'::text, 'ranking'::text]))),
    CONSTRAINT experiment_questions_check CHECK ((questions >= 0))
);

ALTER TABLE ONLY public.experiment FORCE ROW LEVEL SECURITY;

CREATE TABLE public.golden_probe (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    corpus_id integer NOT NULL,
    document_id uuid NOT NULL,
    revision_id uuid,
    language text NOT NULL,
    question text NOT NULL,
    quote text,
    ways text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT golden_probe_question_check CHECK (((length(question) >= 1) AND (length(question) <= 1000))),
    CONSTRAINT golden_probe_quote_check CHECK (((length(quote) >= 1) AND (length(quote) <= 2000)))
);
ALTER TABLE ONLY public.golden_probe ALTER COLUMN language SET STATISTICS 0;
ALTER TABLE ONLY public.golden_probe ALTER COLUMN question SET STATISTICS 0;
ALTER TABLE ONLY public.golden_probe ALTER COLUMN quote SET STATISTICS 0;
ALTER TABLE ONLY public.golden_probe ALTER COLUMN ways SET STATISTICS 0;

ALTER TABLE ONLY public.golden_probe FORCE ROW LEVEL SECURITY;

CREATE TABLE public.installation (
    is_only boolean DEFAULT true NOT NULL,
    stage text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT installation_is_only_check CHECK (is_only),
    CONSTRAINT installation_stage_check CHECK (((length(stage) >= 1) AND (length(stage) <= 40)))
);

CREATE TABLE public.kept_answer (
    tenant_id integer NOT NULL,
    question_id uuid NOT NULL,
    body jsonb NOT NULL,
    documents uuid[] NOT NULL,
    passages integer[] NOT NULL
);
ALTER TABLE ONLY public.kept_answer ALTER COLUMN body SET STATISTICS 0;
ALTER TABLE ONLY public.kept_answer ALTER COLUMN documents SET STATISTICS 0;
ALTER TABLE ONLY public.kept_answer ALTER COLUMN passages SET STATISTICS 0;

ALTER TABLE ONLY public.kept_answer FORCE ROW LEVEL SECURITY;

CREATE TABLE public.legal_hold (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    document_id uuid,
    user_id text,
    corpus_id integer,
    reason text NOT NULL,
    placed_by text NOT NULL,
    placed_at timestamp with time zone NOT NULL,
    lifted_by text,
    lifted_at timestamp with time zone,
    CONSTRAINT legal_hold_check CHECK ((num_nonnulls(document_id, user_id, corpus_id) = 1)),
    CONSTRAINT legal_hold_check1 CHECK (((lifted_by IS NULL) = (lifted_at IS NULL))),
    CONSTRAINT legal_hold_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 1000)))
);

ALTER TABLE ONLY public.legal_hold FORCE ROW LEVEL SECURITY;

CREATE TABLE public.live_release (
    tenant_id integer NOT NULL,
    name text NOT NULL,
    changed_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.live_release FORCE ROW LEVEL SECURITY;

CREATE TABLE public.passage (
    tenant_id integer NOT NULL,
    id integer NOT NULL,
    corpus_id integer NOT NULL,
    acl_id integer NOT NULL,
    document_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    ordinal integer NOT NULL,
    start_at integer NOT NULL,
    end_at integer NOT NULL,
    page_first integer,
    page_last integer,
    heading text NOT NULL,
    language text NOT NULL,
    term_count integer NOT NULL,
    text text NOT NULL,
    analysis text DEFAULT 'terms-1'::text NOT NULL,
    CONSTRAINT passage_check CHECK ((end_at > start_at))
);
ALTER TABLE ONLY public.passage ALTER COLUMN heading SET STATISTICS 0;
ALTER TABLE ONLY public.passage ALTER COLUMN text SET STATISTICS 0;

ALTER TABLE ONLY public.passage FORCE ROW LEVEL SECURITY;

CREATE TABLE public.passage_count (
    tenant_id integer NOT NULL,
    corpus_id integer NOT NULL,
    acl_id integer NOT NULL,
    language text NOT NULL,
    passages bigint NOT NULL,
    terms bigint NOT NULL,
    analysis text DEFAULT 'terms-1'::text NOT NULL,
    CONSTRAINT passage_count_passages_check CHECK ((passages >= 0)),
    CONSTRAINT passage_count_terms_check CHECK ((terms >= 0))
);

ALTER TABLE ONLY public.passage_count FORCE ROW LEVEL SECURITY;

ALTER TABLE public.passage ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.passage_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.passage_score (
    tenant_id integer NOT NULL,
    passage_id integer NOT NULL,
    digest bytea NOT NULL,
    version text NOT NULL,
    score double precision NOT NULL,
    threshold double precision NOT NULL
);
ALTER TABLE ONLY public.passage_score ALTER COLUMN digest SET STATISTICS 0;
ALTER TABLE ONLY public.passage_score ALTER COLUMN score SET STATISTICS 0;
ALTER TABLE ONLY public.passage_score ALTER COLUMN threshold SET STATISTICS 0;

ALTER TABLE ONLY public.passage_score FORCE ROW LEVEL SECURITY;

ALTER TABLE public.posting_gone ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.posting_gone_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.posting_segment (
    tenant_id integer NOT NULL,
    corpus_id integer NOT NULL,
    acl_id integer NOT NULL,
    term text NOT NULL,
    first_id integer NOT NULL,
    last_id integer NOT NULL,
    packed bytea NOT NULL,
    CONSTRAINT posting_segment_check CHECK ((last_id >= first_id))
);
ALTER TABLE ONLY public.posting_segment ALTER COLUMN term SET STATISTICS 0;
ALTER TABLE ONLY public.posting_segment ALTER COLUMN packed SET STATISTICS 0;

ALTER TABLE ONLY public.posting_segment FORCE ROW LEVEL SECURITY;

CREATE TABLE public.pseudonym_key (
    is_only boolean DEFAULT true NOT NULL,
    mark text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT pseudonym_key_is_only_check CHECK (is_only),
    CONSTRAINT pseudonym_key_mark_check CHECK ((length(mark) = 32))
);

CREATE TABLE public.release (
    tenant_id integer NOT NULL,
    name text NOT NULL,
    hash text NOT NULL,
    content text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT release_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'::text))
);

ALTER TABLE ONLY public.release FORCE ROW LEVEL SECURITY;

CREATE TABLE public.removal (
    tenant_id integer NOT NULL,
    document_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    ordinal integer NOT NULL,
    stood_at integer NOT NULL,
    page integer,
    text text NOT NULL,
    CONSTRAINT removal_stood_at_check CHECK ((stood_at >= 0))
);
ALTER TABLE ONLY public.removal ALTER COLUMN text SET STATISTICS 0;

ALTER TABLE ONLY public.removal FORCE ROW LEVEL SECURITY;

CREATE TABLE public.review (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    document_id uuid NOT NULL,
    content_hash bytea NOT NULL,
    decision text NOT NULL,
    overruled text[] NOT NULL,
    reason text NOT NULL,
    decided_by text NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    CONSTRAINT review_content_hash_check CHECK ((length(content_hash) = 32)),
    CONSTRAINT review_decision_check CHECK ((decision = ANY (ARRAY['release'::text, 'reject'::text]))),
    CONSTRAINT review_reason_check CHECK ((length(reason) <= 1000))
);
ALTER TABLE ONLY public.review ALTER COLUMN content_hash SET STATISTICS 0;
ALTER TABLE ONLY public.review ALTER COLUMN reason SET STATISTICS 0;

ALTER TABLE ONLY public.review FORCE ROW LEVEL SECURITY;

CREATE TABLE public.revision (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    document_id uuid NOT NULL,
    corpus_id integer NOT NULL,
    acl_id integer NOT NULL,
    content_hash bytea NOT NULL,
    content bytea NOT NULL,
    text text,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    is_attached boolean DEFAULT false NOT NULL,
    CONSTRAINT revision_content_hash_check CHECK ((length(content_hash) = 32)),
    CONSTRAINT revision_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'ready'::text, 'failed'::text, 'quarantined'::text, 'rejected'::text])))
);
ALTER TABLE ONLY public.revision ALTER COLUMN content_hash SET STATISTICS 0;
ALTER TABLE ONLY public.revision ALTER COLUMN content SET STATISTICS 0;
ALTER TABLE ONLY public.revision ALTER COLUMN text SET STATISTICS 0;

ALTER TABLE ONLY public.revision FORCE ROW LEVEL SECURITY;

CREATE TABLE public.signature (
    tenant_id integer NOT NULL,
    revision_id uuid NOT NULL,
    packed bytea NOT NULL,
    dated_at timestamp with time zone
);
ALTER TABLE ONLY public.signature ALTER COLUMN packed SET STATISTICS 0;

ALTER TABLE ONLY public.signature FORCE ROW LEVEL SECURITY;

CREATE TABLE public.signature_band (
    tenant_id integer NOT NULL,
    corpus_id integer NOT NULL,
    band bigint NOT NULL,
    revision_id uuid NOT NULL
);

ALTER TABLE ONLY public.signature_band FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tenant ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tenant_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.trace (
    tenant_id integer NOT NULL,
    id uuid NOT NULL,
    pseudonym text NOT NULL,
    surface text NOT NULL,
    release_name text,
    release_hash text,
    question text NOT NULL,
    language text NOT NULL,
    outcome text NOT NULL,
    problem text,
    stages jsonb NOT NULL,
    input_tokens integer NOT NULL,
    output_tokens integer NOT NULL,
    degraded text[] NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    reading jsonb,
    searched_for jsonb,
    verdicts jsonb,
    cached_from uuid,
    key_id uuid,
    avoided jsonb,
    CONSTRAINT trace_surface_check CHECK ((surface = ANY (ARRAY['answers'::text, 'chat'::text, 'search'::text, 'cli'::text])))
);
ALTER TABLE ONLY public.trace ALTER COLUMN question SET STATISTICS 0;
ALTER TABLE ONLY public.trace ALTER COLUMN problem SET STATISTICS 0;
ALTER TABLE ONLY public.trace ALTER COLUMN searched_for SET STATISTICS 0;

ALTER TABLE ONLY public.trace FORCE ROW LEVEL SECURITY;

CREATE TABLE public.verdict (
    tenant_id integer NOT NULL,
    document_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    check_name text NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    figures jsonb NOT NULL,
    acl_id integer,
    about uuid,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT verdict_outcome_check CHECK ((outcome = ANY (ARRAY['pass'::text, 'changed'::text, 'flagged'::text, 'quarantined'::text])))
);
ALTER TABLE ONLY public.verdict ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE ONLY public.verdict ALTER COLUMN figures SET STATISTICS 0;

ALTER TABLE ONLY public.verdict FORCE ROW LEVEL SECURITY;

CREATE TABLE public.webhook (
    tenant_id integer NOT NULL,
    question_id uuid NOT NULL,
    url text,
    origin text NOT NULL,
    state text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    run_at timestamp with time zone,
    lease uuid,
    claimed_at timestamp with time zone,
    CONSTRAINT webhook_check CHECK (((state = 'waiting'::text) = (url IS NOT NULL))),
    CONSTRAINT webhook_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'delivered'::text, 'failed'::text])))
);
ALTER TABLE ONLY public.webhook ALTER COLUMN url SET STATISTICS 0;

ALTER TABLE ONLY public.webhook FORCE ROW LEVEL SECURITY;

ALTER TABLE ONLY public.embedding ATTACH PARTITION public.embedding_shared FOR VALUES IN (0);

ALTER TABLE ONLY public.acl_grant
    ADD CONSTRAINT acl_grant_pkey PRIMARY KEY (tenant_id, subject, acl_id);

ALTER TABLE ONLY public.acl
    ADD CONSTRAINT acl_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.acl
    ADD CONSTRAINT acl_tenant_id_grants_hash_key UNIQUE (tenant_id, grants_hash);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_key_hash_key UNIQUE (key_hash);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.approval
    ADD CONSTRAINT approval_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_pkey PRIMARY KEY (tenant_id, scope, name, period);

ALTER TABLE ONLY public.cached_answer
    ADD CONSTRAINT cached_answer_pkey PRIMARY KEY (tenant_id, trace_id);

ALTER TABLE ONLY public.corpus
    ADD CONSTRAINT corpus_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.corpus_route
    ADD CONSTRAINT corpus_route_pkey PRIMARY KEY (tenant_id, corpus_id, language);

ALTER TABLE ONLY public.corpus_space
    ADD CONSTRAINT corpus_space_pkey PRIMARY KEY (tenant_id, corpus_id, language, space_id);

ALTER TABLE ONLY public.corpus
    ADD CONSTRAINT corpus_tenant_id_name_key UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.deletion_receipt
    ADD CONSTRAINT deletion_receipt_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.document_field
    ADD CONSTRAINT document_field_pkey PRIMARY KEY (tenant_id, corpus_id, key, value, acl_id, document_id);

ALTER TABLE ONLY public.document
    ADD CONSTRAINT document_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.document
    ADD CONSTRAINT document_tenant_id_corpus_id_name_acl_id_key UNIQUE (tenant_id, corpus_id, name, acl_id);

ALTER TABLE ONLY public.edge_line
    ADD CONSTRAINT edge_line_pkey PRIMARY KEY (tenant_id, corpus_id, line, revision_id);

ALTER TABLE ONLY public.embedding_place
    ADD CONSTRAINT embedding_place_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.embedding_shared
    ADD CONSTRAINT embedding_shared_pkey PRIMARY KEY (tenant_id, space_id, passage_id);

ALTER TABLE ONLY public.embedding_space
    ADD CONSTRAINT embedding_space_name_key UNIQUE (name);

ALTER TABLE ONLY public.embedding_space
    ADD CONSTRAINT embedding_space_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.experiment
    ADD CONSTRAINT experiment_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.golden_probe
    ADD CONSTRAINT golden_probe_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (is_only);

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.kept_answer
    ADD CONSTRAINT kept_answer_pkey PRIMARY KEY (tenant_id, question_id);

ALTER TABLE ONLY public.kept_question
    ADD CONSTRAINT kept_question_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.legal_hold
    ADD CONSTRAINT legal_hold_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.live_release
    ADD CONSTRAINT live_release_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.merged_revision
    ADD CONSTRAINT merged_revision_pkey PRIMARY KEY (tenant_id, revision_id);

ALTER TABLE ONLY public.passage_count
    ADD CONSTRAINT passage_count_pkey PRIMARY KEY (tenant_id, corpus_id, acl_id, language, analysis);

ALTER TABLE ONLY public.passage
    ADD CONSTRAINT passage_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.passage_score
    ADD CONSTRAINT passage_score_pkey PRIMARY KEY (tenant_id, passage_id);

ALTER TABLE ONLY public.posting_gone
    ADD CONSTRAINT posting_gone_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.posting
    ADD CONSTRAINT posting_pkey PRIMARY KEY (tenant_id, corpus_id, term, acl_id, revision_id);

ALTER TABLE ONLY public.posting_segment
    ADD CONSTRAINT posting_segment_pkey PRIMARY KEY (tenant_id, corpus_id, term, acl_id, first_id);

ALTER TABLE public.principal
    ADD CONSTRAINT principal_name_is_free CHECK ((user_id <> ALL (ARRAY['operator'::text, '(deleted)'::text]))) NOT VALID;

ALTER TABLE ONLY public.principal
    ADD CONSTRAINT principal_pkey PRIMARY KEY (tenant_id, user_id);

ALTER TABLE ONLY public.pseudonym_key
    ADD CONSTRAINT pseudonym_key_pkey PRIMARY KEY (is_only);

ALTER TABLE ONLY public.release
    ADD CONSTRAINT release_pkey PRIMARY KEY (tenant_id, name);

ALTER TABLE ONLY public.removal
    ADD CONSTRAINT removal_pkey PRIMARY KEY (tenant_id, revision_id, ordinal);

ALTER TABLE ONLY public.review
    ADD CONSTRAINT review_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.revision
    ADD CONSTRAINT revision_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.signature_band
    ADD CONSTRAINT signature_band_pkey PRIMARY KEY (tenant_id, corpus_id, band, revision_id);

ALTER TABLE ONLY public.signature
    ADD CONSTRAINT signature_pkey PRIMARY KEY (tenant_id, revision_id);

ALTER TABLE ONLY public.spending
    ADD CONSTRAINT spending_pkey PRIMARY KEY (tenant_id, day, release, kind, name);

ALTER TABLE ONLY public.tenant
    ADD CONSTRAINT tenant_name_key UNIQUE (name);

ALTER TABLE ONLY public.tenant
    ADD CONSTRAINT tenant_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.trace_answer
    ADD CONSTRAINT trace_answer_pkey PRIMARY KEY (tenant_id, trace_id);

ALTER TABLE ONLY public.trace_hit
    ADD CONSTRAINT trace_hit_pkey PRIMARY KEY (tenant_id, trace_id, rank);

ALTER TABLE public.trace
    ADD CONSTRAINT trace_outcome_check CHECK ((outcome = ANY (ARRAY['answered'::text, 'abstained'::text, 'blocked'::text, 'found'::text, 'refused'::text, 'failed'::text, 'cancelled'::text, 'interrupted'::text]))) NOT VALID;

ALTER TABLE ONLY public.trace
    ADD CONSTRAINT trace_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.verdict
    ADD CONSTRAINT verdict_pkey PRIMARY KEY (tenant_id, revision_id, check_name);

ALTER TABLE ONLY public.webhook
    ADD CONSTRAINT webhook_pkey PRIMARY KEY (tenant_id, question_id);

ALTER TABLE ONLY public.withdrawn_document
    ADD CONSTRAINT withdrawn_document_pkey PRIMARY KEY (tenant_id, document_id);

CREATE INDEX cached_answer_key ON public.cached_answer USING btree (tenant_id, release_hash, space_id, language, asked_at);

CREATE INDEX deletion_receipt_open ON public.deletion_receipt USING btree (requested_at) WHERE (finished_at IS NULL);

CREATE INDEX deletion_receipt_subject ON public.deletion_receipt USING btree (tenant_id, scope, subject);

CREATE INDEX document_acl ON public.document USING btree (tenant_id, acl_id);

CREATE INDEX document_date ON public.document USING btree (tenant_id, corpus_id, dated_at);

CREATE INDEX document_field_document ON public.document_field USING btree (tenant_id, document_id);

CREATE INDEX document_language ON public.document USING btree (tenant_id, corpus_id, language, acl_id);

CREATE INDEX document_media_type ON public.document USING btree (tenant_id, corpus_id, media_type, acl_id);

CREATE INDEX document_name ON public.document USING btree (tenant_id, corpus_id, name COLLATE "C");

CREATE INDEX document_owner ON public.document USING btree (tenant_id, owner);

CREATE INDEX document_parent ON public.document USING btree (tenant_id, parent_id) WHERE (parent_id IS NOT NULL);

CREATE INDEX edge_line_revision ON public.edge_line USING btree (tenant_id, revision_id);

CREATE INDEX embedding_acl ON ONLY public.embedding USING btree (tenant_id, corpus_id, space_id, acl_id);

CREATE INDEX embedding_passage ON ONLY public.embedding USING btree (tenant_id, passage_id);

CREATE INDEX embedding_shared_acl ON public.embedding_shared USING btree (tenant_id, corpus_id, space_id, acl_id);

CREATE INDEX embedding_shared_passage ON public.embedding_shared USING btree (tenant_id, passage_id);

CREATE INDEX experiment_corpus ON public.experiment USING btree (tenant_id, corpus_id);

CREATE INDEX golden_probe_corpus ON public.golden_probe USING btree (tenant_id, corpus_id, language);

CREATE INDEX golden_probe_document ON public.golden_probe USING btree (tenant_id, document_id);

CREATE INDEX golden_probe_revision ON public.golden_probe USING btree (tenant_id, revision_id);

CREATE INDEX job_claimed ON public.job USING btree (tenant_id, claimed_at) WHERE (claimed_at IS NOT NULL);

CREATE INDEX job_document ON public.job USING btree (tenant_id, document_id);

CREATE INDEX job_failed ON public.job USING btree (tenant_id, id) WHERE (state = 'failed'::text);

CREATE INDEX job_queued ON public.job USING btree (tenant_id, priority, is_scan, run_at, id) WHERE (state = 'queued'::text);

CREATE INDEX job_revision ON public.job USING btree (tenant_id, revision_id);

CREATE INDEX job_running ON public.job USING btree (tenant_id, leased_until) WHERE (state = 'running'::text);

CREATE INDEX job_to_announce ON public.job USING btree (run_at) WHERE ((state = 'queued'::text) AND (announced_at IS NULL));

CREATE INDEX kept_question_claimed ON public.kept_question USING btree (tenant_id, claimed_at) WHERE (claimed_at IS NOT NULL);

CREATE INDEX kept_question_claimed_of_person ON public.kept_question USING btree (tenant_id, user_id, claimed_at) WHERE (claimed_at IS NOT NULL);

CREATE INDEX kept_question_finished ON public.kept_question USING btree (tenant_id, user_id, finished_at) WHERE (finished_at IS NOT NULL);

CREATE INDEX kept_question_leased ON public.kept_question USING btree (leased_until) WHERE (state = 'running'::text);

CREATE INDEX kept_question_queued ON public.kept_question USING btree (tenant_id, user_id, run_at, id) WHERE (state = 'queued'::text);

CREATE INDEX legal_hold_corpus ON public.legal_hold USING btree (tenant_id, corpus_id);

CREATE INDEX legal_hold_document ON public.legal_hold USING btree (tenant_id, document_id);

CREATE INDEX legal_hold_person ON public.legal_hold USING btree (tenant_id, user_id);

CREATE INDEX merged_revision_document ON public.merged_revision USING btree (tenant_id, document_id);

CREATE INDEX passage_document ON public.passage USING btree (tenant_id, document_id);

CREATE UNIQUE INDEX passage_revision ON public.passage USING btree (tenant_id, revision_id, ordinal);

CREATE INDEX passage_score_digest ON public.passage_score USING btree (tenant_id, digest);

CREATE INDEX posting_gone_corpus ON public.posting_gone USING btree (tenant_id, corpus_id);

CREATE INDEX posting_gone_document ON public.posting_gone USING btree (tenant_id, document_id);

CREATE INDEX posting_gone_revision ON public.posting_gone USING btree (tenant_id, revision_id);

CREATE INDEX posting_revision ON public.posting USING btree (tenant_id, revision_id);

CREATE INDEX removal_document ON public.removal USING btree (tenant_id, document_id);

CREATE INDEX review_document ON public.review USING btree (tenant_id, document_id, content_hash);

CREATE UNIQUE INDEX revision_content ON public.revision USING btree (tenant_id, corpus_id, acl_id, content_hash) WHERE ((state <> 'failed'::text) AND (NOT is_attached));

CREATE INDEX revision_document ON public.revision USING btree (tenant_id, document_id);

CREATE INDEX signature_band_revision ON public.signature_band USING btree (tenant_id, revision_id);

CREATE INDEX spending_of_day ON public.spending USING btree (day);

CREATE INDEX trace_hit_document ON public.trace_hit USING btree (tenant_id, document_id);

CREATE INDEX trace_mine ON public.trace USING btree (tenant_id, pseudonym, started_at DESC);

CREATE INDEX verdict_document ON public.verdict USING btree (tenant_id, document_id);

CREATE INDEX webhook_claimed ON public.webhook USING btree (origin, claimed_at) WHERE (claimed_at IS NOT NULL);

CREATE INDEX webhook_claimed_of_tenant ON public.webhook USING btree (origin, tenant_id, claimed_at) WHERE (claimed_at IS NOT NULL);

CREATE INDEX webhook_due ON public.webhook USING btree (origin, tenant_id, run_at) WHERE (state = 'waiting'::text);

CREATE INDEX webhook_sent ON public.webhook USING btree (origin, run_at) WHERE (lease IS NOT NULL);

CREATE INDEX withdrawn_document_corpus ON public.withdrawn_document USING btree (tenant_id, corpus_id);

CREATE INDEX withdrawn_document_deletion ON public.withdrawn_document USING btree (tenant_id, deletion_id);

ALTER INDEX public.embedding_acl ATTACH PARTITION public.embedding_shared_acl;

ALTER INDEX public.embedding_passage ATTACH PARTITION public.embedding_shared_passage;

CREATE TRIGGER count_spending AFTER INSERT ON public.trace REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.count_spending();

CREATE TRIGGER forget_answers AFTER DELETE ON public.document REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.forget_answers();

CREATE TRIGGER forget_kept_answers AFTER DELETE ON public.document REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.forget_kept_answers();

CREATE TRIGGER guard BEFORE DELETE ON public.corpus FOR EACH ROW EXECUTE FUNCTION public.guard_corpus();

CREATE TRIGGER guard BEFORE DELETE OR UPDATE ON public.document FOR EACH ROW EXECUTE FUNCTION public.guard_document();

CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON public.legal_hold FOR EACH ROW EXECUTE FUNCTION public.guard_hold();

CREATE TRIGGER guard BEFORE UPDATE OF tenant_id, document_id, revision_id, start_at, end_at, text ON public.passage FOR EACH ROW EXECUTE FUNCTION public.guard_passage();

CREATE TRIGGER guard BEFORE DELETE ON public.principal FOR EACH ROW EXECUTE FUNCTION public.guard_principal();

CREATE TRIGGER guard BEFORE INSERT OR DELETE OR UPDATE OF tenant_id, id, document_id, content_hash, content, text ON public.revision FOR EACH ROW EXECUTE FUNCTION public.guard_revision();

CREATE TRIGGER guard BEFORE DELETE ON public.tenant FOR EACH ROW EXECUTE FUNCTION public.guard_tenant();

CREATE TRIGGER guard_delete AFTER DELETE ON public.passage REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.guard_passages();

CREATE TRIGGER keep_fields AFTER INSERT OR UPDATE OF corpus_id, acl_id, title, authors, metadata ON public.document FOR EACH ROW EXECUTE FUNCTION public.keep_fields();

CREATE TRIGGER mark AFTER DELETE ON public.merged_revision REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.mark_gone();

CREATE CONSTRAINT TRIGGER mark_new AFTER INSERT OR UPDATE ON public.acl_grant DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (new.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (new.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_new AFTER INSERT OR UPDATE ON public.corpus DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (new.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (new.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_new AFTER INSERT OR UPDATE ON public.corpus_route DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (new.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (new.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_new AFTER INSERT OR UPDATE ON public.corpus_space DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (new.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (new.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_new AFTER INSERT OR UPDATE ON public.document DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (new.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (new.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_new AFTER INSERT OR UPDATE ON public.embedding_place DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (new.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (new.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_new AFTER INSERT OR UPDATE ON public.passage_count DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (new.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (new.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_new AFTER INSERT OR UPDATE ON public.withdrawn_document DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (new.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (new.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_old AFTER DELETE ON public.acl_grant DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (old.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (old.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_old AFTER DELETE ON public.corpus DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (old.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (old.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_old AFTER DELETE ON public.corpus_route DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (old.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (old.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_old AFTER DELETE ON public.corpus_space DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (old.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (old.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_old AFTER DELETE ON public.document DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (old.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (old.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_old AFTER DELETE ON public.embedding_place DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (old.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (old.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_old AFTER DELETE ON public.passage_count DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (old.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (old.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE CONSTRAINT TRIGGER mark_old AFTER DELETE ON public.withdrawn_document DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        CASE
            WHEN (current_setting('roadworthy.marked'::text, true) = (old.tenant_id)::text) THEN false
            ELSE (set_config('roadworthy.marked'::text, (old.tenant_id)::text, true) IS NOT NULL)
        END) EXECUTE FUNCTION public.mark_contents();

CREATE TRIGGER note_resharing BEFORE UPDATE OF acl_id ON public.document FOR EACH ROW WHEN ((new.acl_id <> old.acl_id)) EXECUTE FUNCTION public.note_resharing();

CREATE TRIGGER settle BEFORE INSERT ON public.review FOR EACH ROW EXECUTE FUNCTION public.settle_review();

ALTER TABLE ONLY public.acl_grant
    ADD CONSTRAINT acl_grant_tenant_id_acl_id_fkey FOREIGN KEY (tenant_id, acl_id) REFERENCES public.acl(tenant_id, id);

ALTER TABLE ONLY public.acl
    ADD CONSTRAINT acl_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.principal(tenant_id, user_id);

ALTER TABLE ONLY public.approval
    ADD CONSTRAINT approval_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.cached_answer
    ADD CONSTRAINT cached_answer_space_id_fkey FOREIGN KEY (space_id) REFERENCES public.embedding_space(id);

ALTER TABLE ONLY public.cached_answer
    ADD CONSTRAINT cached_answer_tenant_id_trace_id_fkey FOREIGN KEY (tenant_id, trace_id) REFERENCES public.trace_answer(tenant_id, trace_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.corpus_route
    ADD CONSTRAINT corpus_route_space_id_fkey FOREIGN KEY (space_id) REFERENCES public.embedding_space(id);

ALTER TABLE ONLY public.corpus_route
    ADD CONSTRAINT corpus_route_tenant_id_corpus_id_fkey FOREIGN KEY (tenant_id, corpus_id) REFERENCES public.corpus(tenant_id, id);

ALTER TABLE ONLY public.corpus
    ADD CONSTRAINT corpus_space_id_fkey FOREIGN KEY (space_id) REFERENCES public.embedding_space(id);

ALTER TABLE ONLY public.corpus_space
    ADD CONSTRAINT corpus_space_space_id_fkey FOREIGN KEY (space_id) REFERENCES public.embedding_space(id);

ALTER TABLE ONLY public.corpus_space
    ADD CONSTRAINT corpus_space_tenant_id_corpus_id_fkey FOREIGN KEY (tenant_id, corpus_id) REFERENCES public.corpus(tenant_id, id);

ALTER TABLE ONLY public.corpus
    ADD CONSTRAINT corpus_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.document_field
    ADD CONSTRAINT document_field_tenant_id_document_id_fkey FOREIGN KEY (tenant_id, document_id) REFERENCES public.document(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.document
    ADD CONSTRAINT document_tenant_id_acl_id_fkey FOREIGN KEY (tenant_id, acl_id) REFERENCES public.acl(tenant_id, id);

ALTER TABLE ONLY public.document
    ADD CONSTRAINT document_tenant_id_corpus_id_fkey FOREIGN KEY (tenant_id, corpus_id) REFERENCES public.corpus(tenant_id, id);

ALTER TABLE ONLY public.document
    ADD CONSTRAINT document_tenant_id_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES public.document(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.edge_line
    ADD CONSTRAINT edge_line_tenant_id_revision_id_fkey FOREIGN KEY (tenant_id, revision_id) REFERENCES public.revision(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.embedding_place
    ADD CONSTRAINT embedding_place_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE public.embedding
    ADD CONSTRAINT embedding_space_id_fkey FOREIGN KEY (space_id) REFERENCES public.embedding_space(id);

ALTER TABLE public.embedding
    ADD CONSTRAINT embedding_tenant_id_passage_id_fkey FOREIGN KEY (tenant_id, passage_id) REFERENCES public.passage(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.experiment
    ADD CONSTRAINT experiment_tenant_id_corpus_id_fkey FOREIGN KEY (tenant_id, corpus_id) REFERENCES public.corpus(tenant_id, id);

ALTER TABLE ONLY public.golden_probe
    ADD CONSTRAINT golden_probe_tenant_id_corpus_id_fkey FOREIGN KEY (tenant_id, corpus_id) REFERENCES public.corpus(tenant_id, id);

ALTER TABLE ONLY public.golden_probe
    ADD CONSTRAINT golden_probe_tenant_id_document_id_fkey FOREIGN KEY (tenant_id, document_id) REFERENCES public.document(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.golden_probe
    ADD CONSTRAINT golden_probe_tenant_id_revision_id_fkey FOREIGN KEY (tenant_id, revision_id) REFERENCES public.revision(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_tenant_id_document_id_fkey FOREIGN KEY (tenant_id, document_id) REFERENCES public.document(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_tenant_id_revision_id_fkey FOREIGN KEY (tenant_id, revision_id) REFERENCES public.revision(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.kept_answer
    ADD CONSTRAINT kept_answer_tenant_id_question_id_fkey FOREIGN KEY (tenant_id, question_id) REFERENCES public.kept_question(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.kept_question
    ADD CONSTRAINT kept_question_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.principal(tenant_id, user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.legal_hold
    ADD CONSTRAINT legal_hold_tenant_id_corpus_id_fkey FOREIGN KEY (tenant_id, corpus_id) REFERENCES public.corpus(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.legal_hold
    ADD CONSTRAINT legal_hold_tenant_id_document_id_fkey FOREIGN KEY (tenant_id, document_id) REFERENCES public.document(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.legal_hold
    ADD CONSTRAINT legal_hold_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.principal(tenant_id, user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.live_release
    ADD CONSTRAINT live_release_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.live_release
    ADD CONSTRAINT live_release_tenant_id_name_fkey FOREIGN KEY (tenant_id, name) REFERENCES public.release(tenant_id, name);

ALTER TABLE ONLY public.merged_revision
    ADD CONSTRAINT merged_revision_tenant_id_revision_id_fkey FOREIGN KEY (tenant_id, revision_id) REFERENCES public.revision(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.passage_count
    ADD CONSTRAINT passage_count_tenant_id_acl_id_fkey FOREIGN KEY (tenant_id, acl_id) REFERENCES public.acl(tenant_id, id);

ALTER TABLE ONLY public.passage_count
    ADD CONSTRAINT passage_count_tenant_id_corpus_id_fkey FOREIGN KEY (tenant_id, corpus_id) REFERENCES public.corpus(tenant_id, id);

ALTER TABLE ONLY public.passage_score
    ADD CONSTRAINT passage_score_tenant_id_passage_id_fkey FOREIGN KEY (tenant_id, passage_id) REFERENCES public.passage(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.passage
    ADD CONSTRAINT passage_tenant_id_revision_id_fkey FOREIGN KEY (tenant_id, revision_id) REFERENCES public.revision(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.posting
    ADD CONSTRAINT posting_tenant_id_revision_id_fkey FOREIGN KEY (tenant_id, revision_id) REFERENCES public.revision(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.principal
    ADD CONSTRAINT principal_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.release
    ADD CONSTRAINT release_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.removal
    ADD CONSTRAINT removal_tenant_id_revision_id_fkey FOREIGN KEY (tenant_id, revision_id) REFERENCES public.revision(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.review
    ADD CONSTRAINT review_tenant_id_document_id_fkey FOREIGN KEY (tenant_id, document_id) REFERENCES public.document(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.revision
    ADD CONSTRAINT revision_tenant_id_document_id_fkey FOREIGN KEY (tenant_id, document_id) REFERENCES public.document(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.signature_band
    ADD CONSTRAINT signature_band_tenant_id_revision_id_fkey FOREIGN KEY (tenant_id, revision_id) REFERENCES public.signature(tenant_id, revision_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.signature
    ADD CONSTRAINT signature_tenant_id_revision_id_fkey FOREIGN KEY (tenant_id, revision_id) REFERENCES public.revision(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.spending
    ADD CONSTRAINT spending_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.trace_answer
    ADD CONSTRAINT trace_answer_tenant_id_trace_id_fkey FOREIGN KEY (tenant_id, trace_id) REFERENCES public.trace(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.trace_hit
    ADD CONSTRAINT trace_hit_tenant_id_trace_id_fkey FOREIGN KEY (tenant_id, trace_id) REFERENCES public.trace(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.trace
    ADD CONSTRAINT trace_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenant(id);

ALTER TABLE ONLY public.verdict
    ADD CONSTRAINT verdict_tenant_id_revision_id_fkey FOREIGN KEY (tenant_id, revision_id) REFERENCES public.revision(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhook
    ADD CONSTRAINT webhook_tenant_id_question_id_fkey FOREIGN KEY (tenant_id, question_id) REFERENCES public.kept_question(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.withdrawn_document
    ADD CONSTRAINT withdrawn_document_tenant_id_deletion_id_fkey FOREIGN KEY (tenant_id, deletion_id) REFERENCES public.deletion_receipt(tenant_id, id);

ALTER TABLE ONLY public.withdrawn_document
    ADD CONSTRAINT withdrawn_document_tenant_id_document_id_fkey FOREIGN KEY (tenant_id, document_id) REFERENCES public.document(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE public.acl ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.acl_grant ENABLE ROW LEVEL SECURITY;

CREATE POLICY admitted ON public.cached_answer FOR SELECT TO roadworthy_app USING ((( SELECT count(*) AS count
   FROM public.passage
  WHERE ((passage.tenant_id = cached_answer.tenant_id) AND (passage.id = ANY (cached_answer.made_from)))) = cardinality(made_from)));

CREATE POLICY admitted ON public.document TO roadworthy_app USING ((acl_id = ANY (( SELECT public.visible_acls() AS visible_acls)::integer[])));

CREATE POLICY admitted ON public.document_field TO roadworthy_app USING ((acl_id = ANY (( SELECT public.visible_acls() AS visible_acls)::integer[])));

CREATE POLICY admitted ON public.embedding TO roadworthy_app USING ((acl_id = ANY (( SELECT public.visible_acls() AS visible_acls)::integer[])));

CREATE POLICY admitted ON public.merged_revision TO roadworthy_app USING ((acl_id = ANY (( SELECT public.visible_acls() AS visible_acls)::integer[])));

CREATE POLICY admitted ON public.passage TO roadworthy_app USING ((acl_id = ANY (( SELECT public.visible_acls() AS visible_acls)::integer[])));

CREATE POLICY admitted ON public.passage_count TO roadworthy_app USING ((acl_id = ANY (( SELECT public.visible_acls() AS visible_acls)::integer[])));

CREATE POLICY admitted ON public.posting TO roadworthy_app USING ((acl_id = ANY (( SELECT public.visible_acls() AS visible_acls)::integer[])));

CREATE POLICY admitted ON public.posting_segment TO roadworthy_app USING ((acl_id = ANY (( SELECT public.visible_acls() AS visible_acls)::integer[])));

CREATE POLICY admitted ON public.revision TO roadworthy_app USING ((acl_id = ANY (( SELECT public.visible_acls() AS visible_acls)::integer[])));

ALTER TABLE public.api_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.approval ENABLE ROW LEVEL SECURITY;

CREATE POLICY approver ON public.approval FOR SELECT TO roadworthy_app USING (( SELECT public.may_approve() AS may_approve));

CREATE POLICY as_the_document ON public.job TO roadworthy_app USING ((EXISTS ( SELECT
   FROM public.document
  WHERE ((document.tenant_id = job.tenant_id) AND (document.id = job.document_id)))));

CREATE POLICY as_the_document ON public.removal FOR SELECT TO roadworthy_app USING ((EXISTS ( SELECT
   FROM public.document
  WHERE ((document.tenant_id = removal.tenant_id) AND (document.id = removal.document_id)))));

CREATE POLICY as_the_document ON public.review FOR SELECT TO roadworthy_app USING ((EXISTS ( SELECT
   FROM public.document
  WHERE ((document.tenant_id = review.tenant_id) AND (document.id = review.document_id)))));

CREATE POLICY as_the_document ON public.verdict FOR SELECT TO roadworthy_app USING ((((acl_id IS NULL) OR (acl_id = ANY (( SELECT public.visible_acls() AS visible_acls)::integer[]))) AND (EXISTS ( SELECT
   FROM public.document
  WHERE ((document.tenant_id = verdict.tenant_id) AND (document.id = verdict.document_id))))));

CREATE POLICY as_the_passage ON public.passage_score FOR SELECT TO roadworthy_app USING ((EXISTS ( SELECT
   FROM public.passage
  WHERE ((passage.tenant_id = passage_score.tenant_id) AND (passage.id = passage_score.passage_id)))));

ALTER TABLE public.budget ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.cached_answer ENABLE ROW LEVEL SECURITY;

CREATE POLICY colleague ON public.acl TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY colleague ON public.acl_grant TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY colleague ON public.corpus TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY colleague ON public.corpus_route TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY colleague ON public.corpus_space TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY colleague ON public.embedding_place TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY colleague ON public.live_release TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY colleague ON public.principal TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY colleague ON public.release TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY colleague ON public.withdrawn_document FOR SELECT TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

ALTER TABLE public.corpus ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.corpus_route ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.corpus_space ENABLE ROW LEVEL SECURITY;

CREATE POLICY costs ON public.spending FOR SELECT TO roadworthy_app USING (( SELECT public.may_see_costs() AS may_see_costs));

CREATE POLICY count_copy ON public.verdict TO roadworthy_app USING (((check_name = 'exact_duplicates'::text) AND (EXISTS ( SELECT
   FROM public.document
  WHERE ((document.tenant_id = verdict.tenant_id) AND (document.id = verdict.document_id))))));

CREATE POLICY decide ON public.review FOR INSERT TO roadworthy_app WITH CHECK (((decided_by = ( SELECT public.current_user_id() AS current_user_id)) AND (EXISTS ( SELECT
   FROM (public.document
     JOIN public.corpus ON (((corpus.tenant_id = document.tenant_id) AND (corpus.id = document.corpus_id))))
  WHERE ((document.tenant_id = review.tenant_id) AND (document.id = review.document_id) AND ((document.owner = ( SELECT public.current_user_id() AS current_user_id)) OR (EXISTS ( SELECT
           FROM jsonb_array_elements_text((corpus.policy -> 'reviewers'::text)) reviewer(value)
          WHERE (('group:'::text || reviewer.value) = ANY ((current_setting('roadworthy.subjects'::text, true))::text[]))))))))));

CREATE POLICY definer ON public.api_key FOR SELECT TO roadworthy_owner USING (true);

CREATE POLICY definer ON public.approval TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.budget FOR SELECT TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.cached_answer TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.deletion_receipt TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.document FOR SELECT TO roadworthy_owner USING (true);

CREATE POLICY definer ON public.document_field TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.experiment TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.job FOR SELECT TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.kept_answer TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.kept_question FOR SELECT TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.legal_hold FOR SELECT TO roadworthy_owner USING (true);

CREATE POLICY definer ON public.passage FOR SELECT TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.passage_score TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.posting_gone FOR INSERT TO roadworthy_owner WITH CHECK (true);

CREATE POLICY definer ON public.principal FOR SELECT TO roadworthy_owner USING (true);

CREATE POLICY definer ON public.review FOR SELECT TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.revision FOR SELECT TO roadworthy_owner USING (true);

CREATE POLICY definer ON public.spending TO roadworthy_owner USING (true);

CREATE POLICY definer ON public.tenant FOR SELECT TO roadworthy_owner USING (true);

CREATE POLICY definer ON public.trace TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.trace_answer TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.trace_hit FOR SELECT TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.verdict FOR SELECT TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer ON public.withdrawn_document FOR SELECT TO roadworthy_owner USING (true);

CREATE POLICY definer_insert ON public.verdict FOR INSERT TO roadworthy_owner WITH CHECK ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer_lock ON public.document FOR UPDATE TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer_lock ON public.principal FOR UPDATE TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer_look ON public.acl_grant FOR SELECT TO roadworthy_owner USING (true);

CREATE POLICY definer_look ON public.merged_revision FOR SELECT TO roadworthy_owner USING (true);

CREATE POLICY definer_look ON public.posting FOR SELECT TO roadworthy_owner USING (true);

CREATE POLICY definer_look ON public.posting_gone FOR SELECT TO roadworthy_owner USING (true);

CREATE POLICY definer_update ON public.legal_hold FOR UPDATE TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer_update ON public.review FOR UPDATE TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer_update ON public.revision FOR UPDATE TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY definer_update ON public.tenant FOR UPDATE TO roadworthy_owner USING (true);

CREATE POLICY definer_update ON public.verdict FOR UPDATE TO roadworthy_owner USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

ALTER TABLE public.deletion_receipt ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.document ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.document_field ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.edge_line ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.embedding ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.embedding_place ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.embedding_shared ENABLE ROW LEVEL SECURITY;

CREATE POLICY every ON public.withdrawn_document FOR SELECT TO roadworthy_worker USING (true);

ALTER TABLE public.experiment ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.golden_probe ENABLE ROW LEVEL SECURITY;

CREATE POLICY grants ON public.approval FOR UPDATE TO roadworthy_app USING ((( SELECT public.may_approve() AS may_approve) AND (asked_by <> ( SELECT public.current_user_id() AS current_user_id)) AND (granted_by IS NULL))) WITH CHECK ((granted_by = ( SELECT public.current_user_id() AS current_user_id)));

CREATE POLICY holder ON public.legal_hold TO roadworthy_app USING (( SELECT public.may_hold() AS may_hold));

ALTER TABLE public.job ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.kept_answer ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.kept_question ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.legal_hold ENABLE ROW LEVEL SECURITY;

CREATE POLICY lifted ON public.legal_hold AS RESTRICTIVE FOR DELETE TO roadworthy_worker USING ((lifted_at IS NOT NULL));

ALTER TABLE public.live_release ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.merged_revision ENABLE ROW LEVEL SECURITY;

CREATE POLICY mine ON public.kept_answer FOR SELECT TO roadworthy_app USING (((question_id IN ( SELECT kept_question.id
   FROM public.kept_question)) AND (( SELECT count(*) AS count
   FROM public.passage
  WHERE ((passage.tenant_id = kept_answer.tenant_id) AND (passage.id = ANY (kept_answer.passages)))) = cardinality(passages))));

CREATE POLICY mine ON public.kept_question TO roadworthy_app USING ((user_id = ( SELECT public.current_user_id() AS current_user_id)));

CREATE POLICY mine ON public.trace FOR SELECT TO roadworthy_app USING ((pseudonym = NULLIF(current_setting('roadworthy.pseudonym'::text, true), ''::text)));

CREATE POLICY mine ON public.trace_answer FOR SELECT TO roadworthy_app USING (((trace_id IN ( SELECT trace.id
   FROM public.trace)) AND (( SELECT count(*) AS count
   FROM public.passage
  WHERE ((passage.tenant_id = trace_answer.tenant_id) AND (passage.id = ANY (public.found_passages(trace_answer.trace_id))))) = cardinality(public.found_passages(trace_id)))));

CREATE POLICY mine ON public.trace_hit FOR SELECT TO roadworthy_app USING (((trace_id IN ( SELECT trace.id
   FROM public.trace)) AND (EXISTS ( SELECT
   FROM public.passage
  WHERE ((passage.tenant_id = trace_hit.tenant_id) AND (passage.id = trace_hit.passage_id))))));

CREATE POLICY mine ON public.webhook TO roadworthy_app USING ((question_id IN ( SELECT kept_question.id
   FROM public.kept_question)));

CREATE POLICY not_withdrawn ON public.document AS RESTRICTIVE TO roadworthy_app USING ((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = document.tenant_id) AND (withdrawn.document_id = document.id))))));

CREATE POLICY not_withdrawn ON public.document_field AS RESTRICTIVE TO roadworthy_app USING ((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = document_field.tenant_id) AND (withdrawn.document_id = document_field.document_id))))));

CREATE POLICY not_withdrawn ON public.embedding AS RESTRICTIVE TO roadworthy_app USING ((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = embedding.tenant_id) AND (withdrawn.document_id = embedding.document_id))))));

CREATE POLICY not_withdrawn ON public.merged_revision AS RESTRICTIVE TO roadworthy_app USING ((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = merged_revision.tenant_id) AND (withdrawn.document_id = merged_revision.document_id))))));

CREATE POLICY not_withdrawn ON public.passage AS RESTRICTIVE TO roadworthy_app USING ((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = passage.tenant_id) AND (withdrawn.document_id = passage.document_id))))));

CREATE POLICY not_withdrawn ON public.posting AS RESTRICTIVE TO roadworthy_app USING ((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = posting.tenant_id) AND (withdrawn.document_id = posting.document_id))))));

CREATE POLICY not_withdrawn ON public.revision AS RESTRICTIVE TO roadworthy_app USING ((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = revision.tenant_id) AND (withdrawn.document_id = revision.document_id))))));

CREATE POLICY not_withdrawn_worker ON public.document AS RESTRICTIVE TO roadworthy_worker USING (((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = document.tenant_id) AND (withdrawn.document_id = document.id))))) OR (( SELECT current_setting('roadworthy.deleting'::text, true) AS current_setting) = 'on'::text)));

CREATE POLICY not_withdrawn_worker ON public.document_field AS RESTRICTIVE TO roadworthy_worker USING (((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = document_field.tenant_id) AND (withdrawn.document_id = document_field.document_id))))) OR (( SELECT current_setting('roadworthy.deleting'::text, true) AS current_setting) = 'on'::text)));

CREATE POLICY not_withdrawn_worker ON public.embedding AS RESTRICTIVE TO roadworthy_worker USING (((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = embedding.tenant_id) AND (withdrawn.document_id = embedding.document_id))))) OR (( SELECT current_setting('roadworthy.deleting'::text, true) AS current_setting) = 'on'::text)));

CREATE POLICY not_withdrawn_worker ON public.job AS RESTRICTIVE TO roadworthy_worker USING (((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = job.tenant_id) AND (withdrawn.document_id = job.document_id))))) OR (( SELECT current_setting('roadworthy.deleting'::text, true) AS current_setting) = 'on'::text)));

CREATE POLICY not_withdrawn_worker ON public.merged_revision AS RESTRICTIVE TO roadworthy_worker USING (((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = merged_revision.tenant_id) AND (withdrawn.document_id = merged_revision.document_id))))) OR (( SELECT current_setting('roadworthy.deleting'::text, true) AS current_setting) = 'on'::text)));

CREATE POLICY not_withdrawn_worker ON public.passage AS RESTRICTIVE TO roadworthy_worker USING (((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = passage.tenant_id) AND (withdrawn.document_id = passage.document_id))))) OR (( SELECT current_setting('roadworthy.deleting'::text, true) AS current_setting) = 'on'::text)));

CREATE POLICY not_withdrawn_worker ON public.posting AS RESTRICTIVE TO roadworthy_worker USING (((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = posting.tenant_id) AND (withdrawn.document_id = posting.document_id))))) OR (( SELECT current_setting('roadworthy.deleting'::text, true) AS current_setting) = 'on'::text)));

CREATE POLICY not_withdrawn_worker ON public.revision AS RESTRICTIVE TO roadworthy_worker USING (((NOT (EXISTS ( SELECT
   FROM public.withdrawn_document withdrawn
  WHERE ((withdrawn.tenant_id = revision.tenant_id) AND (withdrawn.document_id = revision.document_id))))) OR (( SELECT current_setting('roadworthy.deleting'::text, true) AS current_setting) = 'on'::text)));

CREATE POLICY one_tenant ON public.acl AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.acl_grant AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.api_key AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.approval AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.budget AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.cached_answer AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.corpus AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.corpus_route AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.corpus_space AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.deletion_receipt AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.document AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.document_field AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.edge_line AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.embedding AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.embedding_place AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.experiment AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.golden_probe AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.job AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.kept_answer AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.kept_question AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.legal_hold AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.live_release AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.merged_revision AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.passage AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.passage_count AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.passage_score AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.posting AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.posting_gone AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.posting_segment AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.principal AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.release AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.removal AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.review AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.revision AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.signature AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.signature_band AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.spending AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.trace AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.trace_answer AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.trace_hit AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.verdict AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.webhook AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY one_tenant ON public.withdrawn_document AS RESTRICTIVE TO roadworthy_app USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY operator ON public.tenant TO roadworthy_worker USING (true);

CREATE POLICY own ON public.deletion_receipt FOR SELECT TO roadworthy_app USING ((requested_by = ( SELECT public.current_user_id() AS current_user_id)));

CREATE POLICY own ON public.tenant TO roadworthy_app USING ((id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY owner_delete ON public.document AS RESTRICTIVE FOR DELETE TO roadworthy_app USING ((owner = ( SELECT public.current_user_id() AS current_user_id)));

CREATE POLICY owner_delete ON public.embedding AS RESTRICTIVE FOR DELETE TO roadworthy_app USING ((document_id IN ( SELECT document.id
   FROM public.document
  WHERE (document.owner = public.current_user_id()))));

CREATE POLICY owner_delete ON public.job AS RESTRICTIVE FOR DELETE TO roadworthy_app USING ((document_id IN ( SELECT document.id
   FROM public.document
  WHERE (document.owner = public.current_user_id()))));

CREATE POLICY owner_delete ON public.merged_revision AS RESTRICTIVE FOR DELETE TO roadworthy_app USING ((document_id IN ( SELECT document.id
   FROM public.document
  WHERE (document.owner = public.current_user_id()))));

CREATE POLICY owner_delete ON public.passage AS RESTRICTIVE FOR DELETE TO roadworthy_app USING ((document_id IN ( SELECT document.id
   FROM public.document
  WHERE (document.owner = public.current_user_id()))));

CREATE POLICY owner_delete ON public.posting AS RESTRICTIVE FOR DELETE TO roadworthy_app USING ((document_id IN ( SELECT document.id
   FROM public.document
  WHERE (document.owner = public.current_user_id()))));

CREATE POLICY owner_delete ON public.revision AS RESTRICTIVE FOR DELETE TO roadworthy_app USING ((document_id IN ( SELECT document.id
   FROM public.document
  WHERE (document.owner = public.current_user_id()))));

CREATE POLICY owner_insert ON public.document AS RESTRICTIVE FOR INSERT TO roadworthy_app WITH CHECK ((owner = ( SELECT public.current_user_id() AS current_user_id)));

CREATE POLICY owner_insert ON public.posting AS RESTRICTIVE FOR INSERT TO roadworthy_app WITH CHECK ((EXISTS ( SELECT
   FROM public.document
  WHERE ((document.tenant_id = posting.tenant_id) AND (document.id = posting.document_id) AND (document.corpus_id = posting.corpus_id) AND (document.acl_id = posting.acl_id) AND (document.owner = ( SELECT public.current_user_id() AS current_user_id))))));

CREATE POLICY owner_insert ON public.revision AS RESTRICTIVE FOR INSERT TO roadworthy_app WITH CHECK ((document_id IN ( SELECT document.id
   FROM public.document
  WHERE (document.owner = public.current_user_id()))));

CREATE POLICY owner_update ON public.document AS RESTRICTIVE FOR UPDATE TO roadworthy_app USING ((owner = ( SELECT public.current_user_id() AS current_user_id)));

CREATE POLICY owner_update ON public.embedding AS RESTRICTIVE FOR UPDATE TO roadworthy_app USING ((document_id IN ( SELECT document.id
   FROM public.document
  WHERE (document.owner = public.current_user_id()))));

CREATE POLICY owner_update ON public.job AS RESTRICTIVE FOR UPDATE TO roadworthy_app USING ((document_id IN ( SELECT document.id
   FROM public.document
  WHERE (document.owner = public.current_user_id()))));

CREATE POLICY owner_update ON public.merged_revision AS RESTRICTIVE FOR UPDATE TO roadworthy_app USING ((document_id IN ( SELECT document.id
   FROM public.document
  WHERE (document.owner = public.current_user_id()))));

CREATE POLICY owner_update ON public.passage AS RESTRICTIVE FOR UPDATE TO roadworthy_app USING ((document_id IN ( SELECT document.id
   FROM public.document
  WHERE (document.owner = public.current_user_id()))));

CREATE POLICY owner_update ON public.posting AS RESTRICTIVE FOR UPDATE TO roadworthy_app USING ((document_id IN ( SELECT document.id
   FROM public.document
  WHERE (document.owner = public.current_user_id()))));

CREATE POLICY owner_update ON public.revision AS RESTRICTIVE FOR UPDATE TO roadworthy_app USING ((document_id IN ( SELECT document.id
   FROM public.document
  WHERE (document.owner = public.current_user_id()))));

ALTER TABLE public.passage ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.passage_count ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.passage_score ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.posting ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.posting_gone ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.posting_segment ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.principal ENABLE ROW LEVEL SECURITY;

CREATE POLICY record ON public.cached_answer FOR INSERT TO roadworthy_app WITH CHECK (true);

CREATE POLICY record ON public.trace FOR INSERT TO roadworthy_app WITH CHECK (true);

CREATE POLICY record ON public.trace_answer FOR INSERT TO roadworthy_app WITH CHECK (true);

CREATE POLICY record ON public.trace_hit FOR INSERT TO roadworthy_app WITH CHECK (true);

ALTER TABLE public.release ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.removal ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.review ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.revision ENABLE ROW LEVEL SECURITY;

CREATE POLICY seen ON public.legal_hold AS RESTRICTIVE FOR INSERT TO roadworthy_app WITH CHECK (((document_id IS NULL) OR (document_id IN ( SELECT document.id
   FROM public.document))));

ALTER TABLE public.signature ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.signature_band ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.spending ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tenant ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.trace ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.trace_answer ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.trace_hit ENABLE ROW LEVEL SECURITY;

CREATE POLICY unfinished ON public.deletion_receipt AS RESTRICTIVE FOR UPDATE TO roadworthy_worker USING ((finished_at IS NULL)) WITH CHECK (true);

CREATE POLICY used ON public.approval AS RESTRICTIVE FOR UPDATE TO roadworthy_worker USING ((used_at IS NULL)) WITH CHECK ((used_at IS NOT NULL));

ALTER TABLE public.verdict ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.withdrawn_document ENABLE ROW LEVEL SECURITY;

CREATE POLICY worker ON public.acl TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.acl_grant TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.api_key TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.approval TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.budget TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.cached_answer TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.corpus TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.corpus_route TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.corpus_space TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.deletion_receipt TO roadworthy_worker USING (true);

CREATE POLICY worker ON public.document TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.document_field TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.edge_line TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.embedding TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.embedding_place TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.experiment TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.golden_probe TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.job TO roadworthy_worker USING (true);

CREATE POLICY worker ON public.kept_answer TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.kept_question TO roadworthy_worker USING (true);

CREATE POLICY worker ON public.legal_hold TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.live_release TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.merged_revision TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.passage TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.passage_count TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.passage_score TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.posting TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.posting_gone TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.posting_segment TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.principal TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.release TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.removal TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.review TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.revision TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.signature TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.signature_band TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.spending TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.trace TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.trace_answer TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.trace_hit TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.verdict TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

CREATE POLICY worker ON public.webhook TO roadworthy_worker USING (true);

CREATE POLICY worker ON public.withdrawn_document TO roadworthy_worker USING ((tenant_id = ( SELECT public.current_tenant() AS current_tenant)));

GRANT USAGE ON SCHEMA public TO roadworthy_app;
GRANT USAGE ON SCHEMA public TO roadworthy_worker;

GRANT SELECT,INSERT ON TABLE public.cached_answer TO roadworthy_app;

REVOKE ALL ON FUNCTION public.alike_answers(of_release text, of_space integer, spoken text, among text[], near public.halfvec, nearness double precision, given integer[], best integer[], since timestamp with time zone, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.alike_answers(of_release text, of_space integer, spoken text, among text[], near public.halfvec, nearness double precision, given integer[], best integer[], since timestamp with time zone, most integer) TO roadworthy_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.budget TO roadworthy_worker;

GRANT SELECT ON TABLE public.spending TO roadworthy_app;
GRANT SELECT,DELETE ON TABLE public.spending TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.budgets_of(of_release text, of_key text, today date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.budgets_of(of_release text, of_key text, today date) TO roadworthy_app;

GRANT SELECT ON TABLE public.schema_migration TO roadworthy_app;
GRANT SELECT ON TABLE public.schema_migration TO roadworthy_worker;

GRANT SELECT ON TABLE public.tenant TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tenant TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.contents_of(tenant integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.contents_of(tenant integer) TO roadworthy_app;

GRANT SELECT,INSERT ON TABLE public.trace_hit TO roadworthy_app;

REVOKE ALL ON FUNCTION public.traces_from(documents uuid[]) FROM PUBLIC;

GRANT SELECT,INSERT ON TABLE public.trace_answer TO roadworthy_app;

REVOKE ALL ON FUNCTION public.count_answers(documents uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_answers(documents uuid[]) TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.count_cached_answers(documents uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_cached_answers(documents uuid[]) TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.count_spending() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.drop_traces(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.drop_traces(most integer) TO roadworthy_worker;

GRANT SELECT,INSERT,DELETE ON TABLE public.document TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.document TO roadworthy_worker;

GRANT UPDATE(acl_id) ON TABLE public.document TO roadworthy_app;

GRANT UPDATE(title) ON TABLE public.document TO roadworthy_app;

GRANT UPDATE(media_type) ON TABLE public.document TO roadworthy_app;

GRANT UPDATE(metadata) ON TABLE public.document TO roadworthy_app;

GRANT UPDATE(state) ON TABLE public.document TO roadworthy_app;

GRANT UPDATE(problem) ON TABLE public.document TO roadworthy_app;

GRANT UPDATE(updated_at) ON TABLE public.document TO roadworthy_app;

GRANT UPDATE(source_path) ON TABLE public.document TO roadworthy_app;

GRANT UPDATE(language_told) ON TABLE public.document TO roadworthy_app;

REVOKE ALL ON FUNCTION public.flag_passages(dropped integer[], moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.flag_passages(dropped integer[], moment timestamp with time zone) TO roadworthy_app;

REVOKE ALL ON FUNCTION public.forget_name(who text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.forget_name(who text) TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.forget_traces_of(who text, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.forget_traces_of(who text, most integer) TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.forgotten_people(pseudonyms text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.forgotten_people(pseudonyms text[]) TO roadworthy_app;

REVOKE ALL ON FUNCTION public.found_passages(trace uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.found_passages(trace uuid) TO roadworthy_app;

GRANT SELECT,INSERT ON TABLE public.acl_grant TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.acl_grant TO roadworthy_worker;

GRANT SELECT,DELETE ON TABLE public.merged_revision TO roadworthy_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.merged_revision TO roadworthy_worker;

GRANT SELECT,DELETE ON TABLE public.posting_gone TO roadworthy_worker;

GRANT UPDATE(postings) ON TABLE public.posting_gone TO roadworthy_worker;

GRANT UPDATE(packed) ON TABLE public.posting_gone TO roadworthy_worker;

GRANT SELECT ON TABLE public.withdrawn_document TO roadworthy_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.withdrawn_document TO roadworthy_worker;

GRANT UPDATE(deletion_id) ON TABLE public.withdrawn_document TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.gone_passages(of_corpus integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.gone_passages(of_corpus integer) TO roadworthy_app;

GRANT SELECT,INSERT ON TABLE public.kept_question TO roadworthy_app;
GRANT SELECT,DELETE,UPDATE ON TABLE public.kept_question TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.has_room_for_questions(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.has_room_for_questions(most integer) TO roadworthy_app;

REVOKE ALL ON FUNCTION public.hold_on(tenant integer, documents uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.hold_on(tenant integer, documents uuid[]) TO roadworthy_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_key TO roadworthy_worker;

GRANT SELECT ON TABLE public.principal TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.principal TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.holder_of_key(hash bytea, moment timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.holder_of_key(hash bytea, moment timestamp with time zone) TO roadworthy_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.job TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job TO roadworthy_worker;

GRANT UPDATE(state) ON TABLE public.job TO roadworthy_app;

GRANT UPDATE(attempts) ON TABLE public.job TO roadworthy_app;

GRANT UPDATE(run_at) ON TABLE public.job TO roadworthy_app;

GRANT UPDATE(stage) ON TABLE public.job TO roadworthy_app;

GRANT UPDATE(problem) ON TABLE public.job TO roadworthy_app;

GRANT UPDATE(finished_at) ON TABLE public.job TO roadworthy_app;

GRANT UPDATE(priority) ON TABLE public.job TO roadworthy_app;

GRANT UPDATE(waits) ON TABLE public.job TO roadworthy_app;

GRANT UPDATE(problem_kind) ON TABLE public.job TO roadworthy_app;

GRANT UPDATE(announced_at) ON TABLE public.job TO roadworthy_app;

REVOKE ALL ON FUNCTION public.is_queue_full(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.is_queue_full(most integer) TO roadworthy_app;
GRANT ALL ON FUNCTION public.is_queue_full(most integer) TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.keep_passage_scores(scores jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.keep_passage_scores(scores jsonb) TO roadworthy_app;
GRANT ALL ON FUNCTION public.keep_passage_scores(scores jsonb) TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.mark_contents() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.mark_gone() FROM PUBLIC;

GRANT SELECT,INSERT ON TABLE public.posting TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.posting TO roadworthy_worker;

GRANT UPDATE(acl_id) ON TABLE public.posting TO roadworthy_app;

REVOKE ALL ON FUNCTION public.oldest_postings() FROM PUBLIC;
GRANT ALL ON FUNCTION public.oldest_postings() TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.person_stays(who text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.person_stays(who text) TO roadworthy_app;

REVOKE ALL ON FUNCTION public.present_documents(documents uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.present_documents(documents uuid[]) TO roadworthy_app;

REVOKE ALL ON FUNCTION public.settle_review() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.spent_by_release(since date, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.spent_by_release(since date, most integer) TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.spent_since(since date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.spent_since(since date) TO roadworthy_worker;

REVOKE ALL ON FUNCTION public.trim_cached_answers(most integer, since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.trim_cached_answers(most integer, since timestamp with time zone) TO roadworthy_app;

GRANT SELECT,INSERT ON TABLE public.acl TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.acl TO roadworthy_worker;

GRANT SELECT ON TABLE public.approval TO roadworthy_app;
GRANT SELECT,DELETE ON TABLE public.approval TO roadworthy_worker;

GRANT INSERT(tenant_id) ON TABLE public.approval TO roadworthy_worker;

GRANT INSERT(id) ON TABLE public.approval TO roadworthy_worker;

GRANT INSERT(operation) ON TABLE public.approval TO roadworthy_worker;

GRANT INSERT(subject) ON TABLE public.approval TO roadworthy_worker;

GRANT INSERT(asked_by) ON TABLE public.approval TO roadworthy_worker;

GRANT INSERT(asked_at) ON TABLE public.approval TO roadworthy_worker;

GRANT UPDATE(granted_by) ON TABLE public.approval TO roadworthy_app;

GRANT UPDATE(granted_at) ON TABLE public.approval TO roadworthy_app;

GRANT UPDATE(used_at) ON TABLE public.approval TO roadworthy_worker;

GRANT SELECT ON TABLE public.corpus TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.corpus TO roadworthy_worker;

GRANT SELECT ON TABLE public.corpus_route TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.corpus_route TO roadworthy_worker;

GRANT SELECT ON TABLE public.corpus_space TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.corpus_space TO roadworthy_worker;

GRANT SELECT ON TABLE public.deletion_receipt TO roadworthy_app;
GRANT SELECT,INSERT ON TABLE public.deletion_receipt TO roadworthy_worker;

GRANT UPDATE(documents) ON TABLE public.deletion_receipt TO roadworthy_worker;

GRANT UPDATE(stores) ON TABLE public.deletion_receipt TO roadworthy_worker;

GRANT UPDATE(erased_at) ON TABLE public.deletion_receipt TO roadworthy_worker;

GRANT UPDATE(finished_at) ON TABLE public.deletion_receipt TO roadworthy_worker;

GRANT SELECT ON TABLE public.document_field TO roadworthy_app;
GRANT SELECT ON TABLE public.document_field TO roadworthy_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.edge_line TO roadworthy_worker;

GRANT SELECT ON TABLE public.embedding TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.embedding TO roadworthy_worker;

GRANT UPDATE(acl_id) ON TABLE public.embedding TO roadworthy_app;

GRANT SELECT ON TABLE public.embedding_place TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.embedding_place TO roadworthy_worker;

GRANT SELECT ON TABLE public.embedding_space TO roadworthy_app;
GRANT SELECT,INSERT ON TABLE public.embedding_space TO roadworthy_worker;

GRANT SELECT,USAGE ON SEQUENCE public.epoch TO roadworthy_app;
GRANT SELECT,USAGE ON SEQUENCE public.epoch TO roadworthy_worker;

GRANT SELECT,INSERT,DELETE ON TABLE public.experiment TO roadworthy_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.golden_probe TO roadworthy_worker;

GRANT SELECT ON TABLE public.installation TO roadworthy_app;
GRANT SELECT ON TABLE public.installation TO roadworthy_worker;

GRANT SELECT ON TABLE public.kept_answer TO roadworthy_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.kept_answer TO roadworthy_worker;

GRANT SELECT,INSERT ON TABLE public.legal_hold TO roadworthy_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.legal_hold TO roadworthy_worker;

GRANT UPDATE(lifted_by) ON TABLE public.legal_hold TO roadworthy_app;
GRANT UPDATE(lifted_by) ON TABLE public.legal_hold TO roadworthy_worker;

GRANT UPDATE(lifted_at) ON TABLE public.legal_hold TO roadworthy_app;
GRANT UPDATE(lifted_at) ON TABLE public.legal_hold TO roadworthy_worker;

GRANT SELECT ON TABLE public.live_release TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.live_release TO roadworthy_worker;

GRANT SELECT ON TABLE public.passage TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.passage TO roadworthy_worker;

GRANT UPDATE(acl_id) ON TABLE public.passage TO roadworthy_app;

GRANT SELECT,INSERT ON TABLE public.passage_count TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.passage_count TO roadworthy_worker;

GRANT UPDATE(passages) ON TABLE public.passage_count TO roadworthy_app;

GRANT UPDATE(terms) ON TABLE public.passage_count TO roadworthy_app;

GRANT SELECT ON TABLE public.passage_score TO roadworthy_app;
GRANT SELECT ON TABLE public.passage_score TO roadworthy_worker;

GRANT SELECT ON TABLE public.posting_segment TO roadworthy_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.posting_segment TO roadworthy_worker;

GRANT SELECT ON TABLE public.pseudonym_key TO roadworthy_app;
GRANT SELECT,INSERT ON TABLE public.pseudonym_key TO roadworthy_worker;

GRANT SELECT ON TABLE public.release TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.release TO roadworthy_worker;

GRANT SELECT ON TABLE public.removal TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.removal TO roadworthy_worker;

GRANT SELECT,INSERT ON TABLE public.review TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.review TO roadworthy_worker;

GRANT SELECT,INSERT,DELETE ON TABLE public.revision TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.revision TO roadworthy_worker;

GRANT UPDATE(acl_id) ON TABLE public.revision TO roadworthy_app;

GRANT UPDATE(state) ON TABLE public.revision TO roadworthy_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.signature TO roadworthy_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.signature_band TO roadworthy_worker;

GRANT SELECT,INSERT ON TABLE public.trace TO roadworthy_app;

GRANT SELECT,INSERT ON TABLE public.verdict TO roadworthy_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.verdict TO roadworthy_worker;

GRANT UPDATE(reason) ON TABLE public.verdict TO roadworthy_app;

GRANT UPDATE(figures) ON TABLE public.verdict TO roadworthy_app;

GRANT UPDATE(created_at) ON TABLE public.verdict TO roadworthy_app;

GRANT INSERT ON TABLE public.webhook TO roadworthy_app;
GRANT SELECT,UPDATE ON TABLE public.webhook TO roadworthy_worker;

GRANT SELECT(tenant_id) ON TABLE public.webhook TO roadworthy_app;

GRANT SELECT(question_id) ON TABLE public.webhook TO roadworthy_app;

GRANT SELECT(state) ON TABLE public.webhook TO roadworthy_app;

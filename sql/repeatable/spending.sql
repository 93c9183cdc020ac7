-- What is counted of each trace, and who may see the sums.
-- Run again whenever this file changes; after permissions.sql, which makes the roles and grants.

-- Sums are seen by people of the group costs; they hold no word of anybody.
CREATE OR REPLACE FUNCTION may_see_costs() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN 'group:costs' = ANY (nullif(current_setting('roadworthy.subjects', true), '')::text[]);
DROP POLICY IF EXISTS costs ON spending;
CREATE POLICY costs ON spending FOR SELECT TO roadworthy_app USING ((SELECT may_see_costs()));
DROP POLICY IF EXISTS definer ON spending;
CREATE POLICY definer ON spending TO CURRENT_USER USING (true); -- by the trigger alone

-- The stages that ask chat models; the product's traces/records.py names the same. Limits in tokens are
-- of these: a reranker reads many times as much, for little.
CREATE OR REPLACE FUNCTION asks_chat(stage text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN stage IN ('write', 'first try');

-- In the transaction that stores the traces, and of none that was stored before: a sum counts each
-- answer once, however often its line is brought.
CREATE OR REPLACE FUNCTION count_spending() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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
REVOKE ALL ON FUNCTION count_spending() FROM PUBLIC;
CREATE OR REPLACE TRIGGER count_spending AFTER INSERT ON trace REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_spending();

-- The same of all together: asked by processes of the version before, while they are replaced.
CREATE OR REPLACE FUNCTION spent_since(since date)
    RETURNS TABLE (kind text, name text, times bigint, ms double precision, calls bigint,
                   input_tokens bigint, output_tokens bigint, cost_usd numeric, unpriced bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    BEGIN ATOMIC
        SELECT kind, name, sum(times)::bigint, sum(ms), sum(calls)::bigint,
               sum(input_tokens)::bigint, sum(output_tokens)::bigint, sum(cost_usd),
               sum(unpriced)::bigint
          FROM spending
         WHERE day >= since AND kind <> 'key'
         GROUP BY kind, name
         ORDER BY kind, name;
    END;
REVOKE ALL ON FUNCTION spent_since(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION spent_since(date) TO roadworthy_worker;

-- What every release of every tenant has spent since a day, for whoever watches the installation. So
-- many are told apart as answer most; the others are told as one, which has no name.
CREATE OR REPLACE FUNCTION spent_by_release(since date, most integer)
    RETURNS TABLE (tenant text, release text, kind text, name text, times bigint,
                   ms double precision, calls bigint, input_tokens bigint, output_tokens bigint,
                   cost_usd numeric, unpriced bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    BEGIN ATOMIC
        WITH told AS (
            SELECT tenant_id, release
              FROM spending
             WHERE day >= since AND kind = 'outcome'
             GROUP BY tenant_id, release
             ORDER BY sum(times) DESC, tenant_id, release
             LIMIT most
        ), named AS (
            SELECT coalesce(tenant.name, '') AS tenant, coalesce(told.release, '') AS release,
                   spending.kind, spending.name, times, ms, calls, input_tokens, output_tokens,
                   cost_usd, unpriced
              FROM spending
              LEFT JOIN told USING (tenant_id, release)
              LEFT JOIN tenant ON tenant.id = told.tenant_id
             WHERE day >= since AND spending.kind <> 'key'
        )
        SELECT tenant, release, kind, name, sum(times)::bigint, sum(ms), sum(calls)::bigint,
               sum(input_tokens)::bigint, sum(output_tokens)::bigint, sum(cost_usd),
               sum(unpriced)::bigint
          FROM named
         GROUP BY tenant, release, kind, name
         ORDER BY tenant, release, kind, name;
    END;
REVOKE ALL ON FUNCTION spent_by_release(date, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION spent_by_release(date, integer) TO roadworthy_worker;

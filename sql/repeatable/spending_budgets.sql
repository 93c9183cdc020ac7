-- How much of its budgets a question would be answered from is spent.
-- Run again whenever this file changes; after permissions.sql, which makes the roles and grants.

DROP POLICY IF EXISTS definer ON budget;
CREATE POLICY definer ON budget FOR SELECT TO CURRENT_USER
    USING (tenant_id = (SELECT current_tenant()));

-- Every budget that a release and a key count towards, with what was spent of it until now. It tells
-- sums and limits to the product, which tells people whether they are reached.
CREATE OR REPLACE FUNCTION budgets_of(of_release text, of_key text, today date)
    RETURNS TABLE (scope text, period text, soft_usd numeric, hard_usd numeric, soft_tokens bigint,
                   hard_tokens bigint, spent_usd numeric, spent_tokens bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    BEGIN ATOMIC
        SELECT budget.scope, budget.period, budget.soft_usd, budget.hard_usd, budget.soft_tokens,
               budget.hard_tokens, coalesce(spent.usd, 0), coalesce(spent.tokens, 0)::bigint
          FROM budget
         CROSS JOIN LATERAL (
               SELECT sum(cost_usd) AS usd,
                      sum(input_tokens + output_tokens)
                          FILTER (WHERE kind = 'key' OR asks_chat(spending.name)) AS tokens
                 FROM spending
                WHERE spending.tenant_id = budget.tenant_id
                  AND spending.day >= CASE budget.period WHEN 'day' THEN today
                                           ELSE date_trunc('month', today)::date END
                  AND spending.kind = CASE budget.scope WHEN 'key' THEN 'key' ELSE 'stage' END
                  AND (budget.scope <> 'key' OR spending.name = budget.name)
                  AND (budget.scope <> 'release' OR spending.release = budget.name)) AS spent
         WHERE budget.tenant_id = current_tenant()
           AND budget.name = CASE budget.scope WHEN 'release' THEN of_release
                                               WHEN 'key' THEN coalesce(of_key, '')
                                               ELSE '' END
         ORDER BY budget.scope, budget.period;
    END;
REVOKE ALL ON FUNCTION budgets_of(text, text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION budgets_of(text, text, date) TO roadworthy_app;

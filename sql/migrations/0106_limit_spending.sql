-- What may be spent on models: by the tenant, a release or an API key, in a day or a month (UTC).

CREATE TABLE budget (
    tenant_id    integer     NOT NULL REFERENCES tenant,
    scope        text        NOT NULL CHECK (scope IN ('tenant', 'release', 'key')),
    name         text        NOT NULL, -- of the release; the key's id; '' of the tenant
    period       text        NOT NULL CHECK (period IN ('day', 'month')),
    soft_usd     numeric     CHECK (soft_usd >= 0), -- from then on, answers say so
    hard_usd     numeric     CHECK (hard_usd >= 0), -- from then on, no model is called
    soft_tokens  bigint      CHECK (soft_tokens >= 0), -- read and written
    hard_tokens  bigint      CHECK (hard_tokens >= 0),
    set_at       timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, scope, name, period),
    CHECK ((scope = 'tenant') = (name = '')),
    CHECK (num_nonnulls(soft_usd, hard_usd, soft_tokens, hard_tokens) > 0)
);

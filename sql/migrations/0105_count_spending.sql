-- What answers took and cost, and what was spared, by day: counted when their traces are stored.

ALTER TABLE trace
    ADD COLUMN key_id uuid,                -- of the API key that asked; null: by command
    ADD COLUMN avoided jsonb;              -- why no model was called, and what it would have read

CREATE TABLE spending (
    tenant_id      integer     NOT NULL REFERENCES tenant,
    day            date        NOT NULL, -- UTC, of the question
    release        text        NOT NULL, -- its name; '' where there was none, and of a key
    kind           text        NOT NULL CHECK (kind IN ('outcome', 'stage', 'avoided', 'key')),
    name           text        NOT NULL, -- of the outcome or the stage; why avoided; the key's id
    times          bigint      NOT NULL,
    ms             double precision NOT NULL,
    calls          bigint      NOT NULL, -- of models
    input_tokens   bigint      NOT NULL,
    output_tokens  bigint      NOT NULL,
    cost_usd       numeric,              -- of the calls whose price is known; null: of none
    unpriced       bigint      NOT NULL, -- calls, or answers that were avoided, without a known price
    PRIMARY KEY (tenant_id, day, release, kind, name)
);

-- Answers of models that may be given again to who asks the same and reads the same. Each is the
-- answer of a trace, and goes with that: when a document goes that it was made from, or who asked.

CREATE TABLE cached_answer (
    tenant_id      integer     NOT NULL,
    trace_id       uuid        NOT NULL,
    release_hash   text        NOT NULL,
    space_id       integer     NOT NULL REFERENCES embedding_space,
    language       text        NOT NULL, -- of the question, ISO 639-1, or und
    filters        text[]      NOT NULL, -- which documents it was looked for in
    question       text        NOT NULL,
    vector         halfvec     NOT NULL, -- of the question
    text           text        NOT NULL,
    made_from      integer[]   NOT NULL CHECK (cardinality(made_from) > 0), -- passages, cited or not
    cited          integer[]   NOT NULL CHECK (cited <@ made_from),
    numbers        integer[]   NOT NULL CHECK (cardinality(numbers) = cardinality(cited)), -- as in [1]
    asked_at       timestamptz NOT NULL, -- what it was made from is as of then, or later
    input_tokens   integer     NOT NULL,
    output_tokens  integer     NOT NULL,
    cost_usd       numeric,    -- null: no price is known
    PRIMARY KEY (tenant_id, trace_id),
    FOREIGN KEY (tenant_id, trace_id) REFERENCES trace_answer ON DELETE CASCADE
);
CREATE INDEX cached_answer_key
    ON cached_answer (tenant_id, release_hash, space_id, language, asked_at);
ALTER TABLE cached_answer
    ALTER question SET STATISTICS 0, ALTER vector SET STATISTICS 0, ALTER text SET STATISTICS 0,
    ALTER filters SET STATISTICS 0;

ALTER TABLE document ADD COLUMN reshared_at timestamptz; -- null: never since this is noted
ALTER TABLE trace ADD COLUMN cached_from uuid; -- the trace whose answer was given again

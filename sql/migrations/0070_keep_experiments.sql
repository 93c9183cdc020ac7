-- What was measured on a corpus: settings that were tried, and their figures. It holds no text of
-- documents or questions, and goes with its corpus.

CREATE TABLE experiment (
    tenant_id   integer     NOT NULL,
    id          uuid        NOT NULL,
    corpus_id   integer     NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('passages', 'ranking')),
    measure     text        NOT NULL, -- the figure that was chosen by
    questions   integer     NOT NULL CHECK (questions >= 0),
    tried       jsonb       NOT NULL, -- settings, figures and gains; the present setting first
    chosen      integer,    -- position of what was recommended; null: keep the present setting
    made_by     text        NOT NULL,
    made_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, corpus_id) REFERENCES corpus
);
CREATE INDEX experiment_corpus ON experiment (tenant_id, corpus_id);

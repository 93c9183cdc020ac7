-- Questions whose passage is known, and the stage that a database belongs to.

CREATE TABLE golden_probe (
    tenant_id    integer     NOT NULL,
    id           uuid        NOT NULL,
    corpus_id    integer     NOT NULL,
    document_id  uuid        NOT NULL,
    revision_id  uuid,       -- it was made of; null: a person asked it, of every version
    language     text        NOT NULL, -- of the question
    question     text        NOT NULL CHECK (length(question) BETWEEN 1 AND 1000),
    quote        text        CHECK (length(quote) BETWEEN 1 AND 2000), -- null: any passage will do
    ways     text[]      NOT NULL, -- ways that found it when it was added; empty: nobody looked
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, corpus_id) REFERENCES corpus,
    FOREIGN KEY (tenant_id, document_id) REFERENCES document ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, revision_id) REFERENCES revision ON DELETE CASCADE
);
CREATE INDEX golden_probe_corpus ON golden_probe (tenant_id, corpus_id, language);
CREATE INDEX golden_probe_document ON golden_probe (tenant_id, document_id);
CREATE INDEX golden_probe_revision ON golden_probe (tenant_id, revision_id);
ALTER TABLE golden_probe ALTER COLUMN question SET STATISTICS 0,
    ALTER COLUMN quote SET STATISTICS 0, ALTER COLUMN language SET STATISTICS 0,
    ALTER COLUMN ways SET STATISTICS 0;

-- One row at most: what the setting `stage` said when this database was taken into use.
CREATE TABLE installation (
    is_only     boolean     PRIMARY KEY DEFAULT true CHECK (is_only),
    stage       text        NOT NULL CHECK (length(stage) BETWEEN 1 AND 40),
    created_at  timestamptz NOT NULL
);

-- What was deleted, and what may not be.

-- A deletion from the moment when it was asked for, and its receipt when it is finished: ids and
-- counts, no text and no name. It outlives what it is about, the tenant too.
CREATE TABLE deletion_receipt (
    tenant_id     integer     NOT NULL,
    id            uuid        NOT NULL,
    scope         text        NOT NULL CHECK (scope IN
                      ('document', 'documents of a person', 'person', 'corpus', 'tenant')),
    subject       text        NOT NULL, -- id of a document, corpus or tenant; pseudonym of a person
    requested_by  text        NOT NULL, -- a user, or the operator
    requested_at  timestamptz NOT NULL,
    documents     integer     NOT NULL, -- how many it is about
    attachments   uuid[]      NOT NULL, -- of the one document: what came in it, and goes with it
    stores        jsonb       NOT NULL, -- [{"store": "passage", "count": 3, "erased_at": ...}, ...]
    erased_at     timestamptz,          -- the last row was gone
    finished_at   timestamptz,          -- and what processes had begun before was over
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX deletion_receipt_subject ON deletion_receipt (tenant_id, scope, subject);

-- The documents of a deletion that takes several transactions: the first one hides them all.
CREATE TABLE withdrawn_document (
    tenant_id    integer NOT NULL,
    document_id  uuid    NOT NULL,
    deletion_id  uuid    NOT NULL,
    PRIMARY KEY (tenant_id, document_id),
    FOREIGN KEY (tenant_id, document_id) REFERENCES document ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, deletion_id) REFERENCES deletion_receipt
);
CREATE INDEX withdrawn_document_deletion ON withdrawn_document (tenant_id, deletion_id);

-- What has to be kept as it is: a document, all that a person owns, or all of a corpus.
CREATE TABLE legal_hold (
    tenant_id    integer     NOT NULL,
    id           uuid        NOT NULL,
    document_id  uuid,
    user_id      text,
    corpus_id    integer,
    reason       text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    placed_by    text        NOT NULL,
    placed_at    timestamptz NOT NULL,
    lifted_by    text,
    lifted_at    timestamptz,
    PRIMARY KEY (tenant_id, id),
    CHECK (num_nonnulls(document_id, user_id, corpus_id) = 1),
    CHECK ((lifted_by IS NULL) = (lifted_at IS NULL)),
    FOREIGN KEY (tenant_id, document_id) REFERENCES document ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES principal ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, corpus_id) REFERENCES corpus ON DELETE CASCADE
);
CREATE INDEX legal_hold_document ON legal_hold (tenant_id, document_id);
CREATE INDEX legal_hold_person ON legal_hold (tenant_id, user_id);
CREATE INDEX legal_hold_corpus ON legal_hold (tenant_id, corpus_id);

CREATE INDEX trace_hit_document ON trace_hit (tenant_id, document_id);
CREATE INDEX document_owner ON document (tenant_id, owner);

-- Numbers of the moments after deletions: see plumbing/epochs.py.
CREATE SEQUENCE epoch AS integer;

-- The planner's statistics are a copy too: of short contents, of vectors, of names in problems.
ALTER TABLE revision ALTER COLUMN content SET STATISTICS 0,
    ALTER COLUMN content_hash SET STATISTICS 0;
ALTER TABLE embedding ALTER COLUMN vector SET STATISTICS 0;
ALTER TABLE posting ALTER COLUMN packed SET STATISTICS 0;
ALTER TABLE document ALTER COLUMN problem SET STATISTICS 0;
ALTER TABLE job ALTER COLUMN problem SET STATISTICS 0;
ALTER TABLE trace ALTER COLUMN problem SET STATISTICS 0;

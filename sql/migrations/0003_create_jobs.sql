-- Work that was accepted. The row is written in the transaction that accepts, and is the truth.

CREATE TABLE job (
    tenant_id    integer     NOT NULL,
    id           uuid        NOT NULL,
    kind         text        NOT NULL,
    document_id  uuid        NOT NULL,
    revision_id  uuid        NOT NULL,
    state        text        NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    attempts     smallint    NOT NULL,
    run_at       timestamptz NOT NULL, -- not before; pushed back when retried
    leased_until timestamptz,          -- a running job whose lease ran out is claimed again
    lease        uuid,                 -- whose claim this is; a late worker no longer owns it
    stage        text        NOT NULL,
    steps_done   integer     NOT NULL,
    steps_total  integer     NOT NULL,
    problem      text,
    created_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, document_id) REFERENCES document ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, revision_id) REFERENCES revision ON DELETE CASCADE
);
CREATE INDEX job_waiting ON job (run_at, id) WHERE state IN ('queued', 'running');
CREATE INDEX job_document ON job (tenant_id, document_id);
CREATE INDEX job_revision ON job (tenant_id, revision_id);

-- What shapes an answer, and what happened when one was asked for.

CREATE TABLE release (
    tenant_id   integer     NOT NULL REFERENCES tenant,
    name        text        NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    hash        text        NOT NULL,
    content     text        NOT NULL, -- canonical JSON; the hash is of these bytes
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

CREATE TABLE live_release (
    tenant_id   integer     NOT NULL REFERENCES tenant,
    name        text        NOT NULL,
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id),
    FOREIGN KEY (tenant_id, name) REFERENCES release
);

CREATE TABLE trace (
    tenant_id      integer     NOT NULL REFERENCES tenant,
    id             uuid        NOT NULL,
    pseudonym      text        NOT NULL, -- keyed hash of the user id
    surface        text        NOT NULL CHECK (surface IN ('answers', 'chat', 'search', 'cli')),
    release_name   text,
    release_hash   text,
    question       text        NOT NULL,
    language       text        NOT NULL,
    outcome        text        NOT NULL CHECK (outcome IN
                       ('answered', 'abstained', 'found', 'refused', 'failed', 'cancelled', 'interrupted')),
    problem        text,
    stages         jsonb       NOT NULL, -- [{"name", "ms", ...}] in order
    input_tokens   integer     NOT NULL,
    output_tokens  integer     NOT NULL,
    degraded       text[]      NOT NULL,
    started_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX trace_mine ON trace (tenant_id, pseudonym, started_at DESC);

CREATE TABLE trace_hit (
    tenant_id    integer NOT NULL,
    trace_id     uuid    NOT NULL,
    rank         integer NOT NULL,
    document_id  uuid    NOT NULL,
    passage_id   integer NOT NULL,
    score        real    NOT NULL,
    keyword_score real,
    vector_score real,
    cited        boolean NOT NULL,
    PRIMARY KEY (tenant_id, trace_id, rank),
    FOREIGN KEY (tenant_id, trace_id) REFERENCES trace ON DELETE CASCADE
);

-- The answer's text stands apart, because it may say what a later revocation takes away.
CREATE TABLE trace_answer (
    tenant_id  integer NOT NULL,
    trace_id   uuid    NOT NULL,
    text       text    NOT NULL,
    PRIMARY KEY (tenant_id, trace_id),
    FOREIGN KEY (tenant_id, trace_id) REFERENCES trace ON DELETE CASCADE
);
ALTER TABLE trace ALTER COLUMN question SET STATISTICS 0;
ALTER TABLE trace_answer ALTER COLUMN text SET STATISTICS 0;

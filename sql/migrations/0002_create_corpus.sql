-- What there is to read: documents, their passages, and who may see them.

-- An embedding space is a property of a model, not of a tenant.
CREATE TABLE embedding_space (
    id              integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text        NOT NULL UNIQUE,
    model           text        NOT NULL,
    revision        text        NOT NULL,
    dimension       smallint    NOT NULL CHECK (dimension BETWEEN 1 AND 4000),
    normalised      boolean     NOT NULL,
    query_prefix    text        NOT NULL,
    passage_prefix  text        NOT NULL,
    languages       text[]      NOT NULL,
    probe_texts     text[]      NOT NULL,
    probe_vectors   bytea       NOT NULL, -- little-endian float32, one row a probe text
    created_at      timestamptz NOT NULL,
    CHECK (length(probe_vectors) = 4 * dimension * cardinality(probe_texts))
);

CREATE TABLE corpus (
    tenant_id   integer     NOT NULL REFERENCES tenant,
    id          integer     GENERATED ALWAYS AS IDENTITY,
    name        text        NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    space_id    integer     NOT NULL REFERENCES embedding_space,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);

-- An ACL class is one set of grants that many documents share. Rows carry its number, because
-- integer equality is leakproof: PostgreSQL may use an index below the row-level policy.
CREATE TABLE acl (
    tenant_id    integer NOT NULL REFERENCES tenant,
    id           integer GENERATED ALWAYS AS IDENTITY,
    grants_hash  bytea   NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, grants_hash)
);

CREATE TABLE acl_grant (
    tenant_id  integer  NOT NULL,
    acl_id     integer  NOT NULL,
    subject    text     NOT NULL CHECK (subject ~ '^(user|group):.'),
    clearance  smallint NOT NULL CHECK (clearance >= 0), -- the least that the subject must have
    PRIMARY KEY (tenant_id, subject, acl_id),
    FOREIGN KEY (tenant_id, acl_id) REFERENCES acl
);

CREATE TABLE document (
    tenant_id   integer     NOT NULL,
    id          uuid        NOT NULL,
    corpus_id   integer     NOT NULL,
    acl_id      integer     NOT NULL,
    owner       text        NOT NULL, -- the user who may change or delete it
    name        text        NOT NULL CHECK (length(name) BETWEEN 1 AND 1000),
    title       text        NOT NULL,
    media_type  text        NOT NULL,
    language    text        NOT NULL, -- ISO 639-1, or und
    page_count  integer,
    metadata    jsonb       NOT NULL,
    version     integer     NOT NULL CHECK (version >= 0), -- 0: nothing published yet
    state       text        NOT NULL CHECK (state IN ('pending', 'ready', 'failed')),
    problem     text,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, corpus_id) REFERENCES corpus,
    FOREIGN KEY (tenant_id, acl_id) REFERENCES acl,
    -- The class belongs to the key: a name that somebody may not see must not collide with his.
    UNIQUE (tenant_id, corpus_id, name, acl_id)
);
CREATE INDEX document_acl ON document (tenant_id, acl_id);

-- One content of a document. Only one is published; the next waits here until it is searchable.
CREATE TABLE revision (
    tenant_id     integer     NOT NULL,
    id            uuid        NOT NULL,
    document_id   uuid        NOT NULL,
    corpus_id     integer     NOT NULL,
    acl_id        integer     NOT NULL,
    content_hash  bytea       NOT NULL CHECK (length(content_hash) = 32),
    content       bytea       NOT NULL,
    text          text,       -- as extracted; the offsets of passages point into it
    state         text        NOT NULL CHECK (state IN ('pending', 'ready', 'failed')),
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, document_id) REFERENCES document ON DELETE CASCADE
);
CREATE INDEX revision_document ON revision (tenant_id, document_id);
-- The same content is stored once a corpus and audience.
CREATE UNIQUE INDEX revision_content ON revision (tenant_id, corpus_id, acl_id, content_hash)
    WHERE state <> 'failed';

CREATE TABLE passage (
    tenant_id    integer  NOT NULL,
    id           integer  GENERATED ALWAYS AS IDENTITY,
    corpus_id    integer  NOT NULL,
    acl_id       integer  NOT NULL,
    document_id  uuid     NOT NULL,
    revision_id  uuid     NOT NULL,
    ordinal      integer  NOT NULL,
    start_at     integer  NOT NULL, -- code points into revision.text
    end_at       integer  NOT NULL CHECK (end_at > start_at),
    page_first   integer,
    page_last    integer,
    heading      text     NOT NULL,
    language     text     NOT NULL,
    term_count   integer  NOT NULL, -- its length for BM25
    text         text     NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, revision_id) REFERENCES revision ON DELETE CASCADE
);
CREATE INDEX passage_document ON passage (tenant_id, document_id);
CREATE UNIQUE INDEX passage_revision ON passage (tenant_id, revision_id, ordinal);

CREATE TABLE embedding (
    tenant_id    integer NOT NULL,
    space_id     integer NOT NULL REFERENCES embedding_space,
    corpus_id    integer NOT NULL,
    acl_id       integer NOT NULL,
    passage_id   integer NOT NULL,
    document_id  uuid    NOT NULL,
    vector       halfvec NOT NULL,
    PRIMARY KEY (tenant_id, space_id, passage_id),
    FOREIGN KEY (tenant_id, passage_id) REFERENCES passage ON DELETE CASCADE
);
CREATE INDEX embedding_acl ON embedding (tenant_id, corpus_id, space_id, acl_id);
CREATE INDEX embedding_passage ON embedding (tenant_id, passage_id);

-- Inverted index: the passages of one revision that hold a term. Postings carry the class of
-- their passages, so document frequencies are counted over what the asker may see and over
-- nothing else.
CREATE TABLE posting (
    tenant_id    integer NOT NULL,
    corpus_id    integer NOT NULL,
    acl_id       integer NOT NULL,
    term         text    NOT NULL,
    document_id  uuid    NOT NULL,
    revision_id  uuid    NOT NULL,
    packed       bytea   NOT NULL, -- passage ids, frequencies, lengths (corpus/postings.py)
    PRIMARY KEY (tenant_id, corpus_id, term, acl_id, revision_id),
    FOREIGN KEY (tenant_id, revision_id) REFERENCES revision ON DELETE CASCADE
);
CREATE INDEX posting_revision ON posting (tenant_id, revision_id);
-- The planner's statistics of a column would show other people's words in estimates.
ALTER TABLE posting ALTER COLUMN term SET STATISTICS 0;
ALTER TABLE passage ALTER COLUMN text SET STATISTICS 0, ALTER COLUMN heading SET STATISTICS 0;
ALTER TABLE revision ALTER COLUMN text SET STATISTICS 0;
ALTER TABLE document ALTER COLUMN name SET STATISTICS 0, ALTER COLUMN title SET STATISTICS 0,
    ALTER COLUMN metadata SET STATISTICS 0;

-- What BM25 needs to know of a corpus, counted in the transaction that publishes.
CREATE TABLE passage_count (
    tenant_id  integer NOT NULL,
    corpus_id  integer NOT NULL,
    acl_id     integer NOT NULL,
    language   text    NOT NULL,
    passages   bigint  NOT NULL CHECK (passages >= 0),
    terms      bigint  NOT NULL CHECK (terms >= 0),
    PRIMARY KEY (tenant_id, corpus_id, acl_id, language),
    FOREIGN KEY (tenant_id, corpus_id) REFERENCES corpus,
    FOREIGN KEY (tenant_id, acl_id) REFERENCES acl
);

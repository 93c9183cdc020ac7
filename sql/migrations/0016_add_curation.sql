-- What the checks say of a document on its way in, what comes of it, and what people decide.

-- What is left out of a policy has its default (corpus/policies.py).
ALTER TABLE corpus ADD policy jsonb NOT NULL DEFAULT '{}';

-- quarantined: kept back until a person decides; rejected: he decided against it.
ALTER TABLE document
    DROP CONSTRAINT document_state_check,
    ADD CONSTRAINT document_state_check
        CHECK (state IN ('pending', 'ready', 'failed', 'quarantined', 'rejected'));
ALTER TABLE revision
    DROP CONSTRAINT revision_state_check,
    ADD CONSTRAINT revision_state_check
        CHECK (state IN ('pending', 'ready', 'failed', 'quarantined', 'rejected'));

CREATE TABLE verdict (
    tenant_id    integer     NOT NULL,
    document_id  uuid        NOT NULL,
    revision_id  uuid        NOT NULL,
    check_name   text        NOT NULL,
    outcome      text        NOT NULL CHECK (outcome IN ('pass', 'changed', 'flagged', 'quarantined')),
    reason       text        NOT NULL,
    figures      jsonb       NOT NULL,
    acl_id       integer,    -- whom it is for when it speaks of other documents: the class of then
    about        uuid,       -- another document
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, revision_id, check_name),
    FOREIGN KEY (tenant_id, revision_id) REFERENCES revision ON DELETE CASCADE
);
CREATE INDEX verdict_document ON verdict (tenant_id, document_id);

-- A line that was taken out of a text, and where it stood in what is left.
CREATE TABLE removal (
    tenant_id    integer NOT NULL,
    document_id  uuid    NOT NULL,
    revision_id  uuid    NOT NULL,
    ordinal      integer NOT NULL,
    stood_at     integer NOT NULL CHECK (stood_at >= 0), -- code points into revision.text
    page         integer,
    text         text    NOT NULL,
    PRIMARY KEY (tenant_id, revision_id, ordinal),
    FOREIGN KEY (tenant_id, revision_id) REFERENCES revision ON DELETE CASCADE
);
CREATE INDEX removal_document ON removal (tenant_id, document_id);
ALTER TABLE removal ALTER COLUMN text SET STATISTICS 0;

-- A decision belongs to a content of a document: handed in again, it is not asked again.
CREATE TABLE review (
    tenant_id     integer     NOT NULL,
    id            uuid        NOT NULL,
    document_id   uuid        NOT NULL,
    content_hash  bytea       NOT NULL CHECK (length(content_hash) = 32),
    decision      text        NOT NULL CHECK (decision IN ('release', 'reject')),
    overruled     text[]      NOT NULL, -- the checks that kept it back
    reason        text        NOT NULL CHECK (length(reason) <= 1000),
    decided_by    text        NOT NULL,
    decided_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, document_id) REFERENCES document ON DELETE CASCADE
);
CREATE INDEX review_document ON review (tenant_id, document_id, content_hash);

-- A sketch of a text (MinHash), and its bands, by which alike ones are found in an index.
CREATE TABLE signature (
    tenant_id    integer     NOT NULL,
    revision_id  uuid        NOT NULL,
    packed       bytea       NOT NULL,
    dated_at     timestamptz, -- what the file says of its own age
    PRIMARY KEY (tenant_id, revision_id),
    FOREIGN KEY (tenant_id, revision_id) REFERENCES revision ON DELETE CASCADE
);
CREATE TABLE signature_band (
    tenant_id    integer NOT NULL,
    corpus_id    integer NOT NULL,
    band         bigint  NOT NULL,
    revision_id  uuid    NOT NULL,
    PRIMARY KEY (tenant_id, corpus_id, band, revision_id),
    FOREIGN KEY (tenant_id, revision_id) REFERENCES signature ON DELETE CASCADE
);
CREATE INDEX signature_band_revision ON signature_band (tenant_id, revision_id);

-- The lines at both ends of a published text, as hashes: what many files share is their frame.
CREATE TABLE edge_line (
    tenant_id    integer NOT NULL,
    corpus_id    integer NOT NULL,
    line         bigint  NOT NULL,
    revision_id  uuid    NOT NULL,
    PRIMARY KEY (tenant_id, corpus_id, line, revision_id),
    FOREIGN KEY (tenant_id, revision_id) REFERENCES revision ON DELETE CASCADE
);
CREATE INDEX edge_line_revision ON edge_line (tenant_id, revision_id);

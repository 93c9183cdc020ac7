-- Postings of many revisions of one class in one row, so that a term has few rows. They are made
-- of `posting` in the background; a revision's postings are in the one table or in the other.
CREATE TABLE posting_segment (
    tenant_id  integer NOT NULL,
    corpus_id  integer NOT NULL,
    acl_id     integer NOT NULL,
    term       text    NOT NULL,
    first_id   integer NOT NULL, -- the least passage id in it, and the greatest
    last_id    integer NOT NULL CHECK (last_id >= first_id),
    packed     bytea   NOT NULL, -- as posting.packed
    PRIMARY KEY (tenant_id, corpus_id, term, acl_id, first_id)
);

-- What a revision has in segments: whose passages are there, and by which words to take them out.
CREATE TABLE merged_revision (
    tenant_id    integer NOT NULL,
    revision_id  uuid    NOT NULL,
    document_id  uuid    NOT NULL,
    corpus_id    integer NOT NULL,
    acl_id       integer NOT NULL, -- of the segments
    passages     bytea   NOT NULL, -- ids, int32, ascending
    postings     integer NOT NULL, -- how many, over all terms
    packed       bytea   NOT NULL, -- all of them (corpus/postings.py)
    PRIMARY KEY (tenant_id, revision_id),
    FOREIGN KEY (tenant_id, revision_id) REFERENCES revision ON DELETE CASCADE
);
CREATE INDEX merged_revision_document ON merged_revision (tenant_id, document_id);

-- What segments still hold and nobody may find any more: a search leaves these passages out until
-- they are taken out of the segments of the class.
CREATE TABLE posting_gone (
    tenant_id    integer NOT NULL,
    id           bigint  GENERATED ALWAYS AS IDENTITY,
    corpus_id    integer NOT NULL,
    acl_id       integer NOT NULL,
    document_id  uuid    NOT NULL,
    revision_id  uuid    NOT NULL,
    passages     bytea   NOT NULL,
    postings     integer NOT NULL,
    packed       bytea   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX posting_gone_revision ON posting_gone (tenant_id, revision_id);

-- Compressed already.
ALTER TABLE merged_revision ALTER COLUMN packed SET STORAGE EXTERNAL;
ALTER TABLE posting_gone ALTER COLUMN packed SET STORAGE EXTERNAL;
-- The planner's statistics would outlive the rows.
ALTER TABLE posting_segment ALTER COLUMN term SET STATISTICS 0, ALTER COLUMN packed SET STATISTICS 0;
ALTER TABLE merged_revision ALTER COLUMN passages SET STATISTICS 0, ALTER COLUMN packed SET STATISTICS 0;
ALTER TABLE posting_gone ALTER COLUMN passages SET STATISTICS 0, ALTER COLUMN packed SET STATISTICS 0;

-- Which languages a corpus speaks, and in which spaces and by which rules each is found.

-- The version of the analysis that made a passage's terms, and whose rules it used when not those
-- of the passage's own language: 'terms-1', 'terms-1:en'.
ALTER TABLE passage ADD COLUMN analysis text NOT NULL DEFAULT 'terms-1';
ALTER TABLE passage_count ADD COLUMN analysis text NOT NULL DEFAULT 'terms-1';
ALTER TABLE passage_count DROP CONSTRAINT passage_count_pkey;
ALTER TABLE passage_count ADD PRIMARY KEY (tenant_id, corpus_id, acl_id, language, analysis);

-- The fallback of a corpus is its own space, which holds every passage, and these rules.
ALTER TABLE corpus ADD COLUMN text_search text NOT NULL DEFAULT 'auto';

-- The languages that are searched in another space or by other rules than the fallback's.
CREATE TABLE corpus_route (
    tenant_id    integer NOT NULL,
    corpus_id    integer NOT NULL,
    language     text    NOT NULL CHECK (language ~ '^[a-z]{2,3}$'),
    space_id     integer NOT NULL REFERENCES embedding_space,
    text_search  text    NOT NULL, -- 'auto', 'und' or a language whose rules are used
    PRIMARY KEY (tenant_id, corpus_id, language),
    FOREIGN KEY (tenant_id, corpus_id) REFERENCES corpus
);

-- The spaces that passages are embedded in beside those that are searched: to be switched to, or
-- back to.
CREATE TABLE corpus_space (
    tenant_id   integer     NOT NULL,
    corpus_id   integer     NOT NULL,
    language    text        NOT NULL CHECK (language ~ '^([a-z]{2,3}|[*])$'), -- * is every one
    space_id    integer     NOT NULL REFERENCES embedding_space,
    is_whole    boolean     NOT NULL, -- was seen to hold every passage, and is kept so
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, corpus_id, language, space_id),
    FOREIGN KEY (tenant_id, corpus_id) REFERENCES corpus
);

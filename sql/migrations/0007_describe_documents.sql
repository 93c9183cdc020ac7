-- What a file says about itself, what its sender said about it, and what it came in.
ALTER TABLE document
    ADD COLUMN authors          text[] NOT NULL DEFAULT '{}', -- as the file says
    ADD COLUMN file_created_at  timestamptz,                  -- as the file says
    ADD COLUMN file_modified_at timestamptz,                  -- as the file says
    ADD COLUMN source_path      text CHECK (length(source_path) BETWEEN 1 AND 4000),
    ADD COLUMN language_told    text CHECK (language_told ~ '^[a-z]{2,3}$'), -- by a person
    ADD COLUMN page_confidence  real[], -- of recognised text, one a page; null: it was written
    ADD COLUMN notes            text[] NOT NULL DEFAULT '{}', -- sentences on how it was read
    ADD COLUMN parent_id        uuid;   -- the mail that it was attached to

ALTER TABLE document ALTER COLUMN authors SET STATISTICS 0, ALTER COLUMN source_path SET STATISTICS 0,
    ALTER COLUMN notes SET STATISTICS 0;

CREATE INDEX document_parent ON document (tenant_id, parent_id) WHERE parent_id IS NOT NULL;
ALTER TABLE document ADD FOREIGN KEY (tenant_id, parent_id)
    REFERENCES document (tenant_id, id) ON DELETE CASCADE;

-- A date far outside history cannot be read back by a client, which then lists no document at all.
-- The owner of the table sees all tenants while row-level security is not forced on it.
ALTER TABLE document NO FORCE ROW LEVEL SECURITY;
UPDATE document SET file_created_at = NULL
 WHERE file_created_at < '1900-01-01Z' OR file_created_at >= '2200-01-01Z';
UPDATE document SET file_modified_at = NULL
 WHERE file_modified_at < '1900-01-01Z' OR file_modified_at >= '2200-01-01Z';
ALTER TABLE document FORCE ROW LEVEL SECURITY;

ALTER TABLE document
    ADD CHECK (file_created_at >= '1900-01-01Z' AND file_created_at < '2200-01-01Z'),
    ADD CHECK (file_modified_at >= '1900-01-01Z' AND file_modified_at < '2200-01-01Z');

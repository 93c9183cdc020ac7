-- What documents are filtered by, where a btree finds it: below row-level security an index is only
-- looked in by operators that are leakproof, as comparisons are and jsonb's @> is not.
-- statement_timeout: 10min

-- What filters compare metadata by: 7, 7.0 and "7" are one. Cut where no index entry could hold it.
CREATE FUNCTION field_value(value jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT CASE WHEN octet_length(written) <= 1000 THEN written
                        ELSE left(written, 100) || ' '
                             || encode(sha256(convert_to(written, 'UTF8')), 'hex') END
              FROM (SELECT CASE jsonb_typeof(value)
                           WHEN 'number' THEN trim_scale((value #>> '{}')::numeric)::text
                           ELSE value #>> '{}' END AS written) AS plain);

-- The words of a title or a name, without case, accents and punctuation, each followed by a blank.
-- Where a script puts none between words, each character is one.
CREATE FUNCTION field_words(told text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ltrim(regexp_replace(regexp_replace(
               normalize(regexp_replace(normalize(lower(left(told, 2000)), NFKD),
                                        '[\u0300-\u036f]', '', 'g'), NFKC),
               '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])',
               ' \1 ', 'g') || ' ',
               '[^[:alnum:]]+', ' ', 'g'));

-- Those words from each of them on: whoever looks for some in a row finds them where one begins so.
CREATE FUNCTION field_endings(told text) RETURNS SETOF text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
        SELECT left(array_to_string(words[place:], ' ') || ' ', 200)
          FROM (SELECT string_to_array(rtrim(field_words(told)), ' ') AS words) AS parted,
               generate_series(1, least(cardinality(words), 40)) AS place
    $$;

CREATE TABLE document_field (
    tenant_id    integer NOT NULL,
    corpus_id    integer NOT NULL,
    acl_id       integer NOT NULL,
    document_id  uuid    NOT NULL,
    key          text    COLLATE "C" NOT NULL, -- title, author, metadata.NAME
    value        text    COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, corpus_id, key, value, acl_id, document_id),
    FOREIGN KEY (tenant_id, document_id) REFERENCES document ON DELETE CASCADE
);
CREATE INDEX document_field_document ON document_field (tenant_id, document_id);
-- The planner's statistics of a column would show other people's words in estimates.
ALTER TABLE document_field ALTER COLUMN key SET STATISTICS 0, ALTER COLUMN value SET STATISTICS 0;

CREATE FUNCTION fields_of(document document)
    RETURNS TABLE (tenant_id integer, corpus_id integer, acl_id integer, document_id uuid,
                   key text, value text)
    LANGUAGE sql STABLE
    AS $$
        SELECT DISTINCT document.tenant_id, document.corpus_id, document.acl_id, document.id,
               field.key, field.value
          FROM (SELECT 'metadata.' || named.key AS key, field_value(named.value) AS value
                  FROM jsonb_each(document.metadata) AS named
                UNION ALL
                SELECT 'title', field_endings(document.title)
                UNION ALL
                SELECT 'author', field_endings(author)
                  FROM unnest(document.authors) AS author) AS field
         WHERE field.value IS NOT NULL
    $$;

-- A column, because coalesce is not leakproof.
ALTER TABLE document ADD COLUMN dated_at timestamptz NOT NULL
    GENERATED ALWAYS AS (coalesce(file_modified_at, file_created_at, updated_at)) STORED;

-- The owner of the table sees all tenants while row-level security is not forced on it.
ALTER TABLE document NO FORCE ROW LEVEL SECURITY;
INSERT INTO document_field
SELECT field.* FROM document, fields_of(document) AS field;
ALTER TABLE document FORCE ROW LEVEL SECURITY;

CREATE INDEX document_media_type ON document (tenant_id, corpus_id, media_type, acl_id);
CREATE INDEX document_language ON document (tenant_id, corpus_id, language, acl_id);
CREATE INDEX document_name ON document (tenant_id, corpus_id, name COLLATE "C");
CREATE INDEX document_date ON document (tenant_id, corpus_id, dated_at);

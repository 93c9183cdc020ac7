-- A search asks what is being deleted of its corpus, and pays for no other. Null: an older version
-- said so, and it may be of any.
ALTER TABLE withdrawn_document ADD COLUMN corpus_id integer;
CREATE INDEX withdrawn_document_corpus ON withdrawn_document (tenant_id, corpus_id);
CREATE INDEX posting_gone_corpus ON posting_gone (tenant_id, corpus_id);

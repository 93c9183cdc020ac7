-- What is gone of a document is found by it: a receipt waits for that alone.
CREATE INDEX posting_gone_document ON posting_gone (tenant_id, document_id);

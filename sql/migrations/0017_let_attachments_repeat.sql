-- Two mails may bring the same file: each copy comes, is shared and goes with its own mail.
ALTER TABLE revision ADD COLUMN is_attached boolean NOT NULL DEFAULT false;
DROP INDEX revision_content;
CREATE UNIQUE INDEX revision_content ON revision (tenant_id, corpus_id, acl_id, content_hash)
    WHERE state <> 'failed' AND NOT is_attached;

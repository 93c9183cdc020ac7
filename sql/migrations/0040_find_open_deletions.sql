-- Deletions that were cut off are looked for every minute, among the receipts of all that ever was
-- deleted.
CREATE INDEX deletion_receipt_open ON deletion_receipt (requested_at) WHERE finished_at IS NULL;

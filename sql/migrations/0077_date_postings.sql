-- Since when postings wait for the worker that merges them, or takes them out.
ALTER TABLE posting ADD COLUMN written_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE posting_gone ADD COLUMN gone_at timestamptz NOT NULL DEFAULT now();

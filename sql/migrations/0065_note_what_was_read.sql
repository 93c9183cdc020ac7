-- What an answerer read of what was found: pieces of neighbouring passages, and counts.

ALTER TABLE trace ADD COLUMN reading jsonb; -- null: nothing was read, or it is a search

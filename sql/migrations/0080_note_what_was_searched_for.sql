-- How a question was read: the text that was searched for, and which documents it was looked for in.

ALTER TABLE trace ADD COLUMN searched_for jsonb; -- null: it was not read
ALTER TABLE trace ALTER COLUMN searched_for SET STATISTICS 0; -- a person's words

-- Dataset, release, spaces, and how many questions and documents counted. Null: kept before that.

ALTER TABLE experiment ADD COLUMN basis jsonb;

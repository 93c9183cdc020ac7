-- The planner's statistics are a copy that outlives the row.
ALTER TABLE verdict ALTER COLUMN reason SET STATISTICS 0, ALTER COLUMN figures SET STATISTICS 0;
ALTER TABLE review ALTER COLUMN reason SET STATISTICS 0,
    ALTER COLUMN content_hash SET STATISTICS 0;
ALTER TABLE signature ALTER COLUMN packed SET STATISTICS 0;

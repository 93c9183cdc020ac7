-- What each guard said of the question, of the passages and of the answer; no words of any.

ALTER TABLE trace ADD COLUMN verdicts jsonb; -- null: from before there were guards

-- How many answers are kept is bound for each person: one's leave those of others alone.

DROP INDEX kept_question_finished;
CREATE INDEX kept_question_finished
    ON kept_question (tenant_id, user_id, finished_at) WHERE finished_at IS NOT NULL;

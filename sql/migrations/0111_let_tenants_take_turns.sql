-- Whose question is answered next is found by leaping from tenant to tenant.

ALTER TABLE kept_question
    ADD COLUMN claimed_at timestamptz, -- last; whose turn is next follows from it
    ALTER COLUMN asked DROP NOT NULL;  -- null: it is answered, and nobody reads the question again
DROP INDEX kept_question_due;
DROP INDEX kept_question_finished;
CREATE INDEX kept_question_queued ON kept_question (tenant_id, run_at, id) WHERE state = 'queued';
CREATE INDEX kept_question_claimed
    ON kept_question (tenant_id, claimed_at) WHERE claimed_at IS NOT NULL;
CREATE INDEX kept_question_finished
    ON kept_question (tenant_id, finished_at) WHERE finished_at IS NOT NULL;

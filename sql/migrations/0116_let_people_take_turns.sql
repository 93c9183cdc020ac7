-- Within a tenant, too, whose question is answered next is found by leaping, from person to person.

DROP INDEX kept_question_queued;
CREATE INDEX kept_question_queued
    ON kept_question (tenant_id, user_id, run_at, id) WHERE state = 'queued';
CREATE INDEX kept_question_claimed_of_person
    ON kept_question (tenant_id, user_id, claimed_at) WHERE claimed_at IS NOT NULL;

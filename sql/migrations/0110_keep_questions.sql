-- Questions that are answered later, and their answers for as long as they are kept.

CREATE TABLE kept_question (
    tenant_id    integer     NOT NULL,
    id           uuid        NOT NULL,
    user_id      text        NOT NULL,
    asked        jsonb       NOT NULL,
    state        text        NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    attempts     smallint    NOT NULL DEFAULT 0,
    waits        smallint    NOT NULL DEFAULT 0, -- of these, those that a dependency ended
    run_at       timestamptz NOT NULL,
    lease        uuid,
    leased_until timestamptz,
    problem_kind text, -- no more: the words of a problem may quote documents
    created_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES principal ON DELETE CASCADE,
    CHECK ((state IN ('done', 'failed')) = (finished_at IS NOT NULL)),
    CHECK ((state = 'running') = (lease IS NOT NULL))
);
ALTER TABLE kept_question ALTER COLUMN asked SET STATISTICS 0; -- a person's words
CREATE INDEX kept_question_due ON kept_question (run_at) WHERE state = 'queued';
CREATE INDEX kept_question_leased ON kept_question (leased_until) WHERE state = 'running';
CREATE INDEX kept_question_finished ON kept_question (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE kept_answer (
    tenant_id   integer   NOT NULL,
    question_id uuid      NOT NULL,
    body        jsonb     NOT NULL,
    documents   uuid[]    NOT NULL, -- that it is made from
    passages    integer[] NOT NULL,
    PRIMARY KEY (tenant_id, question_id),
    FOREIGN KEY (tenant_id, question_id) REFERENCES kept_question ON DELETE CASCADE
);
ALTER TABLE kept_answer
    ALTER COLUMN body SET STATISTICS 0,
    ALTER COLUMN documents SET STATISTICS 0,
    ALTER COLUMN passages SET STATISTICS 0;

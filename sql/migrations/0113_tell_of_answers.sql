-- Who wants to be told when his question has ended, and where. A row that was taken is due again
-- by itself after a while, unless whoever took it says how it went.

CREATE TABLE webhook (
    tenant_id   integer     NOT NULL,
    question_id uuid        NOT NULL,
    url         text,                 -- null: it has ended; a url may hold a password
    origin      text        NOT NULL, -- of the url: there are bounds for each
    state       text        NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts    smallint    NOT NULL DEFAULT 0,
    run_at      timestamptz,          -- null: the question has not ended
    lease       uuid,
    claimed_at  timestamptz,          -- last; whose turn is next follows from it
    PRIMARY KEY (tenant_id, question_id),
    FOREIGN KEY (tenant_id, question_id) REFERENCES kept_question ON DELETE CASCADE,
    CHECK ((state = 'waiting') = (url IS NOT NULL))
);
ALTER TABLE webhook ALTER COLUMN url SET STATISTICS 0;
CREATE INDEX webhook_due ON webhook (origin, run_at) WHERE state = 'waiting';
CREATE INDEX webhook_sent ON webhook (origin, run_at) WHERE lease IS NOT NULL;
CREATE INDEX webhook_claimed ON webhook (origin, claimed_at) WHERE claimed_at IS NOT NULL;

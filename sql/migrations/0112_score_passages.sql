-- What the guards' classifier says of passages: scored once, when they come, not when they are read.

CREATE TABLE passage_score (
    tenant_id  integer NOT NULL,
    passage_id integer NOT NULL,
    digest     bytea   NOT NULL, -- SHA-256 of what was scored: the text with its titles
    version    text    NOT NULL, -- of the classifier
    score      double precision NOT NULL, -- from 0 to 1
    threshold  double precision NOT NULL, -- of that version
    PRIMARY KEY (tenant_id, passage_id),
    FOREIGN KEY (tenant_id, passage_id) REFERENCES passage ON DELETE CASCADE
);
ALTER TABLE passage_score
    ALTER COLUMN digest SET STATISTICS 0,
    ALTER COLUMN score SET STATISTICS 0,
    ALTER COLUMN threshold SET STATISTICS 0;
CREATE INDEX passage_score_digest ON passage_score (tenant_id, digest); -- of copies, and anew

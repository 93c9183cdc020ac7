-- One row at most: what the key of pseudonyms says of itself. A process with another key would
-- call people by other names, and deleting a person would find none of their traces.
CREATE TABLE pseudonym_key (
    is_only     boolean     PRIMARY KEY DEFAULT true CHECK (is_only),
    mark        text        NOT NULL CHECK (length(mark) = 32),
    created_at  timestamptz NOT NULL
);

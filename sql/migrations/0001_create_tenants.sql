-- Who there is: tenants, the people in them, and their keys.

CREATE TABLE tenant (
    id          integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text        NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    created_at  timestamptz NOT NULL
);

CREATE TABLE principal (
    tenant_id   integer     NOT NULL REFERENCES tenant,
    user_id     text        NOT NULL CHECK (length(user_id) BETWEEN 1 AND 200),
    groups      text[]      NOT NULL,
    clearance   smallint    NOT NULL CHECK (clearance >= 0),
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

-- A key is stored as the SHA-256 of 32 random bytes: nothing to guess, nothing to reverse.
CREATE TABLE api_key (
    tenant_id   integer     NOT NULL,
    id          uuid        NOT NULL,
    user_id     text        NOT NULL,
    key_hash    bytea       NOT NULL UNIQUE CHECK (length(key_hash) = 32),
    may_ingest  boolean     NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES principal
);

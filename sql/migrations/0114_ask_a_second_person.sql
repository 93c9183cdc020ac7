-- Operations that one person asks for and another one grants.

CREATE TABLE approval (
    tenant_id  integer     NOT NULL REFERENCES tenant,
    id         uuid        NOT NULL,
    operation  text        NOT NULL, -- such as release use
    subject    text        NOT NULL, -- what it is done to, and what is set
    asked_by   text        NOT NULL,
    asked_at   timestamptz NOT NULL,
    granted_by text CHECK (granted_by <> asked_by OR granted_by = '(deleted)'), -- never the same
    granted_at timestamptz,
    used_at    timestamptz, -- a grant is for once
    PRIMARY KEY (tenant_id, id),
    CHECK ((granted_by IS NULL) = (granted_at IS NULL)),
    CHECK (used_at IS NULL OR granted_at IS NOT NULL)
);

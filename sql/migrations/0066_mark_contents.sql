-- What a tenant's people may find is marked anew by each transaction that changes it, so that who
-- reads a replica can tell whether it has all of it (sql/repeatable/replicas.sql).
ALTER TABLE tenant ADD content_mark uuid NOT NULL DEFAULT gen_random_uuid();

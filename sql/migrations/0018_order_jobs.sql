-- What comes first, why a job waits or ended, and which jobs a broker has been told of.

ALTER TABLE job
    ADD COLUMN priority     smallint NOT NULL DEFAULT 0, -- the lower comes first, in its tenant
    ADD COLUMN waits        smallint NOT NULL DEFAULT 0, -- attempts that did not count
    ADD COLUMN problem_kind text,                        -- as in core/errors.py, or bug
    ADD COLUMN claimed_at   timestamptz,                 -- last; whose turn is next follows from it
    ADD COLUMN announced_at timestamptz;                 -- null: a broker must still be told

DROP INDEX job_waiting;
CREATE INDEX job_queued ON job (tenant_id, priority, run_at, id) WHERE state = 'queued';
CREATE INDEX job_running ON job (tenant_id, leased_until) WHERE state = 'running';
CREATE INDEX job_claimed ON job (tenant_id, claimed_at) WHERE claimed_at IS NOT NULL;
CREATE INDEX job_to_announce ON job (run_at) WHERE state = 'queued' AND announced_at IS NULL;
CREATE INDEX job_failed ON job (tenant_id, id) WHERE state = 'failed';

-- Scans wait in a line of their own, for a place where they are recognised.

ALTER TABLE job ADD COLUMN is_scan boolean NOT NULL DEFAULT false; -- found when it was read

DROP INDEX job_queued;
CREATE INDEX job_queued ON job (tenant_id, priority, is_scan, run_at, id) WHERE state = 'queued';

"""Dates that no client can read, stored by an earlier version, are gone after an upgrade."""

import shutil
from pathlib import Path

import psycopg
import pytest

from roadworthy.plumbing.migrations import migrate, sql_folder

BOUNDS = "migrations/0027_bound_file_dates.sql"
# What is tested is one table, so it stands alone here.
ALONE = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT conname FROM pg_constraint
                 WHERE conrelid = 'document'::regclass AND contype = 'f' LOOP
        EXECUTE format('ALTER TABLE document DROP CONSTRAINT %I', name);
    END LOOP;
END $$
"""
STORE = """
INSERT INTO document (tenant_id, id, corpus_id, acl_id, owner, name, title, media_type, language,
                      metadata, version, state, created_at, updated_at,
                      file_created_at, file_modified_at)
SELECT 1, gen_random_uuid(), 1, 1, 'ann', number::text, '', 'text/plain', 'en',
       '{}', 1, 'ready', now(), now(), created, modified
  FROM (VALUES (1, '0001-01-01Z BC'::timestamptz, '2026-01-01Z'::timestamptz),
               (2, '2026-01-01Z', '9999-12-31 23:59:59-14')) AS file (number, created, modified)
"""
OPEN = "ALTER TABLE document NO FORCE ROW LEVEL SECURITY"
IS_FORCED = "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'document'::regclass"
READ = "SELECT file_created_at IS NULL, file_modified_at IS NULL FROM document ORDER BY name"


def test_dates_that_nobody_can_read_are_taken_out(empty_database, tmp_path):
    folder = shutil.copytree(sql_folder(), tmp_path / "sql")
    for later in sorted((folder / "migrations").iterdir()):
        if later.name >= Path(BOUNDS).name:
            later.unlink()
    shutil.rmtree(folder / "repeatable")  # speaks of what later migrations make
    (folder / "repeatable").mkdir()
    migrate(empty_database, progress=lambda _: None, folder=folder)
    with psycopg.connect(empty_database) as conn:
        for statement in (ALONE, OPEN, STORE):
            conn.execute(statement)
        conn.execute(OPEN.replace(" NO", ""))
    shutil.copy(sql_folder() / BOUNDS, folder / BOUNDS)
    migrate(empty_database, progress=lambda _: None, folder=folder)
    with psycopg.connect(empty_database) as conn:
        assert conn.execute(IS_FORCED).fetchall() == [(True,)]
        conn.execute(OPEN)
        assert conn.execute(READ).fetchall() == [(True, False), (False, True)]
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute(STORE)

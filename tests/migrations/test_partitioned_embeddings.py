"""After an upgrade older vectors are in the shared partition, guarded as in a new database."""

import shutil

import psycopg
import pytest

from roadworthy.plumbing.migrations import migrate, read_migrations, schema_dump, sql_folder

# As an earlier version leaves them; what is tested is one table, so nothing is there to refer to.
STORED = """
SET session_replication_role = replica;
INSERT INTO embedding (tenant_id, space_id, corpus_id, acl_id, passage_id, document_id, vector)
VALUES (1, 2, 3, 4, 5, gen_random_uuid(), '[1,2]');
CREATE POLICY earlier ON embedding TO roadworthy_app USING (true);
ALTER TABLE embedding ENABLE ROW LEVEL SECURITY;
GRANT SELECT, UPDATE (acl_id) ON embedding TO roadworthy_app;
"""
READ = "SELECT tenant_id, passage_id, place, tableoid::regclass::text FROM embedding"


@pytest.fixture
def earlier_version(tmp_path):
    """The migrations before; the policies speak of what later ones make."""
    folder = shutil.copytree(sql_folder(), tmp_path / "sql")
    shutil.rmtree(folder / "repeatable")
    for migration in read_migrations(folder):
        if migration.number is not None and migration.number >= 50:
            (folder / "migrations" / migration.name).unlink()
    return folder


def test_vectors_stay_and_are_guarded_as_in_a_new_database(
    empty_database, fresh_database, earlier_version, postgres_cluster
):
    migrate(empty_database, progress=lambda _: None, folder=earlier_version)
    with psycopg.connect(postgres_cluster.superuser_url_of(empty_database)) as conn:
        conn.execute(STORED)
    migrate(empty_database, progress=lambda _: None)
    with psycopg.connect(postgres_cluster.superuser_url_of(empty_database)) as conn:
        assert conn.execute(READ).fetchall() == [(1, 5, 0, "embedding_shared")]
    assert schema_dump(empty_database) == schema_dump(fresh_database)

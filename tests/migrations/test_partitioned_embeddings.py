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
ALTER TABLE embedding ENABLE ROW LEVEL SECURITY;
CREATE POLICY admitted ON embedding TO roadworthy_app USING (acl_id = 4);
CREATE POLICY one_tenant ON embedding AS RESTRICTIVE TO roadworthy_app
    USING (tenant_id IN (SELECT 1 WHERE embedding.space_id = 2));
CREATE POLICY worker ON embedding TO roadworthy_worker USING (tenant_id = 1);
GRANT SELECT, UPDATE (acl_id) ON embedding TO roadworthy_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON embedding TO roadworthy_worker;
GRANT USAGE ON SCHEMA public TO roadworthy_app, roadworthy_worker;
"""
INSERT = """
INSERT INTO embedding (tenant_id, space_id, corpus_id, acl_id, passage_id, document_id, vector)
VALUES (1, 2, 3, 4, 6, gen_random_uuid(), '[1,2]'), (1, 2, 3, 9, 7, gen_random_uuid(), '[1,2]')
"""
READ = "SELECT tenant_id, passage_id, place, tableoid::regclass::text FROM embedding"


@pytest.fixture
def until(tmp_path):
    """Copy the migrations up to a number; the policies speak of what later ones make."""

    def copied(number):
        folder = shutil.copytree(sql_folder(), tmp_path / str(number))
        shutil.rmtree(folder / "repeatable")
        for migration in read_migrations(folder):
            if migration.number is not None and migration.number > number:
                (folder / "migrations" / migration.name).unlink()
        return folder

    return copied


def test_vectors_stay_and_are_guarded_as_in_a_new_database(
    empty_database, fresh_database, until, postgres_cluster
):
    migrate(empty_database, progress=lambda _: None, folder=until(49))
    with psycopg.connect(postgres_cluster.superuser_url_of(empty_database)) as conn:
        conn.execute(STORED)
    migrate(empty_database, progress=lambda _: None)
    with psycopg.connect(postgres_cluster.superuser_url_of(empty_database)) as conn:
        assert conn.execute(READ).fetchall() == [(1, 5, 0, "embedding_shared")]
    assert schema_dump(empty_database) == schema_dump(fresh_database)


def test_both_roles_go_on_before_the_policies_are_made_anew(
    empty_database, fresh_database, until, postgres_cluster
):
    """The version before searches and publishes while later migrations run, or wait for a mend."""
    migrate(empty_database, progress=lambda _: None, folder=until(49))
    with psycopg.connect(postgres_cluster.superuser_url_of(empty_database)) as conn:
        conn.execute(STORED)
    migrate(empty_database, progress=lambda _: None, folder=until(50))
    with psycopg.connect(postgres_cluster.superuser_url_of(empty_database)) as conn:
        conn.execute("SET session_replication_role = replica")  # there is no passage to refer to
        conn.execute("SET ROLE roadworthy_worker")
        conn.execute(INSERT)
        conn.execute("SET ROLE roadworthy_app")
        seen = conn.execute("SELECT passage_id FROM embedding ORDER BY 1").fetchall()
        assert seen == [(5,), (6,)]
        assert conn.execute("UPDATE embedding SET acl_id = 4").rowcount == 2
        assert conn.execute("SELECT FROM embedding WHERE acl_id = 4").rowcount == 2
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("DELETE FROM embedding")

"""Doctor finds what would let somebody read what is not his: each fault is injected."""

import dataclasses

import psycopg
import pytest
from psycopg import sql

from roadworthy.bootstrap import APP_ROLE
from roadworthy.diagnosis.database import OPEN_TO_WORKER, check_database
from roadworthy.diagnosis.permissions import check_rows
from roadworthy.plumbing.database import with_role

OPEN = """
SELECT tablename FROM pg_policies
 WHERE schemaname = 'public' AND roles = '{roadworthy_worker}' AND qual = 'true'
   AND tablename IN (SELECT table_name FROM information_schema.columns
                      WHERE column_name = 'tenant_id' OR table_name = 'tenant')
"""


def faults(urls):
    return {check.name: check for check in check_database(urls) if not check.ok}


@pytest.fixture
def superuser(postgres_cluster, fresh_database):
    """A connection that may break anything in this test's database."""
    url = postgres_cluster.server.superuser_url(fresh_database.rpartition("/")[2])
    with psycopg.connect(url, autocommit=True) as conn:
        yield conn


@pytest.fixture
def role(superuser, urls):
    """A login of this test's own that is the app's role, and more if the test makes it so."""
    name = f"test_{urls.owner.rpartition('/')[2]}"
    quoted = sql.Identifier(name)
    create = "CREATE ROLE {} LOGIN PASSWORD 'x' IN ROLE roadworthy_app"
    superuser.execute(sql.SQL(create).format(quoted))
    yield name, dataclasses.replace(urls, app=with_role(urls.app, user=name, password="x"))
    superuser.execute(sql.SQL("DROP OWNED BY {}").format(quoted))
    superuser.execute(sql.SQL("DROP ROLE {}").format(quoted))


def test_a_migrated_database_is_well(urls):
    checks = check_database(urls)
    assert faults(urls) == {}
    assert {check.name for check in checks} == {
        "database", "pgvector", "migrations", "stage", "clock", "roles", "row-level security",
        "policies", "no context", "one database",
    }  # fmt: skip


def test_where_workers_look_for_work_of_all_tenants_is_known(superuser):
    assert {name for (name,) in superuser.execute(OPEN)} == set(OPEN_TO_WORKER)


def test_a_database_that_does_not_answer_is_told_without_secrets(urls):
    down = dataclasses.replace(urls, app="postgresql://roadworthy_app:secret@127.0.0.1:9/none")
    [check] = check_database(down)
    assert (check.ok, check.name, "secret" in check.sentence) == (False, "database", False)


def test_a_member_of_the_app_role_is_well(role):
    assert faults(role[1]) == {}


@pytest.mark.parametrize(
    ("grant", "word"),
    [
        ("ALTER ROLE {} BYPASSRLS", "BYPASSRLS"),
        ("ALTER ROLE {} SUPERUSER", "superuser"),
        ("GRANT roadworthy_owner TO {}", "owns tables"),
        ("GRANT roadworthy_worker TO {}", "roadworthy_worker"),
        ("REVOKE roadworthy_app FROM {}; GRANT pg_read_all_data TO {}", "no roadworthy_app"),
    ],
)
def test_a_role_with_too_many_rights_or_too_few_is_refused(role, superuser, grant, word):
    name, urls = role
    for statement in grant.split("; "):
        superuser.execute(sql.SQL(statement).format(sql.Identifier(name)))
    assert word in faults(urls)["roles"].sentence


@pytest.mark.parametrize(
    ("change", "name", "word"),
    [
        ("ALTER TABLE passage DISABLE ROW LEVEL SECURITY", "row-level security", "passage"),
        ("ALTER TABLE trace NO FORCE ROW LEVEL SECURITY", "row-level security", "trace"),
        ("CREATE TABLE note (tenant_id integer, text text)", "row-level security", "note"),
        ("DROP POLICY one_tenant ON document", "policies", "one_tenant on document"),
        ("ALTER POLICY admitted ON passage USING (true)", "policies", "admitted on passage"),
        ("CREATE POLICY all_see ON revision USING (true)", "policies", "all_see on revision"),
        ("ALTER POLICY mine ON trace TO PUBLIC", "policies", "mine on trace"),
    ],
)
def test_a_change_of_the_policies_is_named(urls, superuser, change, name, word):
    superuser.execute(change)
    assert word in faults(urls)[name].sentence


def test_rows_that_nobody_should_see_are_noticed(urls, superuser):
    superuser.execute("INSERT INTO tenant (name, created_at) VALUES ('acme', now())")
    superuser.execute("INSERT INTO principal SELECT id, 'ana', '{}', 0, now() FROM tenant")
    superuser.execute("ALTER TABLE principal DISABLE ROW LEVEL SECURITY")
    with psycopg.connect(urls.app) as conn:
        check = check_rows(conn, role=APP_ROLE, open_tables=())
    assert (check.ok, "principal" in check.sentence) == (False, True)


def test_a_missing_extension_is_told(urls, superuser):
    superuser.execute("DROP EXTENSION vector CASCADE")
    assert "CREATE EXTENSION" in faults(urls)["pgvector"].mend


def test_a_migration_that_was_not_applied_is_told(urls, superuser):
    superuser.execute("DELETE FROM schema_migration WHERE name LIKE 'repeatable/%'")
    assert "roadworthy migrate" in faults(urls)["migrations"].mend


def test_a_changed_migration_is_named(urls, superuser):
    superuser.execute("UPDATE schema_migration SET checksum = 'old' WHERE name LIKE '0002%'")
    assert "0002" in faults(urls)["migrations"].sentence


def test_an_empty_database_lacks_its_migrations(urls, empty_database):
    name = empty_database.rpartition("/")[2]
    empty = dataclasses.replace(
        urls, owner=empty_database, app=urls.app.replace(urls.owner.rpartition("/")[2], name)
    )
    assert "lacks" in faults(empty)["migrations"].sentence

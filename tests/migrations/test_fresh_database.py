"""Each test gets a migrated database of its own, and leaves none behind."""

import psycopg
import pytest

from roadworthy.plumbing.migrations import pending
from tests.postgres_cluster import database_name


def exists(cluster, name: str) -> bool:
    with psycopg.connect(cluster.server.superuser_url()) as conn:
        found = conn.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [name])
        return found.fetchone() == (1,)


def test_it_is_migrated(fresh_database):
    assert pending(fresh_database) == []


def test_two_share_nothing(postgres_cluster, fresh_database):
    with postgres_cluster.fresh_database() as other:
        with psycopg.connect(other) as conn:
            conn.execute("CREATE TABLE mine ()")
        with psycopg.connect(fresh_database) as conn:
            assert conn.execute("SELECT to_regclass('mine')").fetchone() == (None,)


def test_it_is_gone_after_the_test_even_while_in_use(postgres_cluster):
    with postgres_cluster.fresh_database() as url:
        conn = psycopg.connect(url)
        assert exists(postgres_cluster, database_name(url))
    assert not exists(postgres_cluster, database_name(url))
    with pytest.raises(psycopg.OperationalError):
        conn.execute("SELECT 1")
    conn.close()

"""Rows leave the files of their tables, or it is said who keeps them there."""

import threading

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from roadworthy.core.errors import Busy
from roadworthy.deletion.purging import purge


@pytest.fixture
def owner(urls):
    with psycopg.connect(urls.owner, autocommit=True) as conn:
        conn.execute("CREATE TABLE note (text text)")
        conn.execute("INSERT INTO note VALUES ('forget this')")
        yield conn
        conn.execute("DROP TABLE note")


@pytest.fixture(params=["reads", "writes", "writes elsewhere"])
def other(request, urls, owner):
    """A transaction that keeps rows which are deleted after its beginning."""
    database = {"dbname": "postgres"} if request.param == "writes elsewhere" else {}
    with psycopg.connect(make_conninfo(urls.owner, **database)) as conn:
        if request.param == "reads":
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            conn.execute("SELECT 1")
        else:
            conn.execute("SELECT pg_current_xact_id()")
        yield conn


def size(conn):
    [(told,)] = conn.execute("SELECT pg_relation_size('note')").fetchall()
    return told


def test_deleted_rows_leave_the_file(owner):
    owner.execute("DELETE FROM note")
    assert size(owner) > 0
    purge(owner, ["note"], patience_s=30)
    assert size(owner) == 0


def test_who_keeps_them_there_is_named_and_nothing_is_written(owner, other):
    owner.execute("DELETE FROM note")
    with pytest.raises(Busy, match=rf"\bprocess {other.info.backend_pid}\b"):
        purge(owner, ["note"], patience_s=0.3)
    assert size(owner) > 0
    owner.execute("VACUUM FULL note")
    assert size(owner) > 0  # so it is right to wait for that one


def test_it_waits_for_that_one(owner, other):
    owner.execute("DELETE FROM note")
    timer = threading.Timer(0.5, other.rollback)
    timer.start()
    purge(owner, ["note"], patience_s=30)
    timer.join()
    assert size(owner) == 0

"""Rows leave the files of their tables, or it is said who keeps them there."""

import threading
from contextlib import contextmanager

import psycopg
import pytest

from roadworthy.core.errors import Busy
from roadworthy.deletion.purging import purge


@pytest.fixture
def owner(urls):
    with psycopg.connect(urls.owner, autocommit=True) as conn:
        conn.execute("CREATE TABLE note (text text)")
        conn.execute("INSERT INTO note VALUES ('forget this')")
        yield conn
        conn.execute("DROP TABLE note")


@pytest.fixture
def reader(urls, owner):
    """A transaction that may read what is deleted after its beginning."""
    with begun(urls) as conn:
        yield conn


@contextmanager
def begun(urls):
    with psycopg.connect(urls.app) as conn:
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        conn.execute("SELECT 1")
        yield conn


def size(conn):
    [(told,)] = conn.execute("SELECT pg_relation_size('note')").fetchall()
    return told


def test_deleted_rows_leave_the_file(owner):
    owner.execute("DELETE FROM note")
    assert size(owner) > 0
    purge(owner, ["note"], patience_s=10)
    assert size(owner) == 0


def test_who_may_still_read_them_is_named_and_nothing_is_written(owner, reader):
    owner.execute("DELETE FROM note")
    with pytest.raises(Busy, match=rf"\bprocess {reader.info.backend_pid}\b"):
        purge(owner, ["note"], patience_s=0.3)
    assert size(owner) > 0


def test_it_waits_for_who_reads_and_for_nobody_who_began_later(owner, reader, urls):
    owner.execute("DELETE FROM note")
    timer = threading.Timer(0.5, reader.rollback)
    with begun(urls):
        timer.start()
        purge(owner, ["note"], patience_s=30)
        timer.join()
    assert size(owner) == 0

"""Two databases of one server may be brought up at once, though they share their roles."""

import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from roadworthy.plumbing.embedded_postgres import EmbeddedPostgres
from tests.conftest import provisioned

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture
def server():
    # Not below pytest's own folder: the server's account may not enter there.
    home = Path(tempfile.mkdtemp(prefix="roadworthy-test-roles-"))
    try:
        server = EmbeddedPostgres(home, settings={"fsync": "off"})
        with server.running():
            yield server
    finally:
        shutil.rmtree(home)


def test_who_meets_another_change_of_a_role_tries_again(server):
    with (
        psycopg.connect(server.superuser_url()) as other,
        psycopg.connect(server.superuser_url(), autocommit=True) as looking,
        ThreadPoolExecutor(1) as pool,
    ):
        provisioned(server.url)
        looking.execute("ALTER ROLE roadworthy_app PASSWORD 'another'")
        other.execute("ALTER ROLE roadworthy_app CONNECTION LIMIT 50")
        bringing_up = pool.submit(provisioned, server.url)
        until = time.monotonic() + 30
        while looking.execute(WAITING).fetchone() == (0,) and not bringing_up.done():
            assert time.monotonic() < until
            time.sleep(0.05)
        other.commit()
        psycopg.connect(bringing_up.result(30).app).close()

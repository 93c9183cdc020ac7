"""A worker may be killed, stopped or cut off at any moment: nothing is lost, nothing doubled."""

import signal
import time

import psutil
import psycopg
import pytest

from roadworthy.worker import is_working
from tests.postgres_cluster import meeting
from tests.waiting import until
from tests.world import words_vector

pytestmark = pytest.mark.anyio

DOCUMENTS = 12
# Time passes for the leases of dead workers, and for nobody else's.
EXPIRE = "UPDATE job SET leased_until = now() - interval '1 s' WHERE state = 'running'"
LISTENERS = """
SELECT count(*) FROM pg_stat_activity
 WHERE application_name = 'roadworthy-listener' AND datname = current_database()
"""
CUT_OFF = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE application_name LIKE 'roadworthy-%' AND datname = current_database()
"""
COUNTS = """
SELECT (SELECT count(*) FROM passage),
       (SELECT count(DISTINCT (document_id, ordinal)) FROM passage),
       (SELECT sum(passages) FROM passage_count),
       (SELECT count(*) FROM embedding)
"""


def slow_vector(text):
    time.sleep(0.05)
    return words_vector(text)


@pytest.fixture(autouse=True)
def _slow_models(models):
    models.embed = slow_vector


@pytest.fixture
def rows(postgres_cluster, fresh_database):
    """Ask the database as its superuser, whom no policy binds."""
    url = postgres_cluster.server.superuser_url(fresh_database.rpartition("/")[2])
    with psycopg.connect(url, autocommit=True) as conn:
        yield lambda query: conn.execute(query).fetchall()


async def upload_all(world, count=DOCUMENTS):
    for number in range(count):
        sections = "\n\n".join(f"# Part {part}\n\n{'word ' * 150}" for part in range(4))
        await world.upload(f"{number}.md", f"# Document {number}\n\n{sections}")


def states(rows):
    return dict(rows("SELECT state, count(*) FROM job GROUP BY state"))


async def test_killed_in_the_middle_it_loses_and_doubles_nothing(cli, world, rows):
    await upload_all(world)
    with cli.running("worker") as worker:
        await until(lambda: states(rows).get("done", 0) >= 2 and states(rows).get("running"))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    left = states(rows)
    assert left["running"] > 0
    assert left["done"] < DOCUMENTS
    rows(EXPIRE + " RETURNING 1")
    with cli.running("worker"):
        await until(lambda: states(rows) == {"done": DOCUMENTS})
    assert rows("SELECT DISTINCT state, version FROM document") == [("ready", 1)]
    passages, distinct, counted, embedded = rows(COUNTS)[0]
    assert passages == distinct == counted == embedded >= DOCUMENTS


async def test_told_to_stop_it_ends_the_job_at_hand(cli, world, rows):
    await upload_all(world, count=4)
    with cli.running("worker") as worker:
        await until(lambda: states(rows).get("running"))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=15) == 0
    assert "running" not in states(rows)


async def test_cut_off_from_the_database_it_comes_back(cli, world, rows):
    with cli.running("worker") as worker:
        await until(lambda: is_working(cli.settings.home) and rows(LISTENERS) != [(0,)])
        rows(CUT_OFF)
        await upload_all(world, count=2)
        await until(lambda: states(rows) == {"done": 2})
        await until(lambda: rows(LISTENERS) != [(0,)])
        assert worker.poll() is None


async def test_a_job_that_met_another_change_is_done_later_and_is_no_bug(cli, world, rows, urls):
    await world.upload("plan.md", "The plan.")
    log = cli.settings.home / "output.log"
    with meeting(urls.owner, "UPDATE ON job"), cli.running("worker"):
        await until(lambda: log.exists() and "Two changes met" in log.read_text())
    with cli.running("worker"):
        await until(lambda: states(rows) == {"done": 1})
    assert "bug" not in log.read_text()


async def test_its_presence_ends_with_it_however_it_ends(cli, world):
    with cli.running("worker") as worker:
        await until(lambda: is_working(cli.settings.home))
        children = psutil.Process(worker.pid).children()
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        assert not is_working(cli.settings.home)
    await until(
        lambda: not any(child.is_running() and child.status() != "zombie" for child in children)
    )

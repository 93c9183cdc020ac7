"""A corpus goes into another space in the background, whatever is killed on the way."""

import signal
import time

import psycopg
import pytest

from roadworthy.corpus.terms import METHOD
from tests.waiting import until
from tests.world import make_other_space, turned_vector

pytestmark = pytest.mark.anyio

DOCUMENTS, PASSAGES = 6, 80
SPACES = """
SELECT embedding_space.name, count(*) FROM embedding JOIN embedding_space ON id = space_id
 GROUP BY name ORDER BY name
"""
EXPIRE = "UPDATE job SET leased_until = now() - interval '1 s' WHERE state = 'running' RETURNING 1"
LEFT = "SELECT count(*) FROM job WHERE state IN ('queued', 'running')"
ENGLISH = "The harbour pump needs fresh oil every month, and somebody writes that into the book."
FRENCH = "La pompe du port a besoin d'huile chaque mois, et quelqu'un le note dans le livre."


def slow(text):
    time.sleep(0.01)
    return turned_vector(text)


@pytest.fixture
def rows(postgres_cluster, fresh_database):
    """Ask the database as its superuser, whom no policy binds."""
    url = postgres_cluster.server.superuser_url(fresh_database.rpartition("/")[2])
    with psycopg.connect(url, autocommit=True) as conn:
        yield lambda query: conn.execute(query).fetchall()


@pytest.fixture
def two_models(models):
    models.further = {"turned": slow, "turned-en": turned_vector}
    return models


def held(rows):
    return dict(rows(SPACES))


async def fill(world):
    for number in range(DOCUMENTS):
        await world.add(
            f"{number}.txt", "\n\n".join(f"pump {number} part {n}" for n in range(PASSAGES))
        )
    await make_other_space(world.database)


def run(cli, *words, code=0):
    done = cli.run(*words)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


async def test_killed_in_the_middle_it_goes_on_where_it_was(cli, world, rows, two_models):
    await fill(world)
    total = DOCUMENTS * PASSAGES
    assert "6 documents" in run(cli, "corpus", "reembed", "main", "--space", "turned", "--no-wait")
    with cli.running("worker") as worker:
        await until(lambda: held(rows).get("turned", 0) > PASSAGES)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    done = held(rows)["turned"]
    assert PASSAGES < done < total
    run(cli, "corpus", "switch", "main", "--space", "turned", code=4)
    rows(EXPIRE)
    two_models.forget()
    two_models.further = {"turned": slow}
    with cli.running("worker"):
        await until(lambda: rows(LEFT) == [(0,)])
    assert held(rows) == {"turned": total, "words": total}
    asked = {text for each in two_models.requests("/embeddings") for text in each.body["input"]}
    assert sum("part" in text for text in asked) == total - done
    run(cli, "corpus", "switch", "main", "--space", "turned")
    assert "turned" in run(cli, "corpus", "list")


async def test_it_is_followed_to_its_end_switched_back_and_dropped(cli, world, rows, two_models):
    two_models.further["turned"] = turned_vector
    await fill(world)
    run(cli, "corpus", "reembed", "main", "--space", "turned")
    run(cli, "corpus", "switch", "main", "--space", "turned")
    run(cli, "corpus", "drop-space", "main", "--space", "words", code=4)  # the live release's
    run(cli, "corpus", "switch", "main", "--space", "words")
    assert "kept" in run(cli, "corpus", "show", "main")
    assert "480" in run(cli, "corpus", "drop-space", "main", "--space", "turned")
    assert held(rows) == {"words": DOCUMENTS * PASSAGES}
    run(cli, "corpus", "drop-space", "main", "--space", "words", code=4)


@pytest.mark.parametrize(
    "words",
    [
        ("show", "main"),
        ("switch", "main", "--space", "words"),
        ("drop-space", "main", "--space", "x"),
    ],
    ids=lambda words: words[0],
)
async def test_spaces_are_the_business_of_the_operator_alone(cli, world, words):
    run(cli, "--as", "ana", "corpus", *words, code=5)


async def test_a_language_is_routed_and_documents_that_come_later_too(
    cli, world, rows, two_models, tmp_path
):
    for name, text in (("en.txt", ENGLISH), ("fr.txt", FRENCH)):
        (tmp_path / name).write_text(text)
    run(cli, "ingest", str(tmp_path / "en.txt"))
    assert "for en" in run(cli, "space", "add", "turned-en", "--language", "en")
    run(cli, "corpus", "route", "main", "--language", "en", "--space", "turned-en")
    run(cli, "ingest", str(tmp_path / "fr.txt"))
    assert held(rows) == {"turned-en": 1, "words": 2}
    (tmp_path / "en2.txt").write_text(ENGLISH + " Twice.")
    run(cli, "ingest", str(tmp_path / "en2.txt"))
    assert held(rows) == {"turned-en": 2, "words": 3}


async def test_passages_of_a_mixed_document_have_their_own_language(cli, world, rows, tmp_path):
    body = "\n\n".join(f"# Part {n}\n\n{text * 12}" for n, text in enumerate((FRENCH, ENGLISH)))
    (tmp_path / "mixed.md").write_text(body)
    run(cli, "ingest", str(tmp_path / "mixed.md"))
    assert set(rows("SELECT DISTINCT language FROM passage")) == {("fr",), ("en",)}
    document = rows("SELECT id FROM document")[0][0]
    run(cli, "document", "language", str(document), "fr")
    run(cli, "corpus", "reindex", "main")
    assert rows("SELECT DISTINCT language FROM passage") == [("fr",)]
    assert rows("SELECT DISTINCT language FROM passage_count WHERE passages > 0") == [("fr",)]


async def test_other_rules_for_words_reach_what_is_published(cli, world, rows, tmp_path):
    (tmp_path / "en.txt").write_text(ENGLISH)
    run(cli, "ingest", str(tmp_path / "en.txt"))
    assert rows("SELECT count(*) FROM posting WHERE term = 'need'") == [(1,)]
    run(cli, "corpus", "route", "main", "--language", "en", "--text-search", "und")
    assert rows("SELECT count(*) FROM posting WHERE term = 'need'") == [(0,)]
    assert rows("SELECT count(*) FROM posting WHERE term = 'needs'") == [(1,)]
    assert rows("SELECT DISTINCT analysis FROM passage") == [(f"{METHOD}:und",)]


async def test_what_an_older_version_analysed_is_analysed_anew(cli, world, rows, tmp_path):
    (tmp_path / "en.txt").write_text(ENGLISH)
    run(cli, "ingest", str(tmp_path / "en.txt"))
    rows("UPDATE passage SET analysis = 'terms-0' RETURNING 1")
    run(cli, "corpus", "reindex", "main")
    assert rows("SELECT DISTINCT analysis FROM passage") == [(METHOD,)]

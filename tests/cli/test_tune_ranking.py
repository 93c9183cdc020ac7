"""`search tune` asks as a person, says what it may say, and never changes what is live."""

import json
import re
import time

import pytest

from roadworthy.core.choosing import LEAST_DOCUMENTS
from roadworthy.corpus.access import access
from roadworthy.releases import BUILT_IN, add_release, make_live

pytestmark = pytest.mark.anyio

NAMES = [f"n{number}" for number in range(30)]


def write(path, names):
    rows = [{"question": f"about {name} pump", "document": f"{name}.txt"} for name in names]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture
async def filled(world):
    """Documents that words tell apart; vectors of 32 hashed words do so less well."""
    await world.put(world.person("ana"), world.person("eve", groups={"board"}))
    for number, name in enumerate(NAMES):
        readers = access(groups=["board"]) if number >= 25 else access()
        await world.upload(f"in/{name}.txt", f"{name} pump valve oil", readers=readers)
    await world.publish_all()
    release = BUILT_IN["extract"].model_copy(update={"space": "words", "vector_weight": 1.0})
    async with world.database.as_worker(world.tenant_id) as conn:
        asked = {"tenant_id": world.tenant_id, "name": "meaning"}
        await add_release(conn, **asked, release=release)
        await make_live(conn, **asked)
    return world


@pytest.fixture
def tune(cli, filled, tmp_path):
    def run(names, *words, user="ana", code=0):
        dataset = write(tmp_path / "questions.jsonl", names)
        done = cli.run("search", "tune", "--dataset", dataset, "--as", user, *words)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def latest(cli):
    listed = cli.run("experiment", "list").stdout.splitlines()[1]
    return json.loads(cli.run("experiment", "show", listed.split()[0]).stdout)


async def test_what_words_find_is_recommended_and_stored_beside_the_live_one(cli, tune):
    said = tune(NAMES, "--release", "tuned")
    kept = latest(cli)
    assert f"Kept as experiment {kept['id']}" in said
    best = kept["tried"][kept["chosen"]]
    assert best["gain"]["low"] > 0, said
    assert f"Stored tuned: {best['setting']['method']}, " in said
    stored = json.loads(cli.run("release", "show", "tuned").stdout)
    assert stored["vector_weight"] == best["setting"]["vector_weight"] < 1
    live = json.loads(cli.run("release", "show", "meaning").stdout)
    assert {name for name in stored if stored[name] != live[name]} <= {"fusion", "vector_weight"}
    assert re.search(r"meaning +live", cli.run("release", "list").stdout)


async def test_what_the_advice_stands_on_is_kept(cli, tune):
    tune(NAMES)
    basis = latest(cli)["basis"]
    assert (basis["dataset"], basis["spaces"]) == ("questions.jsonl", ["words"])
    assert (basis["counted"], basis["documents"]) == (25, 25)
    assert basis["release_hash"].startswith(release_hash(cli, "meaning"))


def release_hash(cli, name):
    return re.search(rf"^{name} .*\b([0-9a-f]{{12}})\b", cli.run("release", "list").stdout, re.M)[1]


async def test_only_what_the_asker_may_see_is_asked(cli, tune):
    assert "5 name no document that ana sees there" in tune(NAMES)
    assert latest(cli)["questions"] == 25
    assert "name no document" not in tune(NAMES, user="eve")


async def test_names_that_fit_nothing_are_told_as_that(tune):
    said = tune([f"no{number}" for number in range(30)], code=2)
    assert "No question of questions.jsonl names a document that is to be seen" in said


async def test_there_is_an_end_to_questions(cli, tune):
    tune(NAMES, "--questions", "21")
    assert latest(cli)["questions"] == 21


async def test_there_is_an_end_to_time(tune, models):
    right, asked = models.embed, []

    def slow(text):
        if "about" in text:
            asked.append(text)
            time.sleep(0.3)
        return right(text)

    models.embed = slow
    assert "There was time for only" in tune(NAMES, "--minutes", "0.01", code=2)
    assert 0 < len(asked) < LEAST_DOCUMENTS


async def test_a_gain_of_nothing_recommends_to_keep(cli, tune):
    tune(NAMES, "--release", "tuned")
    assert cli.run("release", "use", "tuned", "--as", "ana").returncode == 5
    assert cli.run("release", "use", "tuned").returncode == 0
    said = tune(NAMES, "--release", "again")
    assert "keep the release tuned" in said
    assert cli.run("release", "show", "again").returncode == 3


async def test_a_document_counts_once(tune):
    assert "are about 1 documents" in tune(["n1"] * 30, code=2)


async def test_a_name_that_is_taken_is_told_before_anything_is_asked(tune, models):
    models.forget()
    assert "already" in tune(NAMES, "--release", "extract", code=4)
    assert "small letters" in tune(NAMES, "--release", "My Release", code=2)
    asked = [text for each in models.requests("/embeddings") for text in each.body["input"]]
    assert not any("about" in text for text in asked)


async def test_without_a_model_nothing_is_measured(tune, models):
    right = models.embed

    def down(text):
        if "about" in text:
            raise RuntimeError("it is gone")
        return right(text)

    models.embed = down
    assert "Without embeddings nothing is measured" in tune(NAMES, code=7)


async def test_to_look_for_the_word_it_stands_behind_two_hyphens(cli, filled):
    found = cli.run("search", "--as", "ana", "--json", "--", "tune")
    assert json.loads(found.stdout)["hits"]

"""`search tune` asks as a person, says what it may say, and never changes what is live."""

import json
import re

import pytest

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


async def test_what_words_find_is_recommended_and_stored_beside_the_live_one(cli, tune, tmp_path):
    output = tmp_path / "measured.json"
    said = tune(NAMES, "--release", "tuned", "--output", str(output))
    measured = json.loads(output.read_text())
    assert measured["tuned"]["gain"]["low"] > 0, said
    assert f"Stored tuned: {measured['recommended']['fusion']}, " in said
    stored = json.loads(cli.run("release", "show", "tuned").stdout)
    assert stored == measured["recommended"]
    assert stored["vector_weight"] < 1
    live = json.loads(cli.run("release", "show", "meaning").stdout)
    assert {name for name in stored if stored[name] != live[name]} <= {"fusion", "vector_weight"}
    assert re.search(r"meaning +live", cli.run("release", "list").stdout)


async def test_only_what_the_asker_may_see_is_asked(tune, tmp_path):
    output = tmp_path / "measured.json"
    said = tune(NAMES, "--output", str(output))
    assert "5 are about documents that ana may not see" in said
    assert json.loads(output.read_text())["tuned"]["questions"] == 25
    assert "may not see" not in tune(NAMES, user="eve")


async def test_there_is_an_end_to_questions(tune, tmp_path):
    output = tmp_path / "measured.json"
    tune(NAMES, "--questions", "21", "--output", str(output))
    assert json.loads(output.read_text())["tuned"]["questions"] == 21


async def test_there_is_an_end_to_time(tune):
    assert "Too few" in tune(NAMES, "--minutes", "0.000001", code=2)


async def test_a_gain_of_nothing_recommends_to_keep(cli, tune):
    tune(NAMES, "--release", "tuned")
    assert cli.run("release", "use", "tuned").returncode == 0
    said = tune(NAMES, "--release", "again")
    assert "keep the release tuned" in said
    assert cli.run("release", "show", "again").returncode == 3


async def test_a_document_counts_once(tune):
    assert "are about 1 documents" in tune(["n1"] * 30, code=2)


async def test_a_name_that_is_taken_is_told_before_anything_is_asked(tune, models):
    models.forget()
    assert "already" in tune(NAMES, "--release", "extract", code=4)
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

"""`corpus tune` touches nothing that is searched, and recommends only what it can tell."""

import json
import random
import signal
import threading

import pytest

from tests.waiting import until
from tests.world import words_vector

pytestmark = pytest.mark.anyio

WORDS = [f"{a}{b}" for a in ("harbour", "boat", "mast", "keel", "pump", "valve") for b in "aeiou"]
STATE = """
SELECT (SELECT count(*) FROM passage), (SELECT count(*) FROM embedding),
       (SELECT count(*) FROM posting), (SELECT max(version) FROM document),
       (SELECT count(*) FROM job)
"""


def sentence(rng, subject):
    return f"The {subject} has {' '.join(rng.sample(WORDS, 9))} and costs {rng.randrange(9999)}."


def told(number, *, sentences=12):
    """Write a document of sentences about things of its own, and what is asked of it."""
    rng = random.Random(number)  # noqa: S311
    about = [f"{rng.choice(WORDS)}{number}x{i}" for i in range(sentences)]
    return about, [sentence(rng, each) for each in about]


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "files"
    root.mkdir()
    for number in range(24):
        _, lines = told(number)
        (root / f"d{number}.txt").write_text("\n\n".join(lines))
    return root


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.jsonl"
    with path.open("w") as file:
        for number in range(24):
            for about, line in list(zip(*told(number), strict=True))[::6]:
                asked = {
                    "question": f"What does the {about} cost?",
                    "document": f"d{number}.txt",
                    "quote": line,
                    "answer": line.split()[-1].rstrip("."),
                }
                file.write(json.dumps(asked) + "\n")
    return str(path)


def tune(cli, questions, *words, code=0):
    done = cli.run("corpus", "tune", "--dataset", questions, *words)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def experiments(cli):
    listed = cli.run("experiment", "list").stdout
    ids = [line.split()[0] for line in listed.splitlines()[1:]]
    return [json.loads(cli.run("experiment", "show", each).stdout) for each in ids]


async def until_asked(models, process):
    """Wait until the first question is embedded."""

    def is_asked():
        assert process.poll() is None
        asked = models.requests("/embeddings")
        return any("cost?" in text for each in asked for text in each.body["input"])

    await until(is_asked)


async def state(world):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await (await conn.execute(STATE)).fetchone()


async def test_every_way_is_measured_and_nothing_searched_is_touched(cli, world, folder, questions):
    cli.run("ingest", str(folder))
    before = await state(world)
    said = tune(
        cli, questions, "--size", "64", "--size", "256", "--overlap", "0", "--overlap", "32"
    )
    assert await state(world) == before
    assert "48 questions of 48 (questions.jsonl), on 24 documents of main, as operator" in said
    [kept] = experiments(cli)
    assert [tuple(each["setting"].values()) for each in kept["tried"]] == [
        (256, 0),
        (64, 0),
        (64, 32),
        (256, 32),
    ]
    assert (kept["kind"], kept["measure"], kept["questions"]) == ("passages", "covered", 48)
    present, small = (each["figures"] for each in kept["tried"][:2])
    assert small["passages"] > present["passages"]
    assert small["vector_bytes"] == small["passages"] * 32 * 2
    assert small["mean_tokens"] < present["mean_tokens"] <= 256
    assert 0 < small["answered"] <= 1
    assert all(0 < small[name] <= 1 for name in ("ndcg10", "recall5", "whole5", "covered"))
    assert kept["tried"][0]["gain"] == {"value": 0, "low": 0, "high": 0}


async def test_figures_are_the_same_again(cli, world, folder, questions):
    cli.run("ingest", str(folder))
    words = ("--size", "64", "--overlap", "0", "--questions", "40", "--documents", "22")
    for _ in range(2):
        tune(cli, questions, *words)
    one, other = experiments(cli)
    for kept in (one, other):
        for each in kept["tried"]:
            del each["figures"]["embed_s"], each["figures"]["search_ms"]
    assert one["tried"] == other["tried"]
    assert one["questions"] <= 40


async def test_the_present_way_against_itself_is_kept(cli, world, folder, questions):
    """A size that no document reaches cuts as the present one does."""
    for file in folder.iterdir():
        file.write_text(file.read_text()[:700])
    cli.run("ingest", str(folder))
    said = tune(cli, questions, "--size", "300", "--size", "400", "--overlap", "0")
    assert "keep passage_tokens = 256, passage_overlap_tokens = 0." in said
    [kept] = experiments(cli)
    assert kept["chosen"] is None
    assert {each["gain"]["high"] for each in kept["tried"]} == {0}


async def test_what_is_better_beyond_chance_is_recommended(cli, world, folder, questions):
    """In one long passage the answers stand behind what is read of it."""
    for file in folder.iterdir():
        number = int(file.stem[1:])
        lines = [*told(100 + number, sentences=60)[1], *told(number)[1]]
        file.write_text("\n\n".join(lines))
    cli.run("ingest", str(folder))
    words = ("corpus", "tune", "--dataset", questions, "--size", "256", "--overlap", "0")
    done = cli.run(*words, environ={"ROADWORTHY_PASSAGE_TOKENS": "8000"})
    assert "Recommended: passage_tokens = 256, passage_overlap_tokens = 0." in done.stdout
    [kept] = experiments(cli)
    assert kept["chosen"] == 1
    assert kept["tried"][0]["setting"]["passage_tokens"] == 8000
    assert kept["tried"][1]["gain"]["low"] > 0


async def test_without_quotes_documents_are_ranked(cli, world, folder, tmp_path):
    cli.run("ingest", str(folder))
    path = tmp_path / "plain.jsonl"
    path.write_text(
        "".join(
            json.dumps({"question": f"{about}?", "document": f"d{n}"}) + "\n"
            for n in range(24)
            for about in told(n)[0][::6]
        )
    )
    said = tune(cli, str(path), "--size", "64", "--overlap", "0")
    assert "chosen by ndcg10" in said
    assert "No question says its answer, so none is judged." in said
    figures = experiments(cli)[0]["tried"][0]["figures"]
    assert (figures["whole5"], figures["covered"], figures["answered"]) == (None, None, None)


async def test_a_person_measures_on_what_she_may_see(cli, world, folder, questions):
    await world.put(world.person("ana"), world.person("eve", groups={"board"}))
    (folder.parent / "board").mkdir()
    (folder / "d0.txt").rename(folder.parent / "board" / "d0.txt")
    cli.run("ingest", str(folder))
    cli.run("ingest", str(folder.parent / "board"), "--group", "board")
    words = ("--size", "64", "--overlap", "0", "--as")
    said = tune(cli, questions, *words, "ana")
    assert "46 questions of 48 (questions.jsonl), on 23 documents of main, as ana" in said
    assert "2 name no document that is to be seen there." in said
    assert "48 questions of 48 (questions.jsonl), on 24 documents" in tune(
        cli, questions, *words, "eve"
    )
    assert [each["made_by"] for each in experiments(cli)] == ["eve", "ana"]
    assert cli.run("experiment", "list", "--as", "ana").returncode == 5


async def test_there_is_an_end_to_everything(cli, world, folder, questions):
    cli.run("ingest", str(folder))
    assert "Too few" in tune(cli, questions, "--documents", "1", code=2)
    many = [word for size in range(64, 90) for word in ("--size", str(size))]
    assert "At most 20" in tune(cli, questions, *many, code=2)
    assert experiments(cli) == []


async def test_requests_are_bounded_and_no_text_is_embedded_twice(
    cli, world, folder, questions, models
):
    cli.run("ingest", str(folder))
    models.forget()
    tune(cli, questions, "--size", "64", "--overlap", "0", "--overlap", "32")
    inputs = [asked.body["input"] for asked in models.requests("/embeddings")]
    assert max(map(len, inputs)) <= 64
    passages = [text for each in inputs for text in each if text.startswith("d")]
    assert len(passages) == len(set(passages)) > 0


async def test_what_is_interrupted_leaves_nothing(cli, world, folder, questions, models):
    cli.run("ingest", str(folder))
    before = await state(world)
    models.forget()
    with cli.running("corpus", "tune", "--dataset", questions, "--size", "64") as process:
        await until_asked(models, process)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
    assert await state(world) == before
    assert experiments(cli) == []
    assert "Traceback" not in (folder.parent / "output.log").read_text()


async def test_a_document_that_is_deleted_meanwhile_ends_it(cli, world, folder, questions, models):
    cli.run("ingest", str(folder))
    models.forget()
    deleted = threading.Event()

    def embed(text):
        if "cost?" in text:
            deleted.wait(30)
        return words_vector(text)

    models.embed = embed
    with cli.running("corpus", "tune", "--dataset", questions) as process:
        await until_asked(models, process)
        listed = cli.run("document", "list").stdout.splitlines()
        done = cli.run("document", "delete", listed[1].split()[0])
        deleted.set()
        assert done.returncode == 0, done.stderr
        assert process.wait(timeout=30) == 4
    assert "was deleted while" in (folder.parent / "output.log").read_text()
    assert experiments(cli) == []


async def test_a_deleted_person_is_not_named(cli, world, folder, questions):
    await world.put(world.person("ana"))
    cli.run("ingest", str(folder))
    tune(cli, questions, "--size", "64", "--overlap", "0", "--as", "ana")
    assert cli.run("person", "delete", "ana", "--yes").returncode == 0
    assert [each["made_by"] for each in experiments(cli)] == ["(deleted)"]


async def test_a_corpus_takes_its_experiments_along(cli, world, folder, questions):
    cli.run("ingest", str(folder), "--corpus", "side")
    said = tune(cli, questions, "side", "--size", "64", "--overlap", "0")
    assert "documents of side" in said
    assert cli.run("corpus", "delete", "side", "--yes").returncode == 0
    assert experiments(cli) == []

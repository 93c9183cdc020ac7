"""An answer is given again to who asks the same and reads the same, and to nobody else."""

import asyncio
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from roadworthy.answering.cached import AnswerCache
from roadworthy.answering.judging import DEGRADED, Judged, Judging
from roadworthy.answering.records import Citation, Stage, TextPiece
from roadworthy.corpus.access import access
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.plumbing.database import Database
from roadworthy.releases import find_release
from roadworthy.traces import reuse
from tests.answering.conftest import open_desk
from tests.doubles.model_server import failing
from tests.traces.interactions import passage_of

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _settled(monkeypatch):
    """Let an answer be kept at once after a change."""
    monkeypatch.setattr(reuse, "SETTLED_AFTER", timedelta(0))


LEAVE = "Every employee has thirty days of annual leave."
QUESTION = "How many days of annual leave does every employee have?"
AGAIN = "Please, how many days of annual leave does every employee have?"
SAID = ("Thirty", " days", " [1]", " a year.")


@pytest.fixture
async def told(world, models, tmp_path):
    """A desk that keeps answers, with a document for everyone."""
    async with open_desk(world, models, tmp_path / "s", cache=AnswerCache(world.database)) as desk:
        await world.add("leave.txt", LEAVE)
        yield desk


async def asked(desk, question=QUESTION, **kwargs):
    """Ask a release that calls a model; what was told is stored before this returns."""
    release = kwargs.pop("release", None) or await desk.generating(SAID)
    found = await desk.ask(question, release=release, **kwargs)
    await desk.recorder.flush()
    return found


def calls(desk) -> int:
    return len(desk.models.requests("/chat/completions"))


async def hash_of(desk, release) -> str:
    world = desk.world
    async with world.database.as_worker(world.tenant_id) as conn:
        return (await find_release(conn, tenant_id=world.tenant_id, name=release)).hash


@contextmanager
def owning(desk, urls):
    """Be the owner of the tables, in the tenant."""
    with psycopg.connect(urls.owner) as conn:
        conn.execute(
            "SELECT set_config('roadworthy.tenant', %s, false)", [str(desk.world.tenant_id)]
        )
        yield conn


async def rows(desk, who):
    async with desk.world.database.read_as(who) as conn:
        return await (await conn.execute("SELECT text FROM cached_answer")).fetchall()


async def test_the_same_question_is_answered_without_the_model(told):
    first, again = (await asked(told)).answer, (await asked(told, AGAIN)).answer
    assert calls(told) == 1
    assert (first.cached_from, again.cached_from) == (None, first.id)
    assert (again.text, again.citations) == (first.text, first.citations)
    assert (again.input_tokens, again.output_tokens) == (0, 0)


async def test_a_hit_says_so_in_its_stages_and_its_trace(told):
    first = (await asked(told)).answer
    events = (await asked(told)).events
    assert [e.name for e in events if isinstance(e, Stage)][-2:] == ["judge", "cache"]
    assert [e.note for e in events if isinstance(e, Stage)][-1] == "hit"
    latest, *_ = await told.traces()
    assert (latest.cached_from, latest.answer) == (first.id, first.text)


async def test_a_citation_follows_the_piece_that_bears_its_mark(told):
    await asked(told)
    events = (await asked(told)).events
    pieces = [e for e in events if isinstance(e, TextPiece | Citation)]
    assert [type(e) for e in pieces] == [TextPiece, Citation]
    assert [e.text for e in pieces if isinstance(e, TextPiece)] == ["Thirty days [1] a year."]


async def test_what_was_given_again_is_not_kept_again(told):
    first = (await asked(told)).answer
    for _ in range(3):
        assert (await asked(told)).answer.cached_from == first.id
    assert len(await rows(told, told.world.person())) == 1


@pytest.mark.parametrize(
    "other",
    [
        "How many weeks of annual leave does every employee have?",
        "How many days of annual leave does every employee not have?",
        "How many days of annual leave does Every Employee AG have?",
        "How many days of annual leave does every second employee have?",
    ],
)
async def test_another_question_is_a_miss(told, other):
    await asked(told)
    assert (await asked(told, other)).answer.cached_from is None


async def test_another_release_is_a_miss(told):
    await asked(told)
    release = await told.generating(SAID, max_tokens=99)
    assert (await asked(told, release=release)).answer.cached_from is None


async def test_another_filter_is_a_miss(told):
    await asked(told)
    assert (await asked(told, f"{QUESTION} name:leave.txt")).answer.cached_from is None


async def test_a_question_may_lean_on_the_one_before(told):
    before = ["How many days of annual leave does every employee have?"]
    first = (await asked(told, "And why?", before=before)).answer
    assert (await asked(told, "And why?", before=before)).answer.cached_from == first.id
    assert (await asked(told, "And why?", before=[LEAVE])).answer.cached_from is None


async def test_what_nobody_looked_at_closely_is_kept_like_any_other(world, models, tmp_path):
    class Hurried(Judging):
        async def of(self, question, hits, *, least, tenant_id, deadline=None):
            return Judged(relevance=1.0, degraded=[DEGRADED])

    cache = AnswerCache(world.database)
    async with open_desk(world, models, tmp_path / "s", cache=cache, judging=Hurried()) as desk:
        await world.add("leave.txt", LEAVE)
        first, again = [(await asked(desk)).answer for _ in range(2)]
    assert first.degraded == again.degraded == (DEGRADED,)
    assert again.cached_from == first.id


@pytest.mark.parametrize("which", [0, 1])
async def test_a_request_can_do_without(told, which):
    for number in range(2):
        answer = (await asked(told, cache=number != which)).answer
        assert answer.cached_from is None
    assert "cache" not in [stage.name for stage in answer.stages] or which == 0


async def test_a_release_can_do_without(told):
    release = await told.generating(SAID, cache=False)
    for _ in range(2):
        assert (await asked(told, release=release)).answer.cached_from is None


async def test_what_was_not_embedded_is_not_looked_for(told):
    told.models.plan.append(failing(503))
    answer = (await asked(told)).answer
    assert (answer.outcome, answer.degraded) == ("answered", ("embeddings",))
    assert "cache" not in {stage.name for stage in answer.stages}


@pytest.mark.parametrize(
    "pieces",
    [("NOT IN THE DOCUMENTS",), ("Thirty days.",), ("Thirty days [9].",)],
    ids=["abstained", "uncited", "invented"],
)
async def test_what_cites_nothing_is_not_kept(told, pieces):
    release = await told.generating(pieces)
    for _ in range(2):
        assert (await asked(told, release=release)).answer.cached_from is None


async def test_what_was_redacted_is_not_kept(told):
    """Given again, it would have been let through as it is, and nobody be told what it lacks."""
    release = await told.generating(("Mail bob@evil.example", " about it [1]."))
    for _ in range(2):
        answer = (await asked(told, release=release)).answer
        assert (answer.text, answer.cached_from) == ("Mail [email] about it [1].", None)
        assert "redacted" in [verdict.outcome for verdict in answer.verdicts]


async def test_a_changed_document_is_a_miss_at_once(told):
    await asked(told)
    await told.world.add("leave.txt", f"{LEAVE} From May it is forty.")
    assert (await asked(told)).answer.cached_from is None


async def test_a_title_that_changed_is_a_miss_at_once(told):
    await asked(told)
    await told.world.upload("leave.txt", LEAVE, metadata={"title": "Leave, 2031"})
    assert (await asked(told)).answer.cached_from is None


async def test_a_new_document_is_a_miss_at_once(told):
    await asked(told)
    await told.world.add("new.txt", "A remark on leave: every employee has it.")
    assert (await asked(told)).answer.cached_from is None


async def test_what_was_made_without_one_of_the_best_is_a_miss(told, urls):
    for n in range(2):
        await told.world.add(f"{n}.txt", f"How many days of leave, number {n}.")
    first = (await asked(told)).answer
    assert (await asked(told)).answer.cached_from == first.id
    with owning(told, urls) as owner:
        owner.execute("UPDATE cached_answer SET made_from = cited")
    assert (await asked(told)).answer.cached_from is None


async def test_a_deleted_document_takes_its_answers_along(told, urls):
    document = await told.world.add("more.txt", f"{LEAVE} It is lost in March.")
    await asked(told)
    assert len(await rows(told, told.world.person())) == 1
    async with told.world.database.as_worker(told.world.tenant_id) as conn:
        await delete(conn, tenant_id=told.world.tenant_id, document_id=document, by=None)
    with owning(told, urls) as owner:
        assert owner.execute("SELECT text FROM cached_answer").fetchall() == []
    assert (await asked(told)).answer.cached_from is None


async def test_an_answer_given_again_goes_with_what_the_first_was_made_from(told, urls):
    """Its asker read less than who asked first: the tails of two wordings differ."""
    world = told.world
    first = (await asked(told)).answer
    more = await world.add("more.txt", "Of something else altogether.")
    further = (await passage_of(world, more))[1]
    with owning(told, urls) as owner:
        owner.execute(
            "UPDATE cached_answer SET asked_at = now() + interval '1 minute', made_from ="
            " made_from || %s",
            [further],
        )
    release = await told.generating(SAID, passages=1)
    with owning(told, urls) as owner:
        owner.execute("UPDATE cached_answer SET release_hash = %s", [await hash_of(told, release)])
    again = (await asked(told, release=release)).answer
    assert again.cached_from == first.id
    assert further in again.made_from
    async with world.database.as_worker(world.tenant_id) as conn:
        await delete(conn, tenant_id=world.tenant_id, document_id=more, by=None)
    assert [trace.answer for trace in await told.traces()] == [None, first.text]


async def test_nobody_is_given_what_he_may_not_read(told):
    world, bo = told.world, told.world.person("bo", groups=["hr"])
    await world.add("hr.txt", f"{LEAVE} Managers have forty.", readers=access(groups=["hr"]))
    assert (await asked(told, who=bo)).answer.cached_from is None
    assert (len(await rows(told, bo)), len(await rows(told, world.person()))) == (1, 0)
    assert (await asked(told)).answer.cached_from is None


async def test_who_may_read_more_is_not_given_less(told):
    """Not even where that stands behind the best: it was there when the first asked."""
    world, bo = told.world, told.world.person("bo", groups=["hr"])
    for n in range(3):
        await world.add(f"{n}.txt", f"How many days of leave every employee has, number {n}.")
    await world.add("hr.txt", "Quite another note.", readers=access(groups=["hr"]))
    release = await told.generating(SAID, passages=8)
    first = (await asked(told, release=release)).answer
    assert (await asked(told, release=release)).answer.cached_from == first.id
    assert (await asked(told, release=release, who=bo)).answer.cached_from is None


async def test_colleagues_who_may_read_the_same_share_answers(told):
    first = (await asked(told)).answer
    assert (await asked(told, who=told.world.person("bo"))).answer.cached_from == first.id


async def test_right_after_a_change_nothing_is_settled(told, monkeypatch):
    monkeypatch.setattr(reuse, "SETTLED_AFTER", timedelta(seconds=30))
    for _ in range(2):
        assert (await asked(told)).answer.cached_from is None


async def test_new_readers_make_a_miss_at_once(told):
    world, cy = told.world, told.world.person("cy", groups=["hr"])
    document = await world.add("hr.txt", f"{LEAVE} All of it.", readers=access(groups=["hr"]))
    first = (await asked(told, who=cy)).answer
    assert (await asked(told, who=cy)).answer.cached_from == first.id
    async with world.database.as_worker(world.tenant_id) as conn:
        wanted = access(groups=["legal"])
        await reshare(conn, tenant_id=world.tenant_id, document_id=document, wanted=wanted, by=None)
    assert await rows(told, cy) == []
    assert (await asked(told, who=cy)).answer.cached_from is None


async def test_another_tenant_is_given_nothing(told, database):
    await asked(told)
    stranger = told.world.person("stranger")
    other = type(stranger)(
        tenant_id=stranger.tenant_id + 1, user_id="ana", groups=frozenset(), clearance=9
    )
    assert (len(await rows(told, stranger)), await rows(told, other)) == (1, [])


async def test_without_its_table_the_model_answers_and_it_says_so(told, urls):
    await asked(told)
    with psycopg.connect(urls.owner) as owner:
        owner.execute("LOCK TABLE cached_answer IN ACCESS EXCLUSIVE MODE")
        release = await told.generating(SAID)
        answer = (await told.ask(QUESTION, release=release)).answer
    assert (answer.degraded, answer.cached_from, calls(told)) == (("cache",), None, 2)


async def test_without_its_database_the_model_answers_and_it_says_so(world, models, tmp_path, urls):
    closed = Database(app_url=urls.app, worker_url=urls.worker, connections=1)
    await closed.open()
    await closed.close()
    async with open_desk(world, models, tmp_path / "s", cache=AnswerCache(closed)) as desk:
        await world.add("leave.txt", LEAVE)
        assert (await asked(desk)).answer.degraded == ("cache",)


async def test_the_oldest_go(told, monkeypatch):
    monkeypatch.setattr(reuse, "MOST_KEPT", 2)
    monkeypatch.setattr(reuse, "TRIMMED_BY_ONE_IN", 1)
    questions = [f"What has number {n} of the employees?" for n in range(4)]
    for question in questions:
        await asked(told, question)
        await asyncio.sleep(0.002)  # younger by a millisecond
    hits = [(await asked(told, question)).answer.cached_from for question in questions[2:]]
    assert all(hits)
    assert len(await rows(told, told.world.person())) == 2


async def test_what_cannot_be_kept_loses_no_trace(told, monkeypatch):
    monkeypatch.setattr(reuse, "TRIM", "SELECT 1 / 0")
    monkeypatch.setattr(reuse, "TRIMMED_BY_ONE_IN", 1)
    first = (await asked(told)).answer
    latest, *_ = await told.traces()
    assert (latest.id, latest.answer) == (first.id, first.text)
    assert await rows(told, told.world.person()) == []


async def test_a_locked_table_holds_no_trace_up(told, urls):
    release = await told.generating(SAID)
    first = (await told.ask(QUESTION, release=release)).answer
    with psycopg.connect(urls.owner) as owner:
        owner.execute("LOCK TABLE cached_answer IN SHARE MODE")  # no insert
        latest, *_ = await told.traces()
    assert (latest.id, await rows(told, told.world.person())) == (first.id, [])

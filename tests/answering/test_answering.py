"""A question becomes events that agree with each other, from what the asker may see."""

import asyncio

import pytest

from roadworthy.answering.abstention import MESSAGES
from roadworthy.answering.records import Answer, Citation, Stage, TextPiece
from roadworthy.core.errors import Busy, Invalid, Missing, RoadworthyError, Unavailable
from roadworthy.core.spaces import SpaceMismatch
from roadworthy.corpus.access import access
from tests.answering.conftest import bounded, open_desk
from tests.doubles.model_server import failing, turned_vector

pytestmark = pytest.mark.anyio

LEAVE = "Every employee has thirty days of annual leave. Leave not taken by March is lost."
EXPENSES = "Expenses are paid back within two weeks. Send every receipt to finance."
QUESTION = "How many days of annual leave has every employee?"
STAGES = ["release", "screen", "embed", "retrieve", "screen passages", "judge", "quote"]


@pytest.fixture
async def told(desk):
    """A desk whose tenant has two documents."""
    await desk.world.add("leave.txt", LEAVE)
    await desk.world.add("expenses.txt", EXPENSES)
    return desk


async def test_stages_come_first_then_the_text_and_the_answer_last(told):
    events = (await told.ask(QUESTION)).events
    names = [e.name for e in events if isinstance(e, Stage)]
    assert names == STAGES
    kinds = list(dict.fromkeys(type(e) for e in events))
    assert kinds == [Stage, TextPiece, Citation, Answer]
    assert isinstance(events[-2], Stage)


async def test_what_quoting_reads_is_told_with_its_stage(told):
    told.models.embeddings_usage = {"prompt_tokens": 5}
    stages = {each.name: each for each in (await told.ask(QUESTION)).answer.stages}
    assert {name for name, each in stages.items() if each.calls} == {"embed", "quote"}
    assert stages["quote"].input_tokens >= 5
    again = {each.name: each for each in (await told.ask(QUESTION, cache=False)).answer.stages}
    assert not again["quote"].calls  # its sentences are remembered


async def test_a_citation_follows_the_piece_that_bears_its_mark(told):
    for event, after in zip(
        (events := (await told.ask(QUESTION)).events), events[1:], strict=False
    ):
        if isinstance(after, Citation):
            assert f"[{after.number}]" in event.text


async def test_the_pieces_are_the_answers_text(told):
    answer = await told.ask(QUESTION)
    assert "".join(answer.pieces) == answer.answer.text
    assert "thirty days of annual leave" in answer.answer.text
    assert answer.answer.outcome == "answered"
    assert tuple(answer.citations) == answer.answer.citations


async def test_a_quote_is_the_documents_text_at_its_place(told):
    answer = (await told.ask(QUESTION)).answer
    texts = {"leave.txt": LEAVE, "expenses.txt": EXPENSES}
    assert answer.citations
    for citation in answer.citations:
        assert citation.quote == texts[citation.document_name][citation.start : citation.end]


async def test_an_answer_comes_only_from_what_the_asker_may_see(told):
    canary = "Every employee of the board has ninety days of annual leave, code canary."
    await told.world.add("board.txt", canary, readers=access(groups=["board"]))
    director = told.world.person("dir", groups=["board"])
    await told.world.put(director)
    question = "How many days of annual leave has every employee of the board?"
    assert "canary" not in (await told.ask(question)).answer.text
    assert "canary" in (await told.ask(question, who=director)).answer.text


async def test_a_model_reads_only_what_the_asker_may_see(told):
    await told.world.add("b.txt", "annual leave canary", readers=access(groups=["board"]))
    await told.ask(QUESTION, release=await told.generating(["Thirty [1]."]))
    [asked] = told.models.requests("/chat/completions")
    assert "thirty days" in asked.body["messages"][0]["content"]
    assert "canary" not in asked.body["messages"][0]["content"]


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("What is the melting point of tungsten in kelvin?", "en"),
        ("Quelle est la température de fusion du tungstène ?", "fr"),
        ("¿Cuál es la temperatura de fusión del wolframio?", "es"),
        ("Wie hoch ist die Schmelztemperatur von Wolfram?", "de"),
    ],
)
async def test_what_is_not_there_is_said_in_the_questions_language(told, question, language):
    release = await told.generating(["never"], least_relevance=1)
    answer = (await told.ask(question, release=release)).answer
    assert (answer.outcome, answer.text) == ("abstained", MESSAGES[language])
    assert answer.citations == ()
    assert told.models.requests("/chat/completions") == []


@pytest.mark.parametrize("least_relevance", [0, 0.35])
async def test_without_a_hit_no_model_is_called(desk, least_relevance):
    release = await desk.generating(["From my own head."], least_relevance=least_relevance)
    answer = (await desk.ask(QUESTION, release=release)).answer
    assert answer.outcome == "abstained"
    assert desk.models.requests("/chat/completions") == []


async def test_a_follow_up_uses_the_former_question(told):
    answer = (await told.ask("And when is it lost?", before=["What about annual leave?"])).answer
    assert "lost" in answer.text
    asked = [a.body["input"][0] for a in told.models.requests("/embeddings")]
    assert any("annual leave" in text and "when is it lost" in text for text in asked)


@pytest.mark.parametrize("question", ["", "   ", "a\0b", "\0", "x" * 8_001, "x" * 1_000_000])
async def test_what_nobody_could_mean_is_refused(told, question):
    with pytest.raises(Invalid):
        await told.ask(question)
    assert told.models.asked == []


async def test_a_long_question_is_not_too_long_for_what_was_asked_before(told):
    long = "And in Spain? " + "word " * 1_590
    assert (await told.ask(long, before=["x " * 400])).answer


async def test_a_question_that_is_no_text_is_refused(told):
    with pytest.raises(Invalid):
        await told.ask("caf\udce9 leave?")  # an argument of a shell in another encoding


async def test_an_unknown_release_is_missing(told):
    with pytest.raises(Missing):
        await told.ask(QUESTION, release="nosuch")


async def test_more_than_the_limit_are_told_to_wait(told, tmp_path):
    async with open_desk(
        told.world, told.models, tmp_path / "two", bounds=bounded(answers=1)
    ) as desk:
        first = desk.stream(QUESTION)
        await anext(first)
        with pytest.raises(Busy):
            await desk.ask(QUESTION)
        await first.aclose()
        assert (await desk.ask(QUESTION)).answer.outcome == "answered"


async def test_without_embeddings_words_are_searched_and_it_is_said(told):
    told.models.plan.extend([failing(503)] * 8)
    answer = (await told.ask(QUESTION)).answer
    assert answer.degraded == ("embeddings",)
    assert "annual leave" in answer.text


@pytest.mark.parametrize("status", [429, 401, 404])
async def test_embeddings_that_refuse_us_are_an_outage_like_another(told, status):
    told.models.plan.extend([failing(status)] * 8)
    assert (await told.ask(QUESTION)).answer.degraded == ("embeddings",)


async def test_with_another_model_nothing_is_answered(told):
    told.models.embed = turned_vector
    with pytest.raises(SpaceMismatch, match="'words'"):
        await told.ask(QUESTION)


async def test_a_cut_model_is_an_error_and_no_answer(told):
    release = await told.generating(["Thirty", " days"])
    told.models.events = [b'data: {"choices": [{"delta": {"content": "Thirty"}}]}\n\n']
    with pytest.raises(Unavailable):
        await told.ask(QUESTION, release=release)


async def test_questions_are_answered_side_by_side(told):
    answers = await asyncio.gather(*[told.ask(QUESTION) for _ in range(10)])
    assert len({each.answer.text for each in answers}) == 1
    assert len({each.answer.id for each in answers}) == 10


async def test_a_failure_of_ours_is_one_of_the_tree(told):
    with pytest.raises(RoadworthyError):
        await told.ask(QUESTION, release="x" * 10_000)

"""An answer with a schema fits it, cites inside its texts, and is told only as a whole."""

import asyncio
import json
from datetime import timedelta

import pytest

from roadworthy.answering.cached import AnswerCache
from roadworthy.core.errors import Unavailable
from roadworthy.gateway.lanes import Lane, Limits
from roadworthy.traces import reuse
from tests.answering.conftest import open_desk
from tests.doubles.model_server import said

pytestmark = pytest.mark.anyio

QUESTION = "How many days of annual leave has every employee?"
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "days": {"type": "array"}},
    "required": ["answer"],
    "additionalProperties": False,
}
FITS = '{"answer": "Thirty [1].", "days": [30]}'


@pytest.fixture
async def told(desk):
    await desk.world.add("leave.txt", "Every employee has thirty days of annual leave.")
    return desk


async def ask(desk, *texts):
    """Ask a model that says one text after the other, a request each."""
    desk.models.replies.extend(said([text[:9], text[9:]]) for text in texts)
    return await desk.ask(QUESTION, release=await desk.generating([], json_schema=SCHEMA))


def requests(desk):
    return [asked.body for asked in desk.models.requests("/chat/completions")]


async def test_an_answer_that_fits_is_told_as_a_whole(told):
    answer = await ask(told, FITS)
    assert json.loads(answer.answer.text) == json.loads(FITS)
    assert len(answer.pieces) == 1
    assert answer.answer.outcome == "answered"
    assert "JSON schema" in requests(told)[0]["messages"][0]["content"]


async def test_marks_are_checked_inside_texts_alone(told):
    answer = await ask(told, '{"answer": "Thirty [1][9].", "days": [9]}')
    assert json.loads(answer.answer.text) == {"answer": "Thirty [1].", "days": [9]}
    assert [citation.number for citation in answer.citations] == [1]
    assert answer.answer.invented_citations == 1


@pytest.mark.parametrize(
    "first",
    [
        "Thirty.",
        '{"days": [1]}',
        '{"answer": 30}',
        FITS[:-1],
        "[30]",
        FITS.replace("30", "1e999"),
    ],
)
async def test_what_does_not_fit_is_repaired_once(told, first):
    answer = await ask(told, first, FITS)
    assert json.loads(answer.answer.text) == json.loads(FITS)
    _, second = requests(told)
    roles = [message["role"] for message in second["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert second["messages"][1]["content"] == first
    assert answer.answer.output_tokens == 4


async def test_what_does_not_fit_twice_is_a_failure_that_says_where(told):
    with pytest.raises(Unavailable, match="days") as caught:
        await ask(told, "Thirty.", '{"answer": "x", "days": "canary"}')
    assert "canary" not in caught.value.message
    assert len(requests(told)) == 2
    [trace] = await told.traces()
    assert (trace.outcome, trace.answer) == ("failed", None)


async def test_a_name_that_the_model_made_up_is_told_to_the_model_alone(told):
    made_up = json.dumps({"answer": "x", "canary": 1})
    with pytest.raises(Unavailable, match="/: additionalProperties") as caught:
        await ask(told, made_up, made_up)
    assert "canary" in requests(told)[1]["messages"][2]["content"]
    [trace] = await told.traces()
    assert "canary" not in f"{caught.value.message} {trace.problem}"


@pytest.mark.parametrize(
    "refusal",
    [
        "NOT IN THE DOCUMENTS",
        '{"answer": "NOT IN THE DOCUMENTS"}',
        '{"answer": "Not in the documents."}',
    ],
)
async def test_a_refusal_in_words_or_in_a_text_abstains(told, refusal):
    answer = (await ask(told, refusal)).answer
    assert (answer.outcome, len(requests(told))) == ("abstained", 1)
    assert "DOCUMENTS" not in answer.text


async def test_a_fence_around_it_is_taken_off(told):
    assert json.loads((await ask(told, f"```json\n{FITS}\n```")).answer.text) == json.loads(FITS)


async def test_who_can_hold_the_schema_is_sent_it(told):
    lane = told.router.lanes["chat"]
    can = Limits(capabilities=frozenset({"json_schema"}))
    told.router.lanes["chat"] = Lane("chat", lane.endpoint, limits=can)
    await ask(told, FITS)
    assert requests(told)[0]["response_format"]["json_schema"]["schema"] == SCHEMA


async def test_it_is_given_again_in_one_piece(told, tmp_path, monkeypatch):
    monkeypatch.setattr(reuse, "SETTLED_AFTER", timedelta(0))
    cache = AnswerCache(told.world.database)
    async with open_desk(told.world, told.models, tmp_path / "other", cache=cache) as desk:
        release = await desk.generating([FITS], json_schema=SCHEMA, cache=True, guards=None)
        first = await desk.ask(QUESTION, release=release)
        await desk.recorder.flush()
        again = await desk.ask(QUESTION, release=release)
    assert again.answer.cached_from == first.answer.id
    assert first.pieces == again.pieces == [FITS]


async def test_the_repair_has_the_time_that_is_left(told):
    told.models.pause_s = 0.2
    release = await told.generating(["x", "y"], json_schema=SCHEMA, deadline_s=1.5)
    with pytest.raises(Unavailable, match="in the time"):
        async with asyncio.timeout(3):
            await told.ask(QUESTION, release=release)

"""A smaller model answers where nothing speaks against its answer; else nobody hears of that."""

import json
import time
from decimal import Decimal

import pytest

from roadworthy.answering.records import Stage
from roadworthy.core.errors import Invalid
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from roadworthy.gateway.lanes import Lane, Limits
from roadworthy.gateway.prices import read_prices
from roadworthy.releases import ScoredAnswerGuard, Step
from roadworthy.releases.guards import GUARDED
from roadworthy.releases.records import FirstTry, parse_release
from roadworthy.traces.ledger import read_costs
from tests.answering.conftest import open_desk
from tests.doubles.classifier import WordsClassifier
from tests.fake_provider import provider

__all__ = ["provider"]
pytestmark = pytest.mark.anyio

QUESTION = "How many days of annual leave has every employee?"
LEAVE = "Every employee has thirty days of annual leave."
QUOTED = f"{LEAVE} [1]"
FIXED = "This is what a fake model says."
BELIEVED, OWN = "fake-text=cite", "fake-text=fixed"


@pytest.fixture
async def small(provider, desk):
    """The desk, with the fake provider as an endpoint."""
    endpoint = Endpoint(EndpointAddress(url=provider.url, key=None, timeout_s=10))
    limits = Limits(capabilities=frozenset({"logprobs"}))
    desk.router.lanes["fake"] = Lane("fake", endpoint, limits=limits)
    await desk.world.add("leave.txt", LEAVE)
    yield desk
    await endpoint.close()


async def releasing(desk, model=BELIEVED, *, own=OWN, first=None, **changes):
    first_try = FirstTry(route=(Step(endpoint="fake", model=model),), **first or {})
    route = (Step(endpoint="fake", model=own),)
    return await desk.generating([], model=None, route=route, first_try=first_try, **changes)


async def ask(desk, model=BELIEVED, **kwargs):
    return await desk.ask(QUESTION, release=await releasing(desk, model, **kwargs))


def stage(told, name):
    [found] = [each for each in told.events if isinstance(each, Stage) and each.name == name]
    return found


def names(told):
    return [each.name for each in told.answer.stages]


async def test_what_nothing_speaks_against_is_told_and_nobody_else_is_asked(small):
    told = await ask(small)
    assert (told.answer.outcome, told.answer.text) == ("answered", QUOTED)
    assert [citation.number for citation in told.citations] == [1]
    assert "write" not in names(told)
    tried = stage(told, "first try")
    assert tried.note.startswith(
        f"believed, grounding not checked; fake {BELIEVED}: answered, 1 try"
    )
    assert (tried.calls, tried.output_tokens) == (1, len(QUOTED.split()))


@pytest.mark.parametrize(
    ("model", "doubt"),
    [
        ("fake-text=fixed-tokens=8", "cites nothing"),
        ("fake-text=refuse", "not there"),
        ("fake-text=cite-tokens=500", "cut off"),
        ("fake-error=1-kind=503", "unavailable"),
        ("fake-error=1-kind=429", "busy"),
        ("nobody", "unavailable"),
        ("fake-text=echo", "leakage guard"),
    ],
)
async def test_what_speaks_against_it_lets_the_releases_own_model_answer(small, model, doubt):
    told = await ask(small, model, own="fake-text=cite", max_tokens=200)
    assert (told.answer.outcome, told.answer.text) == ("answered", QUOTED)
    assert "".join(told.pieces) == QUOTED  # nothing of the other answer was told
    assert stage(told, "first try").note.startswith(f"doubted: {doubt}")
    assert stage(told, "write").note.startswith("fake fake-text=cite: answered")


async def test_the_trace_shows_both_and_what_each_took(small):
    told = await ask(small, "fake-text=fixed-tokens=8", own="fake-text=cite")
    [trace] = await small.traces()
    _embed, tried, own = [each for each in trace.stages if each.get("calls")]
    assert (tried["name"], tried["output_tokens"]) == ("first try", 8)
    assert (own["name"], own["output_tokens"]) == ("write", len(QUOTED.split()))
    assert told.answer.output_tokens == 8 + own["output_tokens"]
    assert trace.outcome == "answered"


async def test_one_that_hangs_has_its_own_time(small):
    began = time.monotonic()
    told = await ask(small, "fake-error=1-kind=hang", first={"deadline_s": 0.5})
    assert told.answer.text.startswith(FIXED)
    assert time.monotonic() - began < 5


async def test_one_that_hangs_leaves_the_releases_own_model_its_time(small):
    release = await releasing(small, "fake-error=1-kind=hang", own="fake-text=cite")
    told = await small.ask(QUESTION, release=release, timeout_s=1.5)
    assert (told.answer.text, told.answer.first_tried) == (QUOTED, "unavailable")
    assert stage(told, "first try").ms < 1000


@pytest.mark.parametrize(("confidence", "told_by"), [("0.9", "first try"), ("0.3", "write")])
async def test_it_is_believed_as_far_as_it_is_sure(small, confidence, told_by):
    model = f"fake-text=cite-confidence={confidence}"
    told = await ask(small, model, first={"least_confidence": 0.5})
    assert told_by in names(told)
    assert ("write" in names(told)) == (told_by == "write")
    if told_by == "write":
        assert stage(told, "first try").note.startswith("doubted: 0.30 sure")


async def test_nobody_who_tells_how_sure_he_is_is_no_evidence(small):
    lane = small.router.lanes["fake"]
    small.router.lanes["fake"] = Lane("fake", lane.endpoint)
    told = await ask(small, first={"least_confidence": 0.5})
    assert stage(told, "first try").note.startswith("doubted: nobody tells how sure it is")
    assert told.answer.text.startswith(FIXED)


@pytest.mark.parametrize(
    "guards",
    [
        GUARDED,
        None,
        GUARDED.model_copy(
            update={"grounding": ScoredAnswerGuard(on_failure="open", on_finding="redact")}
        ),
    ],
    ids=["not-asked-for", "no-guards", "asked-for"],
)
async def test_a_sentence_that_no_passage_says_speaks_against_it(small, tmp_path, guards):
    class Disagreeing(WordsClassifier):
        @staticmethod
        def _holds(word, text):
            return False

    classifier = Disagreeing({"grounding": ""})
    async with open_desk(
        small.world, small.models, tmp_path / "other", classifier=classifier
    ) as desk:
        desk.router.lanes["fake"] = small.router.lanes["fake"]
        told = await ask(desk, "fake-text=cite-tokens=60", own="fake-text=cite", guards=guards)
    note = stage(told, "first try").note
    assert note.startswith("doubted: grounding guard")


async def test_it_is_said_whether_grounding_was_checked(small, tmp_path):
    class Agreeing(WordsClassifier):
        @staticmethod
        def _holds(word, text):
            return True

    agreeing = Agreeing({"grounding": ""})
    async with open_desk(
        small.world, small.models, tmp_path / "other", classifier=agreeing
    ) as desk:
        desk.router.lanes["fake"] = small.router.lanes["fake"]
        assert stage(await ask(desk), "first try").note.startswith("believed; fake")


async def test_where_the_classifier_is_down_the_smaller_model_is_not_believed(small, tmp_path):
    classifier = WordsClassifier({}, fails=TimeoutError())
    async with open_desk(
        small.world, small.models, tmp_path / "other", classifier=classifier
    ) as desk:
        desk.router.lanes["fake"] = small.router.lanes["fake"]
        told = await ask(desk)
    assert stage(told, "first try").note.startswith("doubted: grounding guard")
    assert told.answer.text.startswith(FIXED)


async def test_json_that_fits_is_believed_as_far_as_it_is_sure(small):
    schema = {"type": "object", "required": ["answer", "passages"]}
    sure = {"least_confidence": 0.5}
    told = await ask(small, "fake-text=json", first=sure, json_schema=schema)
    assert told.answer.text.startswith('{"answer"')
    assert "write" not in names(told)
    told = await ask(small, own="fake-text=json", first=sure, json_schema=schema)
    assert "write" in names(told)
    assert stage(told, "first try").calls == 2  # and its repair


async def test_what_was_spared_is_in_the_ledger(small):
    own = "gpt-4o"
    told = await ask(small, own=own)
    await small.recorder.flush()
    async with small.world.database.as_worker(small.world.tenant_id) as conn:
        [cost] = await read_costs(conn, tenant_id=small.world.tenant_id, by="tenant", days=1)
    [spared] = cost.avoided
    read, written = told.answer.input_tokens, told.answer.output_tokens
    assert (spared.name, spared.times, spared.input_tokens) == ("smaller model", 1, read)
    price = read_prices().cost_usd(own, endpoint="fake", input_tokens=read, output_tokens=written)
    assert price is not None
    assert spared.cost_usd == price > Decimal(0)
    assert [each.name for each in cost.stages if each.calls] == ["embed", "first try"]


def test_only_a_release_that_generates_tries_one():
    first = '"first_try": {"route": [{"endpoint": "chat", "model": "m"}]}'
    with pytest.raises(Invalid, match="first_try"):
        parse_release(f'{{"answerer": "extract", {first}}}')
    told = f'{{"answerer": "generate", "model": "big", "prompt": "answer-2", {first}}}'
    release = parse_release(told)
    assert release.endpoints == ("chat", "chat")
    without = release.model_copy(update={"first_try": None})
    assert "first_try" not in without.canonical
    assert release.hash != without.hash


def test_json_is_not_believed_for_its_form_alone():
    told = {
        "answerer": "generate",
        "model": "big",
        "prompt": "answer-2",
        "json_schema": {"type": "object"},
        "first_try": {"route": [{"endpoint": "chat", "model": "m"}]},
    }
    with pytest.raises(Invalid, match="least_confidence"):
        parse_release(json.dumps(told))
    told["first_try"] |= {"least_confidence": 0.8}
    assert parse_release(json.dumps(told)).first_try

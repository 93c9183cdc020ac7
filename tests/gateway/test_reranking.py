"""Any server that reranks is understood, and none is believed that scores only some texts."""

import json

import pytest

from roadworthy.core.errors import Invalid, RoadworthyError, Unavailable
from roadworthy.gateway import reranking
from roadworthy.gateway.engine.local import EngineAddress
from roadworthy.gateway.reranking import Reranker
from roadworthy.gateway.uses import Use, least_tokens
from roadworthy.models import opened_reranker
from roadworthy.plumbing.settings import load_settings
from tests.doubles.model_server import RERANKED, Behaviour, failing
from tests.world import words_vector

pytestmark = pytest.mark.anyio

QUESTION = "which pump needs oil"
TEXTS = ["bread and salt", "the pump needs oil", "a pump"]


def right(texts=TEXTS):
    return [pytest.approx(float(words_vector(QUESTION) @ words_vector(text))) for text in texts]


def body(results):
    return Behaviour(body=json.dumps(results).encode())


@pytest.fixture
def reranker(endpoint):
    return Reranker(endpoint, model="words")


@pytest.mark.parametrize("shape", RERANKED)
async def test_scores_come_in_the_order_of_the_texts(models, endpoint, shape):
    models.rerank_shape = shape
    model = "" if shape == "tei" else "words"
    assert await Reranker(endpoint, model=model).score(QUESTION, TEXTS) == right()
    [asked] = models.requests("/rerank")
    assert asked.headers["authorization"].startswith("Bearer sk-")


@pytest.mark.parametrize(
    ("told", "tokens"),
    [
        ({"usage": {"total_tokens": 70}}, 70),  # Jina, Voyage, vLLM
        ({"meta": {"billed_units": {"search_units": 1}, "tokens": {"input_tokens": 60}}}, 60),
        ({"meta": {"billed_units": {"search_units": 1}}}, None),
        ({"usage": {"total_tokens": -1}}, None),
        ({"usage": "much"}, None),
        ({}, None),
    ],
    ids=str,
)
async def test_what_it_read_is_told(models, reranker, told, tokens):
    results = [{"index": n, "relevance_score": 1} for n in range(3)]
    models.plan.append(body({"results": results} | told))
    uses = []
    await reranker.score(QUESTION, TEXTS, on_use=uses.append)
    least = least_tokens([QUESTION + text for text in TEXTS])
    assert uses == [
        Use(
            endpoint="rerank",
            model="words",
            tokens=least if tokens is None else tokens,
            is_at_least=tokens is None,
        )
    ]


async def test_a_server_of_one_model_gets_no_more_at_once_than_it_takes(models, endpoint):
    models.rerank_shape = "tei"
    texts = [f"text {number} of pump" for number in range(70)]
    assert await Reranker(endpoint, model="").score(QUESTION, texts) == right(texts)
    assert sorted(len(each.body["texts"]) for each in models.requests("/rerank")) == [6, 32, 32]


@pytest.mark.parametrize(
    "results",
    [
        {},
        [],
        None,
        "nonsense",
        {"results": {}},
        {"results": [{"index": 0, "relevance_score": 1}]},
        {"results": [{"index": n, "relevance_score": 1} for n in (0, 1, 1)]},
        {"results": [{"index": n, "relevance_score": 1} for n in (0, 1, 3)]},
        {"results": [{"index": n, "relevance_score": 1} for n in (-1, 0, 1)]},
        {"results": [{"index": n, "relevance_score": 1} for n in (0, 1, 2, 2)]},
        {"results": [{"index": n, "relevance_score": float("nan")} for n in range(3)]},
        {"results": [{"index": n, "relevance_score": float("inf")} for n in range(3)]},
        {"results": [{"index": n, "relevance_score": None} for n in range(3)]},
        {"results": [{"index": n} for n in range(3)]},
    ],
    ids=str,
)
async def test_what_is_not_one_number_a_text_is_refused(models, reranker, results):
    models.plan.append(body(results))
    with pytest.raises(Unavailable, match="/rerank answers"):
        await reranker.score(QUESTION, TEXTS)


@pytest.mark.parametrize("sent", [b"", b"{", b"<html>", b"\xff\xfe", b"[" * 5000], ids=repr)
async def test_what_is_no_json_is_refused(models, reranker, sent):
    models.plan.append(Behaviour(body=sent))
    with pytest.raises(Unavailable):
        await reranker.score(QUESTION, TEXTS)


async def test_an_answer_without_end_is_not_read(models, reranker, monkeypatch):
    monkeypatch.setattr(reranking, "MOST_BYTES", 1000)
    models.plan.append(Behaviour(body=b" " * 200_000))
    with pytest.raises(Unavailable, match="more than 1000 bytes"):
        await reranker.score(QUESTION, TEXTS)


async def test_where_one_part_fails_no_other_goes_on(models, endpoint):
    models.rerank_shape = "tei"
    models.plan.extend([failing(413), Behaviour(delay_s=3), Behaviour(delay_s=3)])
    with pytest.raises(Invalid):
        await Reranker(endpoint, model="").score(QUESTION, ["a pump"] * 70)
    assert all(each.is_idle() for each in endpoint._client._transport._pool.connections)


async def test_where_nothing_is_named_there_is_none():
    async with opened_reranker(load_settings({}, overrides={})) as reranker:
        assert reranker is None


@pytest.mark.parametrize("told", [{"rerank_model": "bge"}, {"rerank_model": "e5-small"}])
async def test_a_model_that_nobody_serves_is_no_reranker(told):
    """Neither an address nor an engine: who forgot one is to hear of it."""
    with pytest.raises(Invalid, match="rerank_url"):
        async with opened_reranker(load_settings({}, overrides=told)):
            pass


async def test_the_engine_reranks_where_its_model_is_named_and_no_address(models):
    engine = EngineAddress(url=models.url, token="sk-engine")
    told = {"rerank_model": "e5-small"}
    async with opened_reranker(load_settings({}, overrides=told), engine) as reranker:
        with pytest.raises(RoadworthyError):  # which this one does not serve
            await reranker.score(QUESTION, TEXTS)
    [asked] = models.requests("/rerank")
    assert asked.headers["authorization"] == "Bearer sk-engine"
    assert (asked.body["model"], asked.body["documents"]) == ("e5-small", TEXTS)


async def test_the_one_of_the_settings_is_asked_once(models):
    models.plan.append(failing(503))
    told = {"rerank_url": models.url, "rerank_model": "words"}
    async with opened_reranker(load_settings({}, overrides=told)) as reranker:
        with pytest.raises(Unavailable):
            await reranker.score(QUESTION, TEXTS)
    assert len(models.requests("/rerank")) == 1


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (failing(401), Unavailable),
        (failing(404), Unavailable),
        (failing(400), Invalid),
        (failing(422), Invalid),
        (Behaviour(cut_after=20), Unavailable),
        (Behaviour(status=307, body=b"", headers={"location": "http://else.where/"}), Unavailable),
    ],
    ids=["key", "path", "request", "texts", "cut", "elsewhere"],
)
async def test_a_failure_says_what_it_is(models, reranker, behaviour, kind):
    models.plan.append(behaviour)
    with pytest.raises(RoadworthyError) as caught:
        await reranker.score(QUESTION, TEXTS)
    assert type(caught.value) is kind
    assert len(models.requests("/rerank")) == 1

"""The local engine, the fake provider and the tests' server keep the gateway the same promises."""

import asyncio
from dataclasses import dataclass

import numpy as np
import pytest

from roadworthy.core.errors import Invalid, Unavailable
from roadworthy.gateway.chat import Message, chat
from roadworthy.gateway.classifying import Classifier
from roadworthy.gateway.embeddings import embed, model_revision
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from roadworthy.gateway.engine.catalogue import ANSWERED
from roadworthy.gateway.reranking import Reranker
from tests.doubles.model_server import KEY
from tests.engine_process import running_engine
from tests.fake_provider import running_fake_provider

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, kw_only=True)
class Served:
    endpoint: Endpoint
    embedding_model: str
    chat_model: str
    dimension: int


@pytest.fixture(scope="session")
def _engine():
    with running_engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def _provider():
    with running_fake_provider() as provider:
        yield provider


@pytest.fixture(params=["double", "engine", "fake"])
async def served(request):
    if request.param == "double":
        models = request.getfixturevalue("models")
        url, key, names = models.url, KEY, ("words", "words", 32)
    elif request.param == "fake":
        provider = request.getfixturevalue("_provider")
        url, key, names = provider.url, KEY, ("fake", "fake", 384)
    else:
        engine = request.getfixturevalue("_engine")
        url, key, names = f"{engine.url}/v1", engine.token, ("e5-small", "smollm2", 384)
    endpoint = Endpoint(EndpointAddress(url=url, key=key, timeout_s=60))
    yield Served(
        endpoint=endpoint, embedding_model=names[0], chat_model=names[1], dimension=names[2]
    )
    await endpoint.close()


def ask(served, *questions, **kwargs):
    messages = [Message(role="user", content=question) for question in questions]
    model = {"model": served.chat_model, "max_tokens": 8} | kwargs
    return chat(served.endpoint, messages, **model)


async def test_the_model_is_listed_with_a_revision(served):
    assert await model_revision(served.endpoint, served.embedding_model)


async def test_an_unlisted_model_is_unavailable(served):
    with pytest.raises(Unavailable, match="nosuch"):
        await model_revision(served.endpoint, "nosuch")


async def test_vectors_come_in_order_with_length_one(served):
    texts = ["leave", "a much longer text about receipts", "leave"]
    found = await embed(served.endpoint, texts, model=served.embedding_model)
    assert found.shape == (3, served.dimension)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)
    assert found[0] @ found[2] > 0.999 > found[0] @ found[1]


async def test_the_same_text_has_the_same_vector_whatever_stands_beside_it(served):
    alone = await embed(served.endpoint, ["leave"], model=served.embedding_model)
    beside = await embed(served.endpoint, ["leave", "word " * 50], model=served.embedding_model)
    assert alone[0] @ beside[0] > 0.999


async def test_more_texts_than_fit_one_request_are_embedded(served):
    found = await embed(served.endpoint, ["a"] * 70, model=served.embedding_model)
    assert len(found) == 70


@pytest.mark.parametrize("path", ["/embeddings", "/chat/completions"])
async def test_an_unknown_model_is_refused_in_words(served, path):
    asked = {"input": ["a"], "messages": [{"role": "user", "content": "a"}], "model": "nosuch"}
    with pytest.raises(Unavailable, match=r"404 and says: .*model"):
        await served.endpoint.post(path, asked)


async def test_nothing_to_embed_is_invalid(served):
    with pytest.raises(Invalid, match="input"):
        await served.endpoint.post("/embeddings", {"input": [], "model": served.embedding_model})


async def test_no_messages_are_invalid(served):
    with pytest.raises(Invalid, match="messages"):
        _ = [piece async for piece in ask(served)]


async def test_an_answer_streams_and_ends_with_its_reason_and_tokens(served):
    pieces = [piece async for piece in ask(served, "Say yes.")]
    assert "".join(piece.text for piece in pieces)
    assert [p.finish_reason in {"stop", "length"} for p in pieces if p.finish_reason] == [True]
    assert pieces[-1].input_tokens
    assert pieces[-1].output_tokens


async def test_a_caller_may_leave_and_the_next_is_served(served):
    pieces = ask(served, "Count to a thousand.", max_tokens=500)
    await anext(pieces)
    await pieces.aclose()
    async with asyncio.timeout(20):
        assert [piece async for piece in ask(served, "Say yes.")]


async def test_an_idle_connection_is_kept(served):
    for _ in range(2):
        await embed(served.endpoint, ["a"], model=served.embedding_model)
        await asyncio.sleep(0.1)
    assert served.endpoint.connections == 1


QUESTION = "Which pump needs oil?"
TEXTS = ["Bread is sold with salt.", "The blue pump needs oil.", "Coats hang in the hall."]
looking = pytest.mark.parametrize("served", ["double", "engine"], indirect=True)


@looking
async def test_texts_are_scored_in_their_order_by_how_well_they_match(served):
    matcher = Reranker(served.endpoint, model=served.embedding_model)
    scores = await matcher.score(QUESTION, TEXTS)
    assert max(scores) == scores[1] <= 1
    assert await matcher.score(QUESTION, TEXTS[1:]) == pytest.approx(scores[1:], abs=1e-3)


@looking
async def test_pairs_are_scored_in_their_order_by_whether_the_one_answers_the_other(served):
    pairs = [(QUESTION, text) for text in TEXTS]
    scores = (await Classifier(served.endpoint).score(ANSWERED, pairs)).values
    assert max(scores) == scores[1] <= 1
    assert min(scores) >= 0


@looking
async def test_another_model_matches_nothing(served):
    with pytest.raises(Unavailable, match=r"404 and says: .*model"):
        await Reranker(served.endpoint, model="nosuch").score(QUESTION, TEXTS)


@looking
@pytest.mark.parametrize(("head", "text"), [(ANSWERED, "a"), ("injection", ("a", "b"))])
async def test_a_head_reads_either_texts_or_pairs(served, head, text):
    with pytest.raises(Invalid):
        await Classifier(served.endpoint).score(head, [text])

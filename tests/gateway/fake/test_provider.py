"""The fake provider speaks the protocol, fails as told, and counts how each call ends."""

import math
import time

import httpx
import numpy as np
import pytest
from openai import APIConnectionError, APIStatusError, NotFoundError, OpenAI

from roadworthy.gateway.fake.texts import FIXED

MESSAGES = [{"role": "user", "content": "What is the plan?"}]


@pytest.fixture
def client(provider):
    with OpenAI(base_url=provider.url, api_key="any", max_retries=0, timeout=5) as client:
        yield client


@pytest.fixture
def counted(provider):
    """What was counted since the test began, once nothing is live."""
    before = provider.when_idle()

    def since():
        now = provider.when_idle()
        changed = {name: now[name] - before[name] for name in now if name != "most_live"}
        return {name: count for name, count in changed.items() if count}

    return since


def streamed(client, model, **further):
    return list(
        client.chat.completions.create(model=model, messages=MESSAGES, stream=True, **further)
    )


def text(chunks):
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def test_an_answer_is_the_same_streamed_and_whole(client, counted):
    chunks = streamed(client, "fake", stream_options={"include_usage": True})
    whole = client.chat.completions.create(model="fake", messages=MESSAGES)
    assert text(chunks) == whole.choices[0].message.content == FIXED
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage == whole.usage
    assert whole.usage.completion_tokens == len(chunks) - 2
    assert counted() == {"chat": 2, "finished": 2}


def test_it_tells_how_sure_it_is_if_asked(client):
    model = "fake-confidence=0.5-tokens=3"
    chunks = streamed(client, model, logprobs=True)
    whole = client.chat.completions.create(model=model, messages=MESSAGES, logprobs=True)
    told = [c.choices[0].logprobs.content[0] for c in chunks if c.choices[0].logprobs]
    for content in (told, whole.choices[0].logprobs.content):
        assert [each.logprob for each in content] == [pytest.approx(math.log(0.5))] * 3
    assert (
        client.chat.completions.create(model=model, messages=MESSAGES).choices[0].logprobs is None
    )


def test_tokens_come_when_they_are_due(client):
    began = time.perf_counter()
    chunks = client.chat.completions.create(
        model="fake-latency=200ms-rate=20-tokens=5", messages=MESSAGES, stream=True
    )
    came = [time.perf_counter() - began for _ in chunks]
    assert 0.2 <= came[0] < 2
    assert came[4] >= 0.4


def test_a_whole_answer_takes_as_long(client):
    began = time.perf_counter()
    client.chat.completions.create(model="fake-latency=100ms-rate=20-tokens=5", messages=MESSAGES)
    assert time.perf_counter() - began >= 0.3


def test_a_limit_of_tokens_is_told(client):
    chunks = streamed(client, "fake", max_tokens=3)
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "length"


@pytest.mark.parametrize("status", ["500", "503", "429"])
def test_an_error_is_told_by_its_status(client, counted, status):
    with pytest.raises(APIStatusError) as told:
        streamed(client, f"fake-error=1-kind={status}")
    assert told.value.status_code == int(status)
    assert ("retry-after" in told.value.response.headers) is (status != "500")
    assert counted() == {"chat": 1, "failed": 1}


@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_answer_has_no_end(provider, counted, stream):
    body = {"model": "fake-error=1-kind=cut", "messages": MESSAGES, "stream": stream}
    with (
        httpx.stream("POST", f"{provider.url}/chat/completions", json=body) as response,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        for _ in response.iter_bytes():
            pass
    assert counted() == {"chat": 1, "failed": 1}


def test_a_hanging_call_ends_with_its_caller(client, counted):
    with pytest.raises(APIConnectionError):
        streamed(client, "fake-error=1-kind=hang", timeout=0.3)
    assert counted() == {"chat": 1, "cancelled": 1}


def test_who_leaves_a_stream_ends_the_call(client, counted):
    stream = client.chat.completions.create(
        model="fake-rate=1-tokens=100", messages=MESSAGES, stream=True
    )
    next(iter(stream))
    stream.close()
    assert counted() == {"chat": 1, "cancelled": 1}


def test_another_model_is_told_the_grammar(client, counted):
    with pytest.raises(NotFoundError, match="-latency=200ms"):
        streamed(client, "gpt-4o")
    assert counted() == {"refused": 1}


def test_vectors_have_the_dimension_and_know_shared_words(client):
    texts = ["the plan is to leave", "leave, the plan is", "coats cost money"]
    found = client.embeddings.create(model="fake-dimension=64", input=texts)
    a, b, c = (np.array(row.embedding) for row in found.data)
    assert len(a) == 64
    assert np.linalg.norm(a) == pytest.approx(1)
    assert a @ b > 0.8 > a @ c


def test_what_lists_its_models_names_the_plain_one(client):
    assert "fake" in [model.id for model in client.models.list()]

"""The local chat model streams, obeys a JSON schema and tells its log-probabilities."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import psutil
import pytest

from roadworthy.gateway.engine.app import Parts, build_app
from roadworthy.gateway.engine.catalogue import SMOLLM2
from roadworthy.gateway.engine.chat import MOST_WAITING, Chat
from roadworthy.gateway.engine.weights import locate
from tests.waiting import until

ASKED = {"model": "smollm2", "temperature": 0, "seed": 1}
HELLO = [{"role": "user", "content": "Say hello."}]
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
NUMBERS = {"type": "array", "items": {"type": "integer"}, "minItems": 400}
FORM = {"type": "json_schema", "json_schema": {"name": "numbers", "schema": NUMBERS}}
LONG = ASKED | {"messages": HELLO, "response_format": FORM, "max_tokens": 1500}


def chat(client, **body):
    return client.post("/v1/chat/completions", json=ASKED | {"messages": HELLO} | body)


def leave(client, *, after_s=0.3, **body):
    with suppress(httpx.ReadTimeout):
        client.post("/v1/chat/completions", json=LONG | body, timeout=after_s)


def all_leave(client, count, **how):
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda one: leave(client, stream=one % 2 == 0, **how), range(count)))


def begun(client):
    """Begin an answer that takes long; it is left with the block."""
    return client.stream("POST", "/v1/chat/completions", json=LONG | {"stream": True})


def is_answered_at_once(client):
    asked = ASKED | {"messages": HELLO, "max_tokens": 1}
    return client.post("/v1/chat/completions", json=asked, timeout=10).is_success


def test_an_answer_comes_with_log_probabilities(client):
    [choice] = chat(client, max_tokens=6, logprobs=True, top_logprobs=2).json()["choices"]
    assert len(choice["logprobs"]["content"]) == 6
    assert all(token["logprob"] <= 0 for token in choice["logprobs"]["content"])
    assert choice["finish_reason"] == "length"


def test_an_answer_streams_as_server_sent_events(client):
    body = ASKED | {"messages": HELLO, "max_tokens": 8, "stream": True}
    with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert lines.pop() == "data: [DONE]"
    parts = [json.loads(line.removeprefix("data: "))["choices"][0] for line in lines]
    streamed = "".join(part["delta"].get("content") or "" for part in parts)
    assert len(parts) > 4
    assert streamed == chat(client, max_tokens=8).json()["choices"][0]["message"]["content"]


def test_an_answer_obeys_a_json_schema(client):
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
    messages = [{"role": "user", "content": "Invent a person."}]
    answer = chat(client, messages=messages, response_format=form, max_tokens=80).json()
    person = json.loads(answer["choices"][0]["message"]["content"])
    assert isinstance(person["name"], str)
    assert isinstance(person["age"], int)


def test_an_answer_stops_where_it_is_told_to(client):
    whole = chat(client, max_tokens=12).json()["choices"][0]["message"]["content"]
    word = whole.split()[2]
    [choice] = chat(client, max_tokens=12, stop=[word]).json()["choices"]
    assert choice["finish_reason"] == "stop"
    assert word not in choice["message"]["content"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"messages": []}, 400), ({"max_tokens": 0}, 400), ({"model": "gpt"}, 404)],
    ids=["no-message", "no-tokens", "model"],
)
def test_a_bad_request_gets_an_openai_error(client, body, status):
    answer = chat(client, **body)
    assert answer.status_code == status
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_prompt_beyond_the_context_gets_an_openai_error(client):
    answer = chat(client, messages=[{"role": "user", "content": "word " * 6000}])
    assert answer.status_code == 400
    assert "context" in answer.json()["error"]["message"]


def test_a_killed_model_comes_back_with_the_next_request(engine, client):
    assert chat(client, max_tokens=1).status_code == 200
    [child] = psutil.Process(engine.pid).children()
    child.kill()
    child.wait()
    assert chat(client, max_tokens=1).status_code == 200


def test_who_leaves_while_the_model_starts_frees_his_place(engine, client):
    assert is_answered_at_once(client)
    [child] = psutil.Process(engine.pid).children()
    child.kill()
    child.wait()
    all_leave(client, MOST_WAITING, after_s=0.1)
    assert is_answered_at_once(client)


def test_who_leaves_while_another_is_answered_frees_his_place(client):
    with begun(client) as other:
        assert next(other.iter_lines())
        all_leave(client, MOST_WAITING - 1)
    assert is_answered_at_once(client)


def test_who_leaves_before_his_whole_answer_is_there_stops_it(client):
    leave(client)
    assert is_answered_at_once(client)


def test_who_leaves_while_his_answer_streams_frees_his_place(client):
    for _ in range(MOST_WAITING):
        with begun(client) as answer:
            assert next(answer.iter_lines())
    assert is_answered_at_once(client)


def test_the_model_ends_when_its_engine_was_killed():
    path = str(locate(SMOLLM2.weights))
    command = [sys.executable, "-m", "roadworthy.gateway.engine.chat_process", path, "512", "1"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as process:
        process.stdin.write("key\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.stdin.close()  # as the system does for a killed engine
        try:
            assert process.wait(3) == 0
        finally:
            process.kill()


@pytest.mark.anyio
async def test_an_idle_model_gives_its_memory_back(anyio_backend):
    model = Chat(SMOLLM2, threads=1, idle_s=0.2)
    unloading = asyncio.create_task(model.unload_when_idle())
    async with model.answer({"messages": HELLO, "max_tokens": 1}) as answer:
        await answer.aread()
        assert model.is_running
    await until(lambda: not model.is_running)
    unloading.cancel()


@pytest.mark.anyio
async def test_who_leaves_while_the_model_starts_lets_it_start(anyio_backend):
    model = Chat(SMOLLM2, threads=1)
    asked = {"messages": HELLO, "max_tokens": 1}
    asking = asyncio.create_task(model.answer(asked).__aenter__())
    await until(lambda: model.is_running)
    asking.cancel()
    await asyncio.wait([asking])
    started = model._process
    async with model.answer(asked) as answer:
        await answer.aread()
    assert model._process is started
    await model.close()


@pytest.mark.anyio
async def test_who_leaves_a_stream_unread_holds_no_place_when_it_has_ended(anyio_backend):
    model, left = Chat(SMOLLM2, threads=1), asyncio.Event()
    parts = Parts(token="key", shelf=None, line=None, chat=model)
    body = json.dumps(LONG | {"stream": True}).encode()
    messages = [{"type": "http.request", "body": body}]

    async def receive():
        if not messages:
            await left.wait()
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.body":
            left.set()
            await asyncio.Event().wait()  # there is no room: nobody reads

    headers = [(b"authorization", b"Bearer key")]
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": headers}
    await build_app(parts)(scope, receive, send)
    assert not model._active
    await model.close()

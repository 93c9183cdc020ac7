"""Models that cost nothing, so that what is left is our own work."""

import asyncio
import base64
import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import uvicorn

MODEL, DIMENSION = "stub", 384
WRITING_S, PAUSE_S = 2.0, 0.05
PASSAGE = re.compile(r"^\[(\d+)\] (.*?)(?=^\[\d+\]|\Z)", re.M | re.S)
CODE = re.compile(r"zq\d+v\d+")
END = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


@contextmanager
def stub_model() -> Iterator[str]:
    """Serve /v1/models and /v1/embeddings on loopback for a block; yields the base URL."""
    with _serving(_app) as url:
        yield url


@contextmanager
def dawdling_writer(words: re.Pattern[str]) -> Iterator[str]:
    """Serve a chat model that quotes the `words` of its prompt for WRITING_S, over and over."""

    async def app(scope, receive, send) -> None:  # noqa: ANN001, ARG001
        body = await _read(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if body:
            quoted = words.findall(json.loads(body)["messages"][-1]["content"]) or ["nothing"]
            for number in range(int(WRITING_S / PAUSE_S)):
                said = f"It is {quoted[number % len(quoted)]} [1]. "
                await send({"type": "http.response.body", "body": _said(said), "more_body": True})
                await asyncio.sleep(PAUSE_S)
            await send({"type": "http.response.body", "body": END})
        else:
            models = json.dumps({"data": [{"id": MODEL}]}).encode()
            await send({"type": "http.response.body", "body": models})

    with _serving(app) as url:
        yield url


@contextmanager
def citing_writer() -> Iterator[str]:
    """Serve a chat model that quotes how the first passage begins, and every code, at once."""
    with writer(_quoted) as url:
        yield url


def _quoted(prompt: str) -> Iterator[str]:
    for number, text in PASSAGE.findall(prompt.rpartition("\n\nQuestion:")[0]):
        quoted = CODE.findall(text) or ([" ".join(text.split()[:12])] if number == "1" else [])
        for each in quoted:
            yield f"{each} [{number}]. "


@contextmanager
def writer(write: Callable[[str], Iterable[str]]) -> Iterator[str]:
    """Serve a chat model that answers a prompt by the pieces that `write` makes of it, at once."""

    async def app(scope, receive, send) -> None:  # noqa: ANN001, ARG001
        body = await _read(receive)
        headers = [(b"content-type", b"text/event-stream" if body else b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if not body:
            models = json.dumps({"data": [{"id": MODEL}]}).encode()
            await send({"type": "http.response.body", "body": models})
            return
        prompt = json.loads(body)["messages"][-1]["content"]
        for piece in write(prompt):
            await send({"type": "http.response.body", "body": _said(piece), "more_body": True})
        await send({"type": "http.response.body", "body": END})

    with _serving(app) as url:
        yield url


@contextmanager
def _serving(app: Callable[..., Awaitable[None]]) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    # uvicorn would take the signals of this process, which it may not from another thread.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join()


async def _app(scope, receive, send) -> None:  # noqa: ANN001, ARG001
    body = await _read(receive)
    answer = _embedded(json.loads(body)["input"]) if body else {"data": [{"id": MODEL}]}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


async def _read(receive) -> bytes:  # noqa: ANN001
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def _said(text: str) -> bytes:
    event = {"choices": [{"index": 0, "delta": {"content": text}}]}
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def _embedded(texts: list[str]) -> dict[str, object]:
    rows = [{"index": number, "embedding": _vector(text)} for number, text in enumerate(texts)]
    return {"object": "list", "data": rows}


def _vector(text: str) -> str:
    drawn = np.frombuffer(hashlib.shake_128(text.encode()).digest(DIMENSION), np.int8)
    vector = drawn.astype("<f4") + 0.5
    return base64.b64encode((vector / np.linalg.norm(vector)).astype("<f4").tobytes()).decode()

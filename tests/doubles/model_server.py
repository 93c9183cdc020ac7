"""A small real HTTP server that speaks the OpenAI protocol and fails when it is told to.

It embeds words and says what it is told to say. What shall go wrong is planned request by
request; what was asked is kept. tests/gateway/test_protocol_contract.py holds it and the local
engine to the same cases.
"""

import asyncio
import base64
import itertools
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import uvicorn

from tests.world import turned_vector as turned_vector
from tests.world import words_vector

Embed = Callable[[str], np.ndarray]
SSE = "text/event-stream"
# What streams, by how its path ends; the last three in protocols of vendors.
STREAMS = {
    "/chat/completions": SSE,
    "/messages": SSE,
    ":streamGenerateContent": SSE,
    "/converse-stream": "application/vnd.amazon.eventstream",
}
KEY = "sk-canary-0123456789"


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What happens to one request; the default is a right answer."""

    delay_s: float = 0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None  # sent instead of the right answer
    alter: Callable[[list[dict]], list[dict]] | None = None  # of the embeddings
    is_reset: bool = False  # the connection is aborted before any answer
    cut_after: int | None = None  # bytes of the body (of a stream: pieces), then aborted
    drip_s: float | None = None  # the body is sent byte by byte with this pause
    is_endless: bool = False  # the body comes again and again, until the caller hangs up


def failing(status: int, message: str = "no", **headers: str) -> Behaviour:
    """Answer with an error of the protocol."""
    body = json.dumps({"error": {"message": message}}).encode()
    written = {name.replace("_", "-"): value for name, value in headers.items()}
    return Behaviour(status=status, body=body, headers=written)


def refusing(parameter: str) -> Behaviour:
    """Refuse a parameter as OpenAI's models do."""
    code = "unsupported_value" if parameter == "temperature" else "unsupported_parameter"
    said = {"message": f"no {parameter}", "param": parameter, "code": code}
    return Behaviour(status=400, body=json.dumps({"error": said}).encode())


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that came."""

    path: str
    body: dict
    headers: Mapping[str, str]
    connection: int  # 1 is the first since the start
    at: float  # time.monotonic
    raw_path: str  # and the body, as they came
    raw: bytes
    is_left: threading.Event = field(default_factory=threading.Event)  # the caller hung up


class ModelServer:
    """One embedding model and one chat model of the name `model`; further embedding models."""

    def __init__(self) -> None:
        self._listener = _listen(0)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._start()
        self.forget()

    def forget(self) -> None:
        """Be as new: no plan, no memory, the right vectors."""
        self.model, self.revision = "words", "1"
        self.plan: deque[Behaviour] = deque()  # of the next requests, in order
        self.asked: list[Asked] = []
        self.embed: Embed = words_vector
        self.embeddings_usage: object = None  # that it tells; None: it does not
        self.embed_by_connection: dict[int, Embed] = {}
        self.further: dict[str, Embed] = {}  # other models, by name
        self.key: str | None = None  # what must be sent; None: whatever
        self.rerank_shape = "cohere"  # one of RERANKED
        self.flagged = "zebra"  # what every head that reads texts looks for
        self.pieces: Sequence[str] = ("It", " is.")
        self.pause_s = 0.0  # between pieces
        self.events: Sequence[bytes] | None = None  # a stream's raw events instead of pieces
        self.replies: deque[Sequence[bytes]] = deque()  # the same of the next streams, in order
        self._clients: dict[tuple[str, int], int] = {}

    def restart(self, *, embed: Embed = words_vector) -> None:
        """Close every connection and come back on the same port, perhaps as another model."""
        self.stop()
        self.embed = embed
        self._listener = _listen(self.port)
        self._start()

    def stop(self) -> None:
        """Close every connection; nobody listens any more."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    async def until_asked(self, path: str) -> Asked:
        """Wait for a request to one path; give the first."""
        async with asyncio.timeout(5):
            while not self.requests(path):  # noqa: ASYNC110 - it comes from another thread
                await asyncio.sleep(0.01)
        return self.requests(path)[0]

    def requests(self, path: str) -> list[Asked]:
        """List the requests to one path, such as /embeddings."""
        return [asked for asked in self.asked if asked.path == f"/v1{path}"]

    @property
    def probings(self) -> int:
        """How many requests held the probe texts of a space."""
        return sum(
            any("indemnify" in text for text in asked.body["input"])
            for asked in self.requests("/embeddings")
        )

    def _start(self) -> None:
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            http="h11",
            lifespan="off",
            proxy_headers=False,  # it would hide uvicorn's own `send`
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        run = self._server.run
        self._thread = threading.Thread(target=run, kwargs={"sockets": [self._listener]})
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "it does not start"
            time.sleep(0.005)

    async def _app(self, scope, receive, send) -> None:
        cycle = send.__self__  # uvicorn's own, for its transport: ASGI knows no reset
        asked = self._note(scope, await _read(receive))
        is_models = asked.path == "/v1/models"
        behaviour = self.plan.popleft() if self.plan and not is_models else Behaviour()
        gone = asyncio.ensure_future(receive())  # the body is read: only a hang-up can follow
        try:
            await asyncio.wait({gone}, timeout=behaviour.delay_s)
            if behaviour.is_reset:
                cycle.transport.abort()
                await gone
                return
            await self._answer(asked, behaviour, cycle, gone)
        finally:
            if gone.done() and not cycle.response_complete:
                asked.is_left.set()
            gone.cancel()

    def _note(self, scope, body: bytes) -> Asked:
        number = self._clients.setdefault(scope["client"], len(self._clients) + 1)
        asked = Asked(
            path=scope["path"],
            body=json.loads(body or b"{}"),
            headers={name.decode(): value.decode() for name, value in scope["headers"]},
            connection=number,
            at=time.monotonic(),
            raw_path=scope["raw_path"].decode(),
            raw=body,
        )
        self.asked.append(asked)
        return asked

    async def _answer(self, asked: Asked, behaviour: Behaviour, cycle, gone) -> None:
        if behaviour.body is not None:
            status, parts = behaviour.status, [behaviour.body]
        else:
            status, parts = self._right_answer(asked, behaviour)
        kind = self._streamed(asked) if status == 200 else None
        is_stream = kind is not None
        if not is_stream and (behaviour.cut_after is not None or behaviour.drip_s is not None):
            parts = [bytes([byte]) for byte in b"".join(parts)]
        headers = {"content-type": kind or "application/json", **behaviour.headers}
        if not is_stream and not behaviour.is_endless:
            headers["content-length"] = str(sum(map(len, parts)))
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await cycle.send({"type": "http.response.start", "status": status, "headers": raw})
        for number, part in enumerate(itertools.cycle(parts) if behaviour.is_endless else parts):
            if number == behaviour.cut_after:
                await asyncio.sleep(0.05)  # what was sent shall arrive
                cycle.transport.abort()
            await asyncio.sleep(0)  # else, once nobody listens, nothing lets `gone` be heard
            if gone.done() or number == behaviour.cut_after:
                return
            await cycle.send({"type": "http.response.body", "body": part, "more_body": True})
            pause = behaviour.drip_s or (self.pause_s if is_stream else 0)
            if pause:
                await asyncio.wait({gone}, timeout=pause)
        await cycle.send({"type": "http.response.body", "body": b""})

    def _right_answer(self, asked: Asked, behaviour: Behaviour) -> tuple[int, list[bytes]]:
        if self.key and asked.headers.get("authorization") != f"Bearer {self.key}":
            return 401, [b'{"error": {"message": "wrong key"}}']
        if asked.path == "/v1/models":
            names = (self.model, *self.further)
            data = [{"id": name, "revision": self.revision} for name in names]
            return 200, [json.dumps({"object": "list", "data": data}).encode()]
        if asked.path == "/v1/rerank":
            return reranked(self.rerank_shape, asked.body, models={self.model, *self.further})
        if asked.path == "/v1/classify":
            return classified(asked.body, flagged=self.flagged)
        return self._of_model(asked, behaviour)

    def _streamed(self, asked: Asked) -> str | None:
        """Tell as what an answer streams, if it does."""
        return next((kind for end, kind in STREAMS.items() if asked.path.endswith(end)), None)

    def _of_model(self, asked: Asked, behaviour: Behaviour) -> tuple[int, list[bytes]]:
        if self.events is not None and "model" not in asked.body:  # it stands in the path
            return 200, list(self.events)
        if asked.body.get("model") not in {self.model, *self.further}:
            return 404, [b'{"error": {"message": "no such model"}}']
        needed = "input" if asked.path == "/v1/embeddings" else "messages"
        if not asked.body[needed]:
            return 400, [b'{"error": {"message": "%s is empty"}}' % needed.encode()]
        if asked.path == "/v1/embeddings":
            return 200, [json.dumps(self._embeddings(asked, behaviour)).encode()]
        events = self.replies.popleft() if self.replies else self.events
        return 200, list(events if events is not None else said(self.pieces))

    def _embeddings(self, asked: Asked, behaviour: Behaviour) -> dict:
        embed = self.embed_by_connection.get(asked.connection, self.embed)
        embed = self.further.get(asked.body["model"], embed)
        rows = [
            {"index": index, "embedding": encoded(embed(text))}
            for index, text in enumerate(asked.body["input"])
        ]
        told = {"object": "list", "data": behaviour.alter(rows) if behaviour.alter else rows}
        return told | ({} if self.embeddings_usage is None else {"usage": self.embeddings_usage})


OF_PAIRS = {"answered", "grounding"}  # heads
RERANKED = ("cohere", "jina", "vllm", "voyage", "tei")
TAKEN = {
    "cohere": {"model", "query", "documents", "top_n", "max_tokens_per_doc"},
    "tei": {"query", "texts", "raw_scores", "return_text", "truncate", "truncation_direction"},
}


def reranked(shape: str, body: dict, *, models: Collection[str]) -> tuple[int, list[bytes]]:
    """Score texts by the words that they share with the question, best first, as one of RERANKED.

    Source: the API references of Cohere (v2), Jina, Voyage and vLLM, and the OpenAPI description
        of Text Embeddings Inference; each with its own refusals.
    """
    if unknown := body.keys() - TAKEN.get(shape, body.keys()):
        return 400, [json.dumps({"message": f"unknown fields {sorted(unknown)}"}).encode()]
    texts = body.get("texts" if shape == "tei" else "documents")
    if not texts:
        return 422, [b'{"error": "missing field", "error_type": "Validation"}']
    if shape == "tei" and len(texts) > 32:
        return 413, [b'{"error": "batch size > maximum allowed batch size 32"}']
    if shape != "tei" and body.get("model") not in models:
        return 404, [b'{"message": "model not found"}']
    scored = sorted(
        ((float(words_vector(body["query"]) @ words_vector(t)), n) for n, t in enumerate(texts)),
        reverse=True,
    )
    if shape == "tei":
        return 200, [json.dumps([{"index": n, "score": s} for s, n in scored]).encode()]
    results = [{"index": n, "relevance_score": s} for s, n in scored]
    if shape in {"jina", "vllm"}:
        results = [each | {"document": {"text": texts[each["index"]]}} for each in results]
    answers = {
        "cohere": {"results": results, "id": "1", "meta": {"api_version": {"version": "2"}}},
        "jina": {"model": body["model"], "usage": {"total_tokens": 7}, "results": results},
        "vllm": {
            "id": "rerank-1",
            "model": body["model"],
            "usage": {"total_tokens": 7},
            "results": results,
        },
        "voyage": {"object": "list", "data": results, "model": body["model"]},
    }
    return 200, [json.dumps(answers[shape]).encode()]


def classified(body: dict, *, flagged: str) -> tuple[int, list[bytes]]:
    """Score a text by whether it holds a word, and a pair by the words that it shares."""
    takes = "pairs" if body["model"] in OF_PAIRS else "input"
    if body.keys() & {"input", "pairs"} != {takes}:
        return 422, [b'{"error": {"message": "%s is missing"}}' % takes.encode()]
    if takes == "pairs":
        scores = [min(float(words_vector(a) @ words_vector(b)), 1) for a, b in body["pairs"]]
    else:
        scores = [float(flagged in text) for text in body["input"]]
    truncated = [False] * len(scores)
    told = {"version": "words-1", "threshold": 0.5, "scores": scores, "truncated": truncated}
    return 200, [json.dumps(told).encode()]


def encoded(vector: Sequence[float] | np.ndarray) -> str:
    """Write a vector as base64, as the protocol does."""
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode()


def event(data: object) -> bytes:
    """Write an event of a stream, in raw UTF-8 as most servers do."""
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def said(pieces: Sequence[str], *, finish_reason: str = "stop") -> list[bytes]:
    """Write a whole stream that says `pieces`."""
    words = [event({"choices": [{"delta": {"content": piece}}]}) for piece in pieces]
    end = event({"choices": [{"delta": {}, "finish_reason": finish_reason}]})
    usage = {"prompt_tokens": 7, "completion_tokens": len(pieces)}
    return [*words, end, event({"choices": [], "usage": usage}), b"data: [DONE]\n\n"]


@contextmanager
def running_model_server() -> Iterator[ModelServer]:
    """Serve from a thread of its own for a block."""
    server = ModelServer()
    try:
        yield server
    finally:
        server.stop()


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


async def _read(receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body

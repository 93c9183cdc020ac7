"""The engine's HTTP door: the routes of the OpenAI protocol, on loopback, behind one token."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from roadworthy.core.errors import Invalid, Missing, Refused, RoadworthyError
from roadworthy.gateway.engine import wire
from roadworthy.gateway.engine.catalogue import (
    ANSWERED,
    EMBEDDING_MODELS,
    HEADS,
    SMOLLM2,
    EmbeddingModel,
    Head,
)
from roadworthy.gateway.engine.chat import Chat
from roadworthy.gateway.engine.classifier import Texts
from roadworthy.gateway.engine.line import Line, Turn, turn_of
from roadworthy.gateway.engine.shelf import Shelf
from roadworthy.gateway.protocol import BACKGROUND, PRIORITY, parse, problem, refusal

MOST_BODY_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the routes work with."""

    token: str
    shelf: Shelf
    line: Line
    chat: Chat


Result = TypeVar("Result")
Handler = Callable[[Request, Parts], Awaitable[Response]]


def build_app(parts: Parts) -> Starlette:
    """Wire the routes to `parts`, which live as long as the app is served."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        unloading = asyncio.create_task(parts.chat.unload_when_idle())
        yield
        unloading.cancel()
        await parts.chat.close()
        parts.line.close(timeout_s=0.5)

    def guarded(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            _check_token(request, parts.token)
            return await handler(request, parts)

        return endpoint

    return Starlette(
        routes=[
            Route("/livez", _livez, methods=["GET"]),
            Route("/v1/models", guarded(_models), methods=["GET"]),
            Route("/v1/embeddings", guarded(_embeddings), methods=["POST"]),
            Route("/v1/classify", guarded(_classify), methods=["POST"]),
            Route("/v1/rerank", guarded(_rerank), methods=["POST"]),
            Route("/v1/chat/completions", guarded(_chat), methods=["POST"]),
        ],
        exception_handlers={
            RoadworthyError: _on_known_error,
            HTTPException: _on_http_error,
            ClientDisconnect: _on_disconnect,
            Exception: _on_bug,
        },
        lifespan=lifespan,
    )


async def _livez(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _models(_: Request, __: Parts) -> Response:
    return JSONResponse(wire.models())


async def _embeddings(request: Request, parts: Parts) -> Response:
    asked = parse(wire.EmbeddingRequest, await _body(request))
    model = _known(asked.model)
    if asked.dimensions not in {None, model.dimension}:
        raise Invalid(f"dimensions: {model.name} has {model.dimension} and cannot be shortened")
    embedder = await run_in_threadpool(parts.shelf.embedder, model)
    turn = Turn.LONG
    if request.headers.get(PRIORITY) != BACKGROUND:
        turn = turn_of(len(asked.input), characters=_characters(asked.input))
    future = asyncio.wrap_future(parts.line.submit(embedder.embed, asked.input, turn))
    found = await _unless_gone(request, future)
    answer = wire.embeddings(model, found, encoding=asked.encoding_format)
    return JSONResponse(answer)


async def _rerank(request: Request, parts: Parts) -> Response:
    asked = parse(wire.RerankRequest, await _body(request))
    model = _known(asked.model)
    matcher = await run_in_threadpool(parts.shelf.matcher, model)
    turn = turn_of(len(asked.documents), is_optional=True)  # however long these are
    reading = asyncio.wrap_future(parts.line.submit(matcher.read, [asked.query], turn))
    [question] = await _unless_gone(request, reading)
    matching = parts.line.submit(partial(matcher.score, question), asked.documents, turn)
    scores = await _unless_gone(request, asyncio.wrap_future(matching))
    return JSONResponse(wire.ranking(model, scores, top_n=asked.top_n))


def _known(name: str) -> EmbeddingModel:
    model = EMBEDDING_MODELS.get(name)
    if model is None:
        served = ", ".join(EMBEDDING_MODELS)
        raise Missing(f"no such embedding model; there are {served}")
    return model


async def _classify(request: Request, parts: Parts) -> Response:
    asked = parse(wire.ClassificationRequest, await _body(request))
    model = HEADS.get(asked.model)
    if model is None:
        raise Missing(f"no such classifier; there are {', '.join(HEADS)}")
    [head] = [each for each in model.heads if each.name == asked.model]
    texts = _texts(asked, head)
    classifier = await run_in_threadpool(parts.shelf.classifier, model)
    future = asyncio.wrap_future(
        parts.line.submit(classifier.scorer(head), texts, _turn(asked, head))
    )
    found = await _unless_gone(request, future)
    threshold = classifier.thresholds[head.name]
    return JSONResponse(wire.classification(model, head, found, threshold=threshold))


def _texts(asked: wire.ClassificationRequest, head: Head) -> Sequence[Texts]:
    takes, other = ("input", "pairs") if len(head.prefixes) == 1 else ("pairs", "input")
    if getattr(asked, takes) is None or getattr(asked, other) is not None:
        raise Invalid(f"{takes}: {head.name} takes this, and not {other}")
    return asked.pairs or [(text,) for text in asked.input or ()]


def _turn(asked: wire.ClassificationRequest, head: Head) -> Turn:
    if asked.background:
        return Turn.LONG
    if asked.pairs:  # somebody waits for what is held against passages, however long those are
        return turn_of(len(asked.pairs), is_optional=head.name == ANSWERED)
    return turn_of(len(asked.input or ()), characters=_characters(asked.input or ()))


def _characters(texts: Sequence[str]) -> int:
    return sum(map(len, texts))


async def _unless_gone(request: Request, future: "asyncio.Future[Result]") -> Result:
    """Await the result, but drop the work when the caller hangs up."""
    gone = asyncio.ensure_future(request.receive())  # the body is read: only a hang-up can follow
    try:
        await asyncio.wait({future, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not future.done():
            raise ClientDisconnect
        return future.result()
    finally:
        gone.cancel()
        future.cancel()


async def _chat(request: Request, parts: Parts) -> Response:
    asked = parse(wire.ChatRequest, await _body(request))
    if asked.model != SMOLLM2.name:
        raise Missing(f"no such chat model; there is {SMOLLM2.name}")
    return await _unless_gone(request, asyncio.create_task(_answered(parts.chat, asked)))


async def _answered(chat: Chat, asked: wire.ChatRequest) -> Response:
    async with AsyncExitStack() as stack:
        response = await stack.enter_async_context(chat.answer(asked.passed_on()))
        if response.is_success and asked.stream:
            return _PassedOn(response, stack.pop_all())
        return _copied(response, await response.aread())


class _PassedOn(StreamingResponse):
    """An answer as it is written; the model stops however it ends, also before it has begun."""

    def __init__(self, response: httpx.Response, stack: AsyncExitStack) -> None:
        super().__init__(response.aiter_raw(), media_type="text/event-stream")
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Closing the stack closes the connection to the model, which then stops generating.
        async with self._stack:
            await super().__call__(scope, receive, send)


def _copied(response: httpx.Response, body: bytes) -> Response:
    if response.is_success:
        return Response(body, media_type="application/json")
    said = response.json().get("error", {})
    message = str(said.get("message", "the model refused the request"))
    return problem(message, status=response.status_code, code=said.get("type"))


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BODY_BYTES:
            raise HTTPException(413, f"the body is larger than {MOST_BODY_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)


def _check_token(request: Request, token: str) -> None:
    sent = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(sent.encode(), token.encode()):
        raise Refused("wrong or missing bearer token; it lies in engine.token in the home folder")


async def _on_known_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RoadworthyError)
    return refusal(error)


async def _on_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.detail, status=error.status_code, code=None)


async def _on_disconnect(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it


async def _on_bug(_: Request, __: Exception) -> Response:
    return problem("the engine has a fault; its log says where", status=500, code=None)

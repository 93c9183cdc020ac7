"""The engine's HTTP door: the routes of the OpenAI protocol, on loopback, behind one token."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from roadworthy.core.errors import Invalid, Missing, Refused, RoadworthyError
from roadworthy.gateway.engine import wire
from roadworthy.gateway.engine.catalogue import EMBEDDING_MODELS, SMOLLM2, EmbeddingModel
from roadworthy.gateway.engine.chat import Chat
from roadworthy.gateway.engine.embedder import Embedded
from roadworthy.gateway.engine.line import Line
from roadworthy.gateway.engine.shelf import Shelf

MOST_BODY_BYTES = 16 * 1024 * 1024

_STATUS = {
    "invalid": 400,
    "missing": 404,
    "conflict": 409,
    "refused": 401,
    "busy": 429,
    "unavailable": 503,
}
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}
_RETRY_AFTER_S = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the routes work with."""

    token: str
    shelf: Shelf
    line: Line
    chat: Chat


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
    asked = wire.parse(wire.EmbeddingRequest, await _body(request))
    model = _known(asked)
    embedder = await run_in_threadpool(parts.shelf.embedder, model)
    future = asyncio.wrap_future(parts.line.submit(embedder.embed, asked.input))
    found = await _unless_gone(request, future)
    answer = wire.embeddings(model, found, encoding=asked.encoding_format)
    return JSONResponse(answer)


def _known(asked: wire.EmbeddingRequest) -> EmbeddingModel:
    model = EMBEDDING_MODELS.get(asked.model)
    if model is None:
        served = ", ".join(EMBEDDING_MODELS)
        raise Missing(f"no such embedding model; there are {served}")
    if asked.dimensions not in {None, model.dimension}:
        raise Invalid(f"dimensions: {model.name} has {model.dimension} and cannot be shortened")
    return model


async def _unless_gone(
    request: Request, future: "asyncio.Future[list[Embedded]]"
) -> list[Embedded]:
    """Await the vectors, but drop the work when the caller hangs up."""
    gone = asyncio.ensure_future(request.receive())  # the body is read: only a hang-up can follow
    await asyncio.wait({future, gone}, return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    if not future.done():
        future.cancel()
        raise ClientDisconnect
    return future.result()


async def _chat(request: Request, parts: Parts) -> Response:
    asked = wire.parse(wire.ChatRequest, await _body(request))
    if asked.model != SMOLLM2.name:
        raise Missing(f"no such chat model; there is {SMOLLM2.name}")
    async with AsyncExitStack() as stack:
        response = await stack.enter_async_context(parts.chat.answer(asked.passed_on()))
        if response.is_success and asked.stream:
            rest = stack.pop_all()
            return StreamingResponse(_passed_on(response, rest), media_type="text/event-stream")
        return _copied(response, await response.aread())


async def _passed_on(response: httpx.Response, stack: AsyncExitStack) -> AsyncIterator[bytes]:
    # Closing the stack closes the connection to the model, which then stops generating.
    async with stack:
        async for part in response.aiter_raw():
            yield part


def _copied(response: httpx.Response, body: bytes) -> Response:
    if response.is_success:
        return Response(body, media_type="application/json")
    said = response.json().get("error", {})
    message = str(said.get("message", "the model refused the request"))
    return _error(message, status=response.status_code, code=said.get("type"))


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
    status = _STATUS[error.kind]
    code = "model_not_found" if error.kind == "missing" else error.kind
    return _error(error.message, status=status, code=code)


async def _on_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.detail, status=error.status_code, code=None)


async def _on_disconnect(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it


async def _on_bug(_: Request, __: Exception) -> Response:
    return _error("the engine has a fault; its log says where", status=500, code=None)


def _error(message: str, *, status: int, code: str | None) -> JSONResponse:
    headers = {"retry-after": _RETRY_AFTER_S} if status in {429, 503} else {}
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return JSONResponse(
        wire.problem(message, kind=kind, code=code), status_code=status, headers=headers
    )

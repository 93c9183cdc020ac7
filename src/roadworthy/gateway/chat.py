"""Chat with a model, as a stream of pieces."""

import re
from codecs import BOM_UTF8
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from pydantic import BaseModel, ValidationError

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.endpoint import Endpoint, Tries

LONGEST_LINE = 1_000_000  # bytes of one event
MENDED = frozenset({"max_tokens", "temperature"})  # parameters that models do without
WHOLE, FULL = "stop", "length"
# Servers, and the library for vendors, hand on some reasons by other names than OpenAI's.
ENDS = {
    WHOLE: WHOLE,
    "eos": WHOLE,
    "eos_token": WHOLE,
    "stop_sequence": WHOLE,
    "end_turn": WHOLE,
    FULL: FULL,
    "max_tokens": FULL,
    "model_length": FULL,
    "model_context_window_exceeded": FULL,
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
}
REASON = re.compile(r"[a-z_]{1,40}")  # that a sentence may hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn. Role is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPiece:
    """What arrived: text, or at the end the reason and the tokens used."""

    text: str = ""
    finish_reason: str | None = None  # "stop", "length", or why else it ended
    input_tokens: int | None = None
    output_tokens: int | None = None
    logprobs: Sequence[float] = ()  # of its tokens, where they are told


class _Delta(BaseModel):
    content: str | None = None


class _Logprob(BaseModel):
    logprob: float


class _Logprobs(BaseModel):
    content: list[_Logprob] | None = None


class _Choice(BaseModel):
    logprobs: _Logprobs | None = None
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(BaseModel):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: object = None


async def chat(
    endpoint: Endpoint,
    messages: Sequence[Message],
    *,
    model: str,
    max_tokens: int,
    temperature: float = 0.0,
    options: Mapping[str, object] | None = None,
    tries: Tries | None = None,
) -> AsyncGenerator[ChatPiece]:
    """Ask a model; yields its answer piece by piece.

    Args:
        options: further fields of the request, such as response_format or stop.
        tries: how often it is asked until it begins to answer; None: as the endpoint usually is.

    Raises:
        Unavailable: the endpoint is down, answers nonsense, breaks off in mid-answer, or does not
            take a parameter.
        Invalid, Busy: it refuses the request, or is at its limit.
    """
    body = {
        "model": model,
        "messages": [{"role": m.role, "content": m.content} for m in messages],
        "max_tokens": max_tokens,
        "temperature": temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
        **(options or {}),
    }
    stream = partial(endpoint.stream, "/chat/completions", tries=tries)
    asking = asked(stream, body, refused=endpoint.refused[model])
    reasons: set[str | None] = set()
    async with asking as response:
        # Read to the end, past [DONE]: a connection with bytes left on it is not used again.
        async for data in _events(response, endpoint):
            for piece in _pieces(data, endpoint):
                reasons.add(piece.finish_reason)
                yield piece
    check_ended(reasons, name=f"The model endpoint {endpoint.address.url}")


def check_ended(reasons: Collection[str | None], *, name: str) -> None:
    """Refuse an answer that has no end, or another one than a model that was done or full.

    Raises:
        Unavailable: passed off as an ending, it would be half an answer that nobody knows of.
    """
    told = {reason for reason in reasons if reason}
    if not told:
        raise Unavailable(f"{name} broke off in mid-answer.")
    if odd := sorted(told - {WHOLE, FULL}):
        raise Unavailable(f"{name} broke off in mid-answer: {odd[0]}.", finish_reason=odd[0])


@asynccontextmanager
async def asked(
    stream: Callable[[Mapping[str, object]], AbstractAsyncContextManager[httpx.Response]],
    body: Mapping[str, object],
    *,
    refused: set[str],
) -> AsyncIterator[httpx.Response]:
    """Ask as the model takes it: what it refuses of that is noted, and it is asked again at once.

    Source: OpenAI's API reference: models that reason take max_completion_tokens instead of
        max_tokens, and no temperature but their own.
    """
    async with AsyncExitStack() as stack:
        while True:
            taken = _taken(body, refused)
            try:
                response = await stack.enter_async_context(stream(taken))
                break
            except Unavailable as error:
                refused.update(MENDED & {error.facts.get("parameter")})
                if _taken(body, refused) == taken:
                    raise
        yield response


def _taken(body: Mapping[str, object], refused: Collection[str]) -> dict[str, object]:
    """Say it without what a model has refused; a temperature that was chosen is not given up."""
    taken = dict(body)
    if "max_tokens" in refused:
        taken["max_completion_tokens"] = taken.pop("max_tokens")
    if "temperature" in refused and not taken["temperature"]:
        del taken["temperature"]
    return taken


async def _events(response: httpx.Response, endpoint: Endpoint) -> AsyncIterator[bytes]:
    """Cut at line feeds alone: str.splitlines, which httpx uses, also cuts at U+2028 and more."""
    rest = b""
    async for part in response.aiter_bytes():
        *lines, rest = (rest + part).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise _other_protocol(endpoint)
        for line in (each.removeprefix(BOM_UTF8) for each in lines):  # a stream may begin with one
            data = line.removeprefix(b"data:").strip()
            if line.startswith(b"data:") and data != b"[DONE]":
                yield data


def _other_protocol(endpoint: Endpoint) -> Unavailable:
    return Unavailable(f"{endpoint.address.url} does not stream OpenAI's protocol.")


def _pieces(data: bytes, endpoint: Endpoint) -> list[ChatPiece]:
    try:
        chunk = _Chunk.model_validate_json(data)
    except ValidationError as error:
        raise _other_protocol(endpoint) from error
    if chunk.error is not None:
        words = endpoint.words(data)
        raise Unavailable(f"The model endpoint {endpoint.address.url} broke off and says: {words}.")
    return pieces_of(chunk)


def pieces_of(chunk: Any) -> list[ChatPiece]:  # noqa: ANN401 - OpenAI's chunk: ours, or a library's
    """Take the text, the reason of the end and the tokens out of a chunk."""
    pieces: list[ChatPiece] = []
    if chunk.choices:
        choice = chunk.choices[0]
        text = choice.delta.content if choice.delta else None
        told = choice.logprobs.content if choice.logprobs else None
        pieces.append(
            ChatPiece(
                text=text or "",
                finish_reason=reason_of(choice.finish_reason),
                logprobs=[each.logprob for each in told or ()],
            )
        )
    if chunk.usage is not None:
        usage = chunk.usage
        pieces.append(
            ChatPiece(
                input_tokens=usage.prompt_tokens or 0, output_tokens=usage.completion_tokens or 0
            )
        )
    return pieces


def reason_of(told: str | None) -> str | None:
    """Name the reason of an end as OpenAI does, whoever told it."""
    if not told:
        return None
    reason = told.lower()
    return ENDS.get(reason, reason) if REASON.fullmatch(reason) else "unknown"

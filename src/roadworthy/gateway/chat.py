"""Chat with a model, as a stream of pieces."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import httpx
from pydantic import BaseModel, ValidationError

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.endpoint import Endpoint

LONGEST_LINE = 1_000_000  # bytes of one event


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn. Role is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPiece:
    """What arrived: text, or at the end the reason and the tokens used."""

    text: str = ""
    finish_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Delta(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
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
) -> AsyncGenerator[ChatPiece]:
    """Ask a model; yields its answer piece by piece.

    Args:
        options: further fields of the request, such as response_format or stop.

    Raises:
        Unavailable: the endpoint is down, answers nonsense, or breaks off in mid-answer.
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
    finished = False
    async with endpoint.stream("/chat/completions", body) as response:
        # Read to the end, past [DONE]: a connection with bytes left on it is not used again.
        async for data in _events(response, endpoint):
            for piece in _pieces(data, endpoint):
                finished = finished or bool(piece.finish_reason)
                yield piece
    if not finished:
        # A stream that only stops is a fault; passing it off as an ending would hide it.
        raise Unavailable(f"The model endpoint {endpoint.address.url} broke off in mid-answer.")


async def _events(response: httpx.Response, endpoint: Endpoint) -> AsyncIterator[bytes]:
    """Cut at line feeds alone: str.splitlines, which httpx uses, also cuts at U+2028 and more."""
    rest = b""
    async for part in response.aiter_bytes():
        *lines, rest = (rest + part).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise _other_protocol(endpoint)
        for line in lines:
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
    pieces: list[ChatPiece] = []
    if chunk.choices:
        choice = chunk.choices[0]
        text = choice.delta.content if choice.delta else None
        pieces.append(ChatPiece(text=text or "", finish_reason=choice.finish_reason or None))
    if chunk.usage is not None:
        usage = chunk.usage
        pieces.append(
            ChatPiece(
                input_tokens=usage.prompt_tokens or 0, output_tokens=usage.completion_tokens or 0
            )
        )
    return pieces

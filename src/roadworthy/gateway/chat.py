"""Chat with a model, as a stream of pieces."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.endpoint import Endpoint


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
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chunk(BaseModel):
    choices: list[_Choice] = []
    usage: _Usage | None = None


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
        async for line in response.aiter_lines():
            if not line.startswith("data:"):
                continue
            data = line.removeprefix("data:").strip()
            if data == "[DONE]":
                break
            for piece in _pieces(data, endpoint):
                finished = finished or piece.finish_reason is not None
                yield piece
    if not finished:
        # A stream that only stops is a fault; passing it off as an ending would hide it.
        raise Unavailable(f"The model endpoint {endpoint.address.url} broke off in mid-answer.")


def _pieces(data: str, endpoint: Endpoint) -> list[ChatPiece]:
    try:
        chunk = _Chunk.model_validate_json(data)
    except (ValidationError, json.JSONDecodeError) as error:
        raise Unavailable(f"{endpoint.address.url} does not stream OpenAI's protocol.") from error
    pieces = [
        ChatPiece(text=choice.delta.content or "", finish_reason=choice.finish_reason)
        for choice in chunk.choices[:1]
    ]
    if chunk.usage is not None:
        usage = chunk.usage
        pieces.append(
            ChatPiece(input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens)
        )
    return pieces

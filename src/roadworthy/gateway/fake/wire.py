"""What a call to the fake provider holds, and its answers in OpenAI's protocol."""

import base64
import json
import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from roadworthy.gateway.fake.behaviour import EXAMPLES, behaviour_of
from roadworthy.gateway.fake.texts import vectors
from roadworthy.gateway.protocol import JsonObject

MOST_TEXTS = 2048  # of one call, as OpenAI takes them
DONE = b"data: [DONE]\n\n"


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Part(_Lenient):
    text: str = ""


class _Message(_Lenient):
    content: str | list[_Part] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class _StreamOptions(_Lenient):
    include_usage: bool = False


class ChatRequest(_Lenient):
    """The body of `POST /v1/chat/completions`, as far as it changes anything here."""

    model: str
    messages: Annotated[list[_Message], Field(min_length=1)]
    stream: bool | None = False
    stream_options: _StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    logprobs: bool | None = False

    @property
    def most_tokens(self) -> int | None:
        """Give the limit of the answer."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def prompt_tokens(self) -> int:
        """Count what was sent, in words."""
        return sum(len(message.text.split()) for message in self.messages)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class EmbeddingRequest(_Lenient):
    """The body of `POST /v1/embeddings`; one text may stand alone."""

    model: str
    input: Annotated[
        list[str], Field(min_length=1, max_length=MOST_TEXTS), BeforeValidator(_listed)
    ]
    encoding_format: str | None = "float"


def streamed(asked: ChatRequest, tokens: Sequence[str], *, is_cut: bool, id_: str) -> list[bytes]:
    """Write an answer as a stream: a part for each token, and one for all that ends it."""
    head = {"id": id_, "object": "chat.completion.chunk", "created": 0, "model": asked.model}

    def event(delta: JsonObject, finish_reason: str | None = None, **told: object) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, **told}
        return _event(head | {"choices": [choice]})

    first, *rest = tokens
    parts = [event({"role": "assistant", "content": first}, **_logprobs(asked, first))]
    parts += [event({"content": token}, **_logprobs(asked, token)) for token in rest]
    end = event({}, _finish_reason(is_cut=is_cut))
    if asked.stream_options is not None and asked.stream_options.include_usage:
        end += _event(head | {"choices": [], "usage": _usage(asked, tokens)})
    return [*parts, end + DONE]


def whole(asked: ChatRequest, tokens: Sequence[str], *, is_cut: bool, id_: str) -> JsonObject:
    """Write an answer at once."""
    message = {"role": "assistant", "content": "".join(tokens)}
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(is_cut=is_cut)}
    choice |= _logprobs(asked, *tokens)
    head = {"id": id_, "object": "chat.completion", "created": 0, "model": asked.model}
    return head | {"choices": [choice], "usage": _usage(asked, tokens)}


def embeddings(asked: EmbeddingRequest) -> JsonObject:
    """Write the vectors of the texts."""
    found = vectors(asked.input, dimension=behaviour_of(asked.model).dimension)
    if asked.encoding_format == "base64":
        rows = [base64.b64encode(row.astype("<f4").tobytes()).decode("ascii") for row in found]
    else:
        rows = found.tolist()
    tokens = sum(len(text.split()) for text in asked.input)
    return {
        "object": "list",
        "model": asked.model,
        "data": [
            {"object": "embedding", "index": index, "embedding": row}
            for index, row in enumerate(rows)
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def models() -> JsonObject:
    """List some of the models that there are."""
    return {
        "object": "list",
        "data": [
            {
                "id": name,
                "object": "model",
                "created": 0,
                "owned_by": "roadworthy",
                "revision": "1",
                "dimension": behaviour_of(name).dimension,
            }
            for name in EXAMPLES
        ],
    }


def _logprobs(asked: ChatRequest, *tokens: str) -> JsonObject:
    if not asked.logprobs:
        return {}
    logprob = math.log(behaviour_of(asked.model).confidence)
    content = [{"token": token, "logprob": logprob, "top_logprobs": []} for token in tokens]
    return {"logprobs": {"content": content}}


def _finish_reason(*, is_cut: bool) -> str:
    return "length" if is_cut else "stop"


def _usage(asked: ChatRequest, tokens: Sequence[str]) -> dict[str, int]:
    prompt = asked.prompt_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": len(tokens),
        "total_tokens": prompt + len(tokens),
    }


def _event(data: JsonObject) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"

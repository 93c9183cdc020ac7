"""The shapes of OpenAI's chat protocol, as far as a front end for documents needs them."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from roadworthy.answering.conversation import MOST_TURNS
from roadworthy.answering.records import BLOCKED, Answer, Asked, Citation
from roadworthy.api.bodies import Language, Name, Seconds, Turn
from roadworthy.gateway.chat import Message
from roadworthy.traces import GuardVerdict, SearchedFor

LIVE = frozenset({"default", "live"})  # names of whatever release is live
MOST_PARTS = 200
FinishReason = Literal["stop", "length", "content_filter"]


def _only(*allowed: object, otherwise: str) -> tuple[AfterValidator, object]:
    def check(value: object) -> object:
        if value not in allowed:
            raise PydanticCustomError("unsupported", "{sentence}", {"sentence": otherwise})
        return value

    return AfterValidator(check), WithJsonSchema({"enum": list(allowed)})


NO_TOOLS = "no tools are called here; leave it out"
NO_SHAPES = "an answer is text with citations; leave it out"
OneChoice = Annotated[object, *_only(None, 1, otherwise="one answer is given; leave it out")]
NoTools = Annotated[object, *_only(None, [], otherwise=NO_TOOLS)]
NoChoice = Annotated[object, *_only(None, "none", "auto", otherwise=NO_TOOLS)]
TextFormat = Annotated[object, *_only(None, {"type": "text"}, otherwise=NO_SHAPES)]
TextOnly = Annotated[object, *_only(None, ["text"], otherwise=NO_SHAPES)]
Never = Annotated[object, *_only(*(None, False), otherwise=NO_SHAPES)]


class _Lenient(BaseModel):
    """A body whose further fields are left aside: clients send many that change nothing here."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class TextPart(_Lenient):
    """A part of a message."""

    type: Literal["text"]
    text: Turn


class ChatMessage(_Lenient):
    """A turn. The answers' tone and rules stand in the release: system messages are left aside."""

    role: Literal["system", "developer", "user", "assistant"]
    # Of the wrong parts of a message the first is named: there may be 200 in each of 400.
    content: (
        Turn | Annotated[list[TextPart], Field(max_length=MOST_PARTS, fail_fast=True)] | None
    ) = None

    @property
    def text(self) -> str:
        """Give its words."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(_Lenient):
    """How to stream."""

    include_usage: bool | None = None


class ChatBody(_Lenient):
    """A conversation to go on with.

    Sampling parameters (temperature, top_p, seed, stop, max_tokens, ...) are accepted and have no
    effect: the release says how an answer is made.
    """

    model: Name = Field(description="The name of a release; default or live: the live one.")
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=2 * MOST_TURNS)]
    language: Language | None = Field(default=None, description="An extension: of the question.")
    timeout_s: Seconds | None = Field(default=None, description="An extension: of the answer.")
    cache: bool | None = Field(
        default=None, description="An extension; false: as in /v1/answers. Left out: true."
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: OneChoice = None
    tools: NoTools = None
    functions: NoTools = None
    tool_choice: NoChoice = None
    function_call: NoChoice = None
    response_format: TextFormat = None
    modalities: TextOnly = None
    audio: Never = None
    logprobs: Never = None

    @property
    def include_usage(self) -> bool:
        """Say whether a stream ends with the tokens used."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    @property
    def asked(self) -> Asked:
        """Say it in the product's words."""
        return Asked(
            turns=[
                Message(role=message.role, content=message.text)
                for message in self.messages
                if message.role in {"user", "assistant"}
            ],
            surface="chat",
            release=None if self.model in LIVE else self.model,
            language=self.language,
            timeout_s=self.timeout_s,
            cache=self.cache is not False,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What OpenAI's protocol has no place for."""

    trace_id: uuid.UUID
    outcome: str
    searched_for: SearchedFor | None  # None: no documents are read
    citations: Sequence[Citation]
    verdicts: Sequence[GuardVerdict]
    degraded: Sequence[str]
    release: str
    release_hash: str
    language: str
    cached_from: uuid.UUID | None  # the trace whose answer was given again
    warnings: Sequence[str]  # such as of a budget that is nearly spent


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidMessage:
    """The answer's text."""

    content: str
    role: Literal["assistant"] = "assistant"
    refusal: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The one answer."""

    message: SaidMessage
    finish_reason: FinishReason
    index: Literal[0] = 0
    logprobs: None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens that models read and wrote; 0 when none was called."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A whole answer."""

    id: str
    created: int  # seconds since 1970
    model: str
    system_fingerprint: str
    choices: Sequence[Choice]
    usage: Usage
    roadworthy: Extension
    object: Literal["chat.completion"] = "chat.completion"


def completion_of(answer: Answer) -> Completion:
    """Say an answer in OpenAI's protocol."""
    return Completion(
        id=f"chatcmpl-{answer.id.hex}",
        created=int(time.time()),
        model=answer.release,
        system_fingerprint=answer.release_hash[:12],
        choices=[
            Choice(message=SaidMessage(content=answer.text), finish_reason=finish_reason_of(answer))
        ],
        usage=usage_of(answer),
        roadworthy=extension_of(answer),
    )


def finish_reason_of(answer: Answer) -> FinishReason:
    """Say whether the model came to its end, was cut off, or a guard has blocked it."""
    if answer.outcome == BLOCKED:
        return "content_filter"
    return "length" if "full length" in answer.degraded else "stop"


def usage_of(answer: Answer) -> Usage:
    """Count the tokens of an answer."""
    return Usage(
        prompt_tokens=answer.input_tokens,
        completion_tokens=answer.output_tokens,
        total_tokens=answer.input_tokens + answer.output_tokens,
    )


def extension_of(answer: Answer) -> Extension:
    """Tell of an answer what the protocol has no place for."""
    return Extension(
        trace_id=answer.id,
        outcome=answer.outcome,
        searched_for=answer.searched_for,
        citations=answer.citations,
        verdicts=answer.verdicts,
        degraded=answer.degraded,
        release=answer.release,
        release_hash=answer.release_hash,
        language=answer.language,
        cached_from=answer.cached_from,
        warnings=answer.warnings,
    )


class Chunks:
    """Makes the chunks of one streamed answer, which share an id, a time and a model."""

    def __init__(self, body: ChatBody) -> None:
        self._head: dict[str, Any] = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": body.model,
        }
        # With include_usage, OpenAI's chunks but the last carry a null.
        self._unused = {"usage": None} if body.include_usage else {}

    def piece(self, delta: dict[str, str]) -> dict[str, Any]:
        """Make a chunk with the next piece of the answer."""
        return self._chunk(delta, finish_reason=None)

    def last_piece(self, answer: Answer) -> dict[str, Any]:
        """Make the chunk that ends the answer."""
        ended = self._chunk({}, finish_reason=finish_reason_of(answer))
        return ended | {"roadworthy": extension_of(answer)}

    def usage(self, answer: Answer) -> dict[str, Any]:
        """Make the chunk that tells the tokens used."""
        return self._head | {"choices": [], "usage": usage_of(answer)}

    def _chunk(
        self, delta: dict[str, str], *, finish_reason: FinishReason | None
    ) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._head | {"choices": [choice]} | self._unused

"""Chat with vendors who speak a protocol of their own, by the library any-llm (an extra)."""

import asyncio
import importlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

import httpx
from pydantic import BaseModel, Field, ValidationError

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable
from roadworthy.gateway.chat import ChatPiece, Message, check_ended, pieces_of
from roadworthy.gateway.endpoint import (
    EndpointAddress,
    Tries,
    again,
    harmless,
    told_pause,
)

# Kinds of failure of any-llm, by name: what the asker sent, and what is ours to mend.
ASKERS = frozenset({"InvalidRequestError", "ContextLengthExceededError", "ContentFilterError"})
OURS = {
    "AuthenticationError": 401,
    "ModelNotFoundError": 404,
    "InsufficientFundsError": 402,
    "UnsupportedParameterError": 400,
}
GEMINI = "gemini"
# Told to the libraries, which else look for another one in variables of the environment.
ADDRESSES = {
    "anthropic": "https://api.anthropic.com",
    GEMINI: "https://generativelanguage.googleapis.com",
}
DELAY = re.compile(r"(\d+)(\.\d+)?s")  # as Protobuf writes a duration
# What comes over our own client, of the call that is being begun.
_responses: ContextVar[list[httpx.Response]] = ContextVar("_responses")


class _Detail(BaseModel):
    retry_delay: str = Field(default="", alias="retryDelay")


class _Error(BaseModel):
    details: list[_Detail] = []


class _ErrorBody(BaseModel):
    """What Gemini says of a failure; when to come back stands there, and in no header.

    Source: google.rpc.RetryInfo, in the error model of Google's APIs.
    """

    error: _Error = _Error()


class Vendor:
    """A vendor's models, asked as those of an Endpoint are.

    Args:
        kind: the vendor, as any-llm names it.
        address: its url may be empty: then it is the vendor's own.

    Raises:
        Invalid: the library is not installed.
    """

    def __init__(self, kind: str, address: EndpointAddress) -> None:
        self.address = address
        self._kind = kind
        client = _noting()
        self._close = client.aclose
        own: dict[str, object] = {"http_client": client}
        if kind == GEMINI:
            # Else a variable of the environment may choose another service of Google.
            own = {"vertexai": False, "http_options": {"httpx_async_client": client}}
        with installed(kind):
            library = importlib.import_module("any_llm")
            self._model: Any = library.AnyLLM.create(
                kind,
                api_key=address.key,
                api_base=address.url or ADDRESSES[kind],
                unified_exceptions=True,
                max_retries=0,  # they are ours, and counted
                **own,
            )
        self._failure: type[Exception] = library.exceptions.AnyLLMError

    async def close(self) -> None:
        """Close the connections."""
        await self._close()

    async def check(self) -> None:
        """Ask whether it is there; raises as `chat` does."""
        async with self._told():
            await self._model.alist_models()

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        model: str,
        max_tokens: int,
        temperature: float = 0.0,
        options: Mapping[str, object] | None = None,
        tries: Tries | None = None,
    ) -> AsyncGenerator[ChatPiece]:
        """Ask a model; yields its answer piece by piece, and raises, as gateway.chat does."""
        asked = {
            "model": model,
            "messages": [{"role": each.role, "content": each.content} for each in messages],
            "max_tokens": max_tokens,
            "temperature": temperature,
            "stream": True,
            **(options or {}),
        }
        chunks, first, responses = await again(lambda: self._begun(asked), tries or Tries())
        reasons: set[str | None] = set()
        try:
            while first is not None:
                for piece in pieces_of(first):
                    reasons.add(piece.finish_reason)
                    # Gemini counts on the way, too; of what is still written that is no count.
                    if piece.input_tokens is None or any(reasons):
                        yield piece
                async with self._told():
                    first = await anext(chunks, None)
        finally:
            await _hang_up(responses)
            await chunks.aclose()
        check_ended(reasons, name=self._name)

    async def _begun(self, asked: Mapping[str, object]) -> tuple[Any, Any, list[httpx.Response]]:
        """Ask for an answer; gives the stream, its first chunk, and what came over our client."""
        responses: list[httpx.Response] = []
        token = _responses.set(responses)
        try:
            async with self._told():
                chunks = await self._model.acompletion(**asked)
                return chunks, await anext(chunks, None), responses
        except BaseException:
            await _hang_up(responses)
            raise
        finally:
            _responses.reset(token)

    @asynccontextmanager
    async def _told(self) -> AsyncIterator[None]:
        """Bound a silence, and say in our words what went wrong."""
        try:
            async with asyncio.timeout(self.address.timeout_s):
                yield
        except TimeoutError as error:
            raise Unavailable(
                f"{self._name} took longer than {self.address.timeout_s:g} s.", is_late=True
            ) from error
        except self._failure as error:
            raise self._said(error) from error
        except ValidationError as error:  # alone not made a failure of theirs
            raise Unavailable(f"{self._name} does not stream its own protocol.") from error

    def _said(self, error: Any) -> RoadworthyError:  # noqa: ANN401 - of a library that may be missing
        kind, status = type(error).__name__, error.status_code
        words = harmless(str(error.message), key=self.address.key)
        sentence = f"{self._name} fails and says: {words}."
        if kind == "RateLimitError":
            return Busy(sentence, status=429, **told_pause(_told_delay(error)))
        if kind in ASKERS:
            return Invalid(sentence, status=status)
        status = OURS.get(kind, status)
        if status == HTTPStatus.OK:  # of the stream, within which the failure is told
            return Unavailable(sentence)
        return Unavailable(sentence, status=status)

    @property
    def _name(self) -> str:
        return f"The model endpoint of {self._kind}"


def _noting() -> httpx.AsyncClient:
    """Make a client that asks nobody but the vendor, and lets us hang up when an answer is left.

    Google's library does not do that itself.
    """

    async def note(response: httpx.Response) -> None:
        _responses.get([]).append(response)  # of a check nobody keeps them

    return httpx.AsyncClient(
        event_hooks={"response": [note]},
        limits=httpx.Limits(max_connections=None),
        trust_env=False,
    )


async def _hang_up(responses: Sequence[httpx.Response]) -> None:
    for response in responses:
        await response.aclose()


def _told_delay(error: Any) -> str:  # noqa: ANN401 - of a library that may be missing
    """Read in how many seconds to come back; "" where it is not told."""
    if error.retry_after:
        return str(error.retry_after)
    try:
        body = _ErrorBody.model_validate(getattr(error.original_exception, "details", None))
    except ValidationError:
        return ""
    found = [DELAY.fullmatch(detail.retry_delay) for detail in body.error.details]
    return next((str(int(each[1]) + bool(each[2])) for each in found if each), "")


@contextmanager
def installed(kind: str) -> Iterator[None]:
    """Say how to install what asks a kind of endpoint, where a block does not find it."""
    try:
        yield
    except ImportError as error:
        raise Invalid(
            f"To ask models of {kind} needs a library that is missing; install roadworthy[vendors]."
        ) from error

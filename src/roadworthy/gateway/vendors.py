"""Chat with vendors who speak a protocol of their own, by the library any-llm (an extra)."""

import asyncio
import importlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

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
        library = _library(kind)
        self._failure: type[Exception] = library.exceptions.AnyLLMError
        self._model: Any = library.AnyLLM.create(
            kind,
            api_key=address.key,
            api_base=address.url or None,
            unified_exceptions=True,
            max_retries=0,  # they are ours, and counted
        )

    async def close(self) -> None:
        """Close the connections, where the vendor's library keeps any."""
        close = getattr(getattr(self._model, "client", None), "close", None)
        if close is not None and asyncio.iscoroutinefunction(close):
            await close()

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
        chunks, first = await again(lambda: self._begun(asked), tries or Tries())
        reasons: set[str | None] = set()
        try:
            while first is not None:
                for piece in pieces_of(first):
                    reasons.add(piece.finish_reason)
                    yield piece
                async with self._told():
                    first = await anext(chunks, None)
        finally:
            await chunks.aclose()
        check_ended(reasons, name=self._name)

    async def _begun(self, asked: Mapping[str, object]) -> tuple[Any, Any]:
        """Ask for an answer; gives the stream and its first chunk."""
        async with self._told():
            chunks = await self._model.acompletion(**asked)
            return chunks, await anext(chunks, None)

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

    def _said(self, error: Any) -> RoadworthyError:  # noqa: ANN401 - of a library that may be missing
        kind, status = type(error).__name__, error.status_code
        words = harmless(str(error.message), key=self.address.key)
        sentence = f"{self._name} fails and says: {words}."
        if kind == "RateLimitError":
            return Busy(sentence, status=429, **told_pause(str(error.retry_after or "")))
        if kind in ASKERS:
            return Invalid(sentence, status=status)
        status = OURS.get(kind, status)
        if status == HTTPStatus.OK:  # of the stream, within which the failure is told
            return Unavailable(sentence)
        return Unavailable(sentence, status=status)

    @property
    def _name(self) -> str:
        return f"The model endpoint of {self._kind}"


def _library(kind: str) -> Any:  # noqa: ANN401 - it may be missing, its types too
    try:
        return importlib.import_module("any_llm")
    except ImportError as error:
        raise Invalid(
            f"To ask models of {kind} needs a library that is missing; install roadworthy[vendors]."
        ) from error

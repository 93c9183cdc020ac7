"""Until when somebody waits, and that nothing is done for him afterwards."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from roadworthy.core.errors import Unavailable

T = TypeVar("T")
_END = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A moment. What is awaited beyond it is cancelled: calls of models, statements of a database.

    A cancelled call closes its connection, by which the model hears of it; a cancelled statement is
    cancelled at the server.
    """

    at: float  # by time.monotonic
    limit_s: float  # that were given, to be told

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Begin to count."""
        return cls(at=time.monotonic() + seconds, limit_s=seconds)

    @property
    def left_s(self) -> float:
        """Give what is left; 0 when it has passed."""
        return max(0.0, self.at - time.monotonic())

    @asynccontextmanager
    async def bounding(self) -> AsyncIterator[None]:
        """Cancel the block when the moment comes.

        Raises:
            Unavailable: it came.
        """
        limit = asyncio.timeout(self.left_s)
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise Unavailable(f"There was no answer within {self.limit_s:g} s.") from error

    async def bounded(self, events: AsyncGenerator[T]) -> AsyncGenerator[T]:
        """Hand on what `events` give; raises as `bounding` does.

        The time in which nobody asks for the next one counts, but is not cut short.
        """
        async with aclosing(events):
            while True:
                async with self.bounding():
                    event = await anext(events, _END)
                if event is _END:
                    return
                yield event  # pyright: ignore[reportReturnType] - anext does not part the two

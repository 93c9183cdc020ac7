"""What travels between relay and workers, and the two sides of a transport."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Never, Protocol

from roadworthy.plumbing.outbox import Announcement


def to_json(announcement: Announcement) -> bytes:
    """Write it for people and tools that look at the broker; workers do not read it."""
    told = asdict(announcement) | {"id": str(announcement.id)}
    return json.dumps(told).encode()


async def _nothing() -> None:
    """Acknowledge what nobody waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message that arrived."""

    ack: Callable[[], Awaitable[None]] = _nothing  # once a look was taken; never fails


class Inbox:
    """The messages that a worker holds. Invariant: at most `most`; who brings more waits."""

    def __init__(self, *, most: int) -> None:
        self._waiting: asyncio.Queue[Delivery] = asyncio.Queue(most)

    async def put(self, delivery: Delivery) -> None:
        """Bring a message, as soon as there is room."""
        await self._waiting.put(delivery)

    def put_if_room(self, delivery: Delivery) -> None:
        """Bring a message, or drop it when there are enough to wake everybody."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(delivery)

    async def get(self, *, wait_s: float) -> Delivery | None:
        """Take a message; None when none came within `wait_s`."""
        with suppress(TimeoutError, asyncio.QueueEmpty):
            if wait_s <= 0:
                return self._waiting.get_nowait()
            async with asyncio.timeout(wait_s):
                return await self._waiting.get()
        return None


class Receiver(Protocol):
    """The side of a worker."""

    async def listen(self, inbox: Inbox) -> Never:
        """Put each message into `inbox` until cancelled.

        Raises:
            Unavailable: the connection is lost, or cannot be made; call it again.
        """
        ...


class Publisher(Protocol):
    """The side of the relay."""

    async def publish(self, announcements: Sequence[Announcement]) -> None:
        """Return once the broker has all of them safe.

        Raises:
            Unavailable: it may have none, some or all of them; publish them again.
        """
        ...

    async def close(self) -> None:
        """Leave the broker; a later `publish` comes back."""
        ...

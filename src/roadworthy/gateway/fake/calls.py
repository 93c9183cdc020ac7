"""One call to the fake provider: how long it takes, how it ends, and that it is counted."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from starlette.types import Message, Receive, Scope, Send

from roadworthy.gateway.fake.behaviour import Behaviour, Kind
from roadworthy.gateway.protocol import problem

Outcome = Literal["finished", "cancelled", "failed"]

MOST_REMEMBERED = 100_000  # calls
FAILURES: dict[Kind, HTTPStatus] = {
    "500": HTTPStatus.INTERNAL_SERVER_ERROR,
    "503": HTTPStatus.SERVICE_UNAVAILABLE,
    "429": HTTPStatus.TOO_MANY_REQUESTS,
}


@dataclass(slots=True)
class Stats:
    """What was asked so far. Invariant: chat + embeddings = live + finished + cancelled + failed.

    `refused`, such as an unknown model, is none of these.
    """

    chat: int = 0
    embeddings: int = 0
    live: int = 0
    most_live: int = 0
    finished: int = 0
    cancelled: int = 0  # the caller went away before the end
    failed: int = 0  # as the model's name wants it
    refused: int = 0

    def begin(self) -> None:
        """Count a call that is being answered."""
        self.live += 1
        self.most_live = max(self.most_live, self.live)

    def end(self, outcome: Outcome) -> None:
        """Count how it ended."""
        self.live -= 1
        setattr(self, outcome, getattr(self, outcome) + 1)


class Draws:
    """Decides which calls go wrong: by a hash of the call, and of how often it came before.

    So a second try may do better, and a run against a fresh server repeats.
    """

    def __init__(self) -> None:
        self._times: OrderedDict[bytes, int] = OrderedDict()

    def draw(self, behaviour: Behaviour, body: bytes) -> Kind | None:
        """Say how this call goes wrong, if it does."""
        if not behaviour.error:
            return None
        key = hashlib.blake2b(body, digest_size=8).digest()
        times = self._times[key] = self._times.pop(key, 0) + 1
        if len(self._times) > MOST_REMEMBERED:
            self._times.popitem(last=False)
        drawn = hashlib.blake2b(key + times.to_bytes(8), digest_size=8).digest()
        return behaviour.kind if int.from_bytes(drawn) < behaviour.error * 2**64 else None


@dataclass(slots=True, kw_only=True)
class Call:
    """An answer on its way: an ASGI application that sends `parts`, each when it is due."""

    parts: Sequence[bytes]
    media_type: str
    first_s: float
    pause_s: float  # between two parts
    wrong: Kind | None
    stats: Stats

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Answer, unless the caller goes away."""
        gone = asyncio.ensure_future(receive())  # the body is read: only a hang-up can follow
        self.stats.begin()
        outcome: Outcome = "cancelled"
        try:
            outcome = await self._answer(gone, send)
        finally:
            gone.cancel()
            self.stats.end(outcome)

    async def _answer(self, gone: asyncio.Future[Message], send: Send) -> Outcome:
        if self.wrong == "hang":
            await gone
        if await _left(gone, self.first_s):
            return "cancelled"
        if self.wrong in FAILURES:
            await _fail(FAILURES[self.wrong], send)
            return "failed"
        kind = (b"content-type", self.media_type.encode())
        await send({"type": "http.response.start", "status": 200, "headers": [kind]})
        return await self._send(gone, send)

    async def _send(self, gone: asyncio.Future[Message], send: Send) -> Outcome:
        loop = asyncio.get_running_loop()
        began, cut = loop.time(), len(self.parts) // 2
        for number, part in enumerate(self.parts):
            if await _left(gone, began + number * self.pause_s - loop.time()):
                return "cancelled"
            if number == cut and self.wrong == "cut":
                return "failed"  # left unfinished, so that the server closes the connection
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return "finished"


async def _left(gone: asyncio.Future[Message], seconds: float) -> bool:
    """Wait so long, or until the caller goes away; say whether he did."""
    await asyncio.wait({gone}, timeout=max(seconds, 0))
    return gone.done()


async def _fail(status: HTTPStatus, send: Send) -> None:
    response = problem(
        f"The fake model fails: {status}, as its name says.", status=status, code=None
    )
    await send({"type": "http.response.start", "status": status, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body})

"""Stream server-sent events, and stop the work when nobody listens any more."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import TypeVar

from pydantic_core import to_json
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MEDIA_TYPE = "text/event-stream"
# One event of a stream, as OpenAPI 3.2 describes it (section 4.14.4).
EVENT_SCHEMA = {
    "type": "object",
    "required": ["data"],
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
}
COMMENT_EVERY_S = 15  # keeps proxies from closing a stream whose model is thinking
READ_WITHIN_S = 30.0  # who takes nothing of a stream for so long has gone

Result = TypeVar("Result")


def frame(data: object, *, event: str | None = None) -> bytes:
    """Write one event; JSON has no line end inside, so that one data line holds it."""
    named = f"event: {event}\n".encode() if event else b""
    return named + b"data: " + to_json(data) + b"\n\n"


async def unless_gone(
    receive: Receive,
    work: Coroutine[None, None, Result],
    *,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> Result:
    """Do `work`, or cancel it as soon as the client goes away.

    Args:
        meanwhile: called whenever COMMENT_EVERY_S have passed.

    Raises:
        ClientDisconnect: the client went away; `work` has ended before this is raised.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(receive))
    both = {working, leaving}
    try:
        while not working.done() and not leaving.done():
            done, _ = await asyncio.wait(
                both, timeout=COMMENT_EVERY_S, return_when=asyncio.FIRST_COMPLETED
            )
            if not done and meanwhile is not None:
                await meanwhile()
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        for task in both:
            task.cancel()
        await asyncio.wait(both)


class EventStream(Response):
    """Sends frames as they come. However it ends, their source is closed before it returns."""

    media_type = MEDIA_TYPE

    def __init__(self, frames: AsyncGenerator[bytes], *, source: AsyncGenerator[object]) -> None:
        self._frames = frames
        self._source = source
        self.status_code = 200
        self.background = None
        # Proxies must neither keep nor collect it.
        self.init_headers({"cache-control": "no-store", "x-accel-buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send until the end, or until nobody listens or reads."""

        async def comment() -> None:
            await _taken(send(_body(b": still here\n\n")))

        async with aclosing(self._source), aclosing(self._frames):
            await unless_gone(receive, self._send_all(send), meanwhile=comment)

    async def _send_all(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await _taken(send(start))
        async for each in self._frames:
            await _taken(send(_body(each)))
        await _taken(send(_body(b"", more=False)))


async def _taken(sending: Awaitable[None]) -> None:
    """Wait until there is room for what is sent: places and models are held meanwhile.

    Raises:
        ClientDisconnect: nobody has read on for READ_WITHIN_S.
    """
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            await sending
    except TimeoutError as error:
        raise ClientDisconnect from error


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _body(content: bytes, *, more: bool = True) -> dict[str, object]:
    return {"type": "http.response.body", "body": content, "more_body": more}

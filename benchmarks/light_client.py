"""An HTTP client that costs next to nothing, for load on the machine that is measured."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httptools


@dataclass(slots=True)
class Reply:
    """What came back, and when, in seconds after the request."""

    status: int = 0
    body: bytearray = field(default_factory=bytearray)
    first_s: float = 0  # the first byte of the body
    total_s: float = 0
    is_whole: bool = False
    began: float = field(default_factory=time.perf_counter)

    def on_body(self, part: bytes) -> None:
        self.first_s = self.first_s or time.perf_counter() - self.began
        self.body += part

    def on_message_complete(self) -> None:
        self.is_whole = True
        self.total_s = time.perf_counter() - self.began


class Client:
    """One connection, kept from request to request."""

    def __init__(self, url: str, *, key: str = "") -> None:
        parts = urlsplit(url)
        self._address = parts.hostname or "", parts.port or 80
        self._key = key
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.hang_up()

    async def get(self, path: str) -> Reply:
        return await self._ask(self._head("GET", path))

    async def post(
        self, path: str, body: object, *, until: bytes | None = None, times: int = 1
    ) -> Reply:
        """Send JSON and read the answer, or only until `until` has come so many times.

        Raises:
            OSError, EOFError: the connection failed or broke off.
        """
        sent = json.dumps(body).encode()
        head = self._head(
            "POST", path, f"content-type: application/json\r\ncontent-length: {len(sent)}\r\n"
        )
        return await self._ask(head + sent, until=until, times=times)

    def hang_up(self) -> None:
        """Close the connection, whatever is on its way."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    def _head(self, method: str, path: str, further: str = "") -> bytes:
        host, port = self._address
        key = f"authorization: Bearer {self._key}\r\n" if self._key else ""
        return f"{method} {path} HTTP/1.1\r\nhost: {host}:{port}\r\n{key}{further}\r\n".encode()

    async def _ask(self, request: bytes, *, until: bytes | None = None, times: int = 1) -> Reply:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(*self._address)
        assert self._reader
        reply = Reply()
        parser = httptools.HttpResponseParser(reply)
        self._writer.write(request)
        try:
            while not reply.is_whole:
                part = await self._reader.read(65_536)
                _check_open(part)
                parser.feed_data(part)
                reply.status = parser.get_status_code()
                if until is not None and reply.body.count(until) >= times:
                    break
        except BaseException:
            self.hang_up()
            raise
        if not parser.should_keep_alive():
            self.hang_up()
        return reply


def _check_open(part: bytes) -> None:
    if not part:
        raise EOFError("the server closed the connection")

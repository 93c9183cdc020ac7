"""Keep what a real model server answered in a file, and answer the same from it later.

An exchange is found again by its request: method, path and body. Keys are not kept: no header of a
request is, of an answer only those of HEADERS, and `secrets` are blotted out wherever they stand.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

HEADERS = ("content-type", "retry-after")
BLOT = b"***"


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and what came back. Bodies are text: the protocol has no others."""

    method: str
    path: str
    asked: str
    status: int
    headers: dict[str, str]
    parts: list[str]  # as they came

    @property
    def key(self) -> bytes:
        return _key(self.method, self.path, self.asked.encode())


class Recorder(httpx.AsyncBaseTransport):
    """Passes requests on, and appends each exchange to a file when its answer has come."""

    def __init__(
        self, file: Path, *, secrets: Sequence[str], inner: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._file = file
        self._secrets = [secret.encode() for secret in secrets]
        self._inner = inner or httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        response.stream = _Heard(stream, lambda parts: self._write(request, response, parts))
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _write(self, request: httpx.Request, response: httpx.Response, parts: list[bytes]) -> None:
        kept = {name: response.headers[name] for name in HEADERS if name in response.headers}
        exchange = Exchange(
            method=request.method,
            path=request.url.path,
            asked=self._blotted(request.content),
            status=response.status_code,
            headers=kept,
            parts=[self._blotted(part) for part in parts],
        )
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(exchange), ensure_ascii=False) + "\n")

    def _blotted(self, body: bytes) -> str:
        for secret in self._secrets:
            body = body.replace(secret, BLOT)
        return body.decode()


class Replayer(httpx.AsyncBaseTransport):
    """Answers from a file. The same request again has the next answer to it; the last stays."""

    def __init__(self, file: Path) -> None:
        self._exchanges: defaultdict[bytes, list[Exchange]] = defaultdict(list)
        for line in file.read_text("utf-8").splitlines():
            exchange = Exchange(**json.loads(line))
            self._exchanges[exchange.key].append(exchange)
        self._is_connected = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        known = self._exchanges.get(_key(request.method, request.url.path, request.content))
        assert known, (
            f"no recording answers {request.method} {request.url.path} {request.content!r}"
        )
        exchange = known.pop(0) if len(known) > 1 else known[0]
        if not self._is_connected and "trace" in request.extensions:
            told = {"return_value": _Connection()}
            await request.extensions["trace"]("connection.connect_tcp.complete", told)
        self._is_connected = True
        return httpx.Response(
            exchange.status,
            headers=exchange.headers,
            stream=_Parts([part.encode() for part in exchange.parts]),
            extensions={"network_stream": _Connection()},
            request=request,
        )


class _Heard(httpx.AsyncByteStream):
    """Hands a body on, and tells what it was when it is closed."""

    def __init__(self, stream, told) -> None:
        self._stream = stream
        self._told = told
        self._parts: list[bytes] = []

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._parts.append(part)
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._told(self._parts)


class _Parts(httpx.AsyncByteStream):
    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


class _Connection:
    """The one connection to a recording."""

    def get_extra_info(self, info: str) -> object:
        return ("recording", 0) if info == "client_addr" else None


def _key(method: str, path: str, body: bytes) -> bytes:
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).digest()

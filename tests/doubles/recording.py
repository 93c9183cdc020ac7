"""Keep what a real model server answered in a file, and answer the same from it later.

An exchange is found again by its request: method, path and body. Keys are not kept: no header of a
request is, of an answer only those of HEADERS, and `secrets` are blotted out of both bodies; where
one would stay nevertheless, nothing is written.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

HEADERS = ("content-type", "retry-after")
BLOT = b"***"


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and what came back. Bodies are text; bytes that are none stand as in PEP 383."""

    method: str
    path: str
    asked: str
    status: int
    headers: dict[str, str]
    parts: list[str]  # as they came, or one where a secret lay across two
    is_broken: bool = False  # the connection ended before the answer

    @property
    def key(self) -> bytes:
        return _key(self.method, self.path, _bytes(self.asked))

    def holds(self, secret: bytes) -> bool:
        texts = (self.path, *self.headers.values(), self.asked, "".join(self.parts))
        return any(secret in _bytes(text) for text in texts)


class Recorder(httpx.AsyncBaseTransport):
    """Passes requests on, and appends each exchange to a file when its answer has ended.

    Who asks sees what will be kept: HEADERS alone, and the body unpacked. What they leave half-read
    is not written: nobody knows how it ends.
    """

    def __init__(
        self, file: Path, *, secrets: Sequence[str], inner: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._file = file
        self._secrets = [secret.encode() for secret in secrets]
        self._inner = inner or httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        kept = {name: response.headers[name] for name in HEADERS if name in response.headers}

        def told(parts: Sequence[bytes], *, is_broken: bool) -> None:
            exchange = Exchange(
                method=request.method,
                path=request.url.path,
                asked=_text(self._blotted(request.content)),
                status=response.status_code,
                headers=kept,
                parts=self._cut(parts),
                is_broken=is_broken,
            )
            self._write(exchange)

        return httpx.Response(
            response.status_code,
            headers=kept,
            stream=_Heard(response, told),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _write(self, exchange: Exchange) -> None:
        would_stay = any(exchange.holds(secret) for secret in self._secrets)
        assert not would_stay, f"a secret would stay in {self._file}; nothing is written"
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(exchange)) + "\n")

    def _cut(self, parts: Sequence[bytes]) -> list[str]:
        blotted = [self._blotted(part) for part in parts]
        whole = self._blotted(b"".join(parts))
        return [_text(part) for part in (blotted if b"".join(blotted) == whole else [whole])]

    def _blotted(self, body: bytes) -> bytes:
        for secret in self._secrets:
            body = body.replace(secret, BLOT)
        return body


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
            stream=_Parts(exchange),
            extensions={"network_stream": _Connection()},
            request=request,
        )


class _Heard(httpx.AsyncByteStream):
    """Hands an unpacked body on, and tells what it was when it has ended."""

    def __init__(self, response: httpx.Response, told: Callable[..., None]) -> None:
        self._response = response
        self._told = told

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts: list[bytes] = []
        try:
            async for part in self._response.aiter_bytes():
                parts.append(part)
                yield part
        except httpx.HTTPError:
            self._told(parts, is_broken=True)
            raise
        self._told(parts, is_broken=False)

    async def aclose(self) -> None:
        await self._response.aclose()


class _Parts(httpx.AsyncByteStream):
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._exchange.parts:
            yield _bytes(part)
        if self._exchange.is_broken:
            raise httpx.ReadError("the answer broke off here when it was recorded")


class _Connection:
    """The one connection to a recording."""

    def get_extra_info(self, info: str) -> object:
        return ("recording", 0) if info == "client_addr" else None


def _text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _key(method: str, path: str, body: bytes) -> bytes:
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).digest()

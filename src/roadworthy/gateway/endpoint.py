"""One HTTP endpoint that speaks the OpenAI protocol, and the patience that we have with it."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from pydantic import BaseModel, ValidationError

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable

MOST_TRIES = 4
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
LONGEST_MESSAGE = 500
RETRIED = frozenset({429, 500, 502, 503, 504})
# Longer than a server keeps an idle connection is no use; shorter means a new one each time.
KEEP_ALIVE_S = 240


class _ErrorDetail(BaseModel):
    message: str = ""


class _ErrorBody(BaseModel):
    error: _ErrorDetail


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointAddress:
    """Where a model is reached, and with which key."""

    url: str  # up to /v1
    key: str | None
    timeout_s: float

    def __repr__(self) -> str:
        """Leave the key out."""
        return f"EndpointAddress(url={self.url!r})"


class Endpoint:
    """Posts JSON and tries again where that can help.

    Connection errors, 429 and 5xx are tried four times in all, with full jitter and within the
    time limit; an answer that has begun is never asked for again.
    """

    def __init__(self, address: EndpointAddress) -> None:
        self.address = address
        self.connections = 0  # made so far; a new one may lead to another server
        headers = {"authorization": f"Bearer {address.key}"} if address.key else {}
        self._client = httpx.AsyncClient(
            base_url=address.url,
            headers=headers,
            timeout=httpx.Timeout(address.timeout_s, connect=min(5.0, address.timeout_s)),
            limits=httpx.Limits(max_connections=64, keepalive_expiry=KEEP_ALIVE_S),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def post(self, path: str, body: Mapping[str, object]) -> bytes:
        """Send `body` and return the answer's body.

        Raises:
            Invalid: the server refuses the request (4xx); its own words are in the sentence.
            Busy: it is at its limit (429), still after all tries.
            Unavailable: it cannot be reached, fails (5xx), or takes too long.
        """
        async with self.stream(path, body) as response:
            return await response.aread()

    async def get(self, path: str) -> bytes:
        """Fetch `path`; raises as `post` does."""
        async with self._sent(self._client.build_request("GET", path)) as response:
            return await response.aread()

    @asynccontextmanager
    async def stream(self, path: str, body: Mapping[str, object]) -> AsyncIterator[httpx.Response]:
        """Send `body` and hand out the answer while it arrives; raises as `post` does."""
        async with self._sent(self._client.build_request("POST", path, json=body)) as response:
            yield response

    @asynccontextmanager
    async def _sent(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        response = await self._send(request)
        try:
            yield response
        except httpx.HTTPError as error:
            raise Unavailable(f"{self._name} broke off in mid-answer.") from error
        finally:
            await response.aclose()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        request.extensions["trace"] = self._count_connections
        for left in reversed(range(MOST_TRIES)):
            pause = _pause(MOST_TRIES - 1 - left)
            try:
                response = await self._client.send(request, stream=True)
            except httpx.TimeoutException as error:
                raise Unavailable(
                    f"{self._name} took longer than {self.address.timeout_s:g} s."
                ) from error
            except httpx.TransportError as error:
                if not left:
                    raise Unavailable(
                        f"{self._name} cannot be reached; `roadworthy doctor` says why."
                    ) from error
            else:
                if response.is_success:
                    return response
                failure = await self._failure(response)
                await response.aclose()
                if response.status_code not in RETRIED or not left:
                    raise failure
                pause = _told_pause(response) or pause
            await asyncio.sleep(pause)
        raise AssertionError("the last try returns or raises")

    async def _failure(self, response: httpx.Response) -> RoadworthyError:
        try:
            body = await response.aread()
            words = _ErrorBody.model_validate_json(body).error.message
        except (httpx.HTTPError, ValidationError):
            words = ""
        said = f" and says: {words[:LONGEST_MESSAGE]}" if words else ""
        status = response.status_code
        sentence = f"{self._name} answers {status}{said}."
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return Busy(sentence, status=status)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status in {401, 403, 404}:
            # A wrong key or path is ours to mend, not the asker's.
            return Unavailable(sentence, status=status)
        return Invalid(sentence, status=status)

    async def _count_connections(self, event: str, _info: Mapping[str, object]) -> None:
        if event == "connection.connect_tcp.complete":
            self.connections += 1

    @property
    def _name(self) -> str:
        return f"The model endpoint {self.address.url}"


def _pause(tries: int) -> float:
    return random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**tries))  # noqa: S311


def _told_pause(response: httpx.Response) -> float | None:
    told = response.headers.get("retry-after", "")
    return min(float(told), LONGEST_PAUSE_S) if told.isdigit() else None

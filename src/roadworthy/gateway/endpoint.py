"""One HTTP endpoint that speaks the OpenAI protocol, and the patience that we have with it."""

import asyncio
import math
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import httpx
from pydantic import AliasChoices, BaseModel, Field, ValidationError

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable
from roadworthy.gateway.protocol import BACKGROUND, PRIORITY

T = TypeVar("T")
MOST_TRIES = 4
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
LONGEST_TOLD_S = 86_400.0
# Of the time of a call, until one of our own connections is free: before the time is up, it is
# known that we are at our limit.
OF_THE_TIME = 0.9
LONGEST_MESSAGE = 500
MOST_OF_AN_ERROR = 64_000  # bytes that are read of it
MOST_OF_A_LIST = 4_000_000  # bytes of what is fetched, such as the names of all models
# Of a request that no endpoint would take; any other status of these is ours to mend.
ASKERS = frozenset({400, 413, 422})
# 424: the model behind a server failed, as Bedrock and Text Embeddings Inference say it.
PASSING = frozenset({408, 424, 425, 429})
# OpenAI's codes of a 400 about a parameter, which we choose and no asker does.
OF_A_PARAMETER = frozenset({"unsupported_parameter", "unsupported_value"})
# Longer than a server keeps an idle connection is no use; shorter means a new one each time.
KEEP_ALIVE_S = 240


class _ErrorDetail(BaseModel):
    message: str = ""
    code: object = None
    param: object = None


class _ErrorBody(BaseModel):
    """What servers say: OpenAI and vLLM, Ollama and TEI, older vLLM and AWS, FastAPI."""

    error: _ErrorDetail | str = ""
    message: str = Field(default="", validation_alias=AliasChoices("message", "Message"))
    detail: str = ""

    @property
    def words(self) -> str:
        error = self.error.message if isinstance(self.error, _ErrorDetail) else self.error
        return error or self.message or self.detail

    @property
    def parameter(self) -> str | None:
        """The parameter that it does not take."""
        error = self.error
        if isinstance(error, _ErrorDetail) and error.code in OF_A_PARAMETER:
            return str(error.param)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer, and the number of the connection that it came over."""

    body: bytes
    connection: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """How often a call is made until it works."""

    most: int = MOST_TRIES
    by: float = math.inf  # until when there may be a further one, on the clock of the event loop
    longest_pause_s: float = math.inf  # before a further one; sooner somebody else is asked
    # Called before each; raises Busy where our own limit has no room for it.
    on_try: Callable[[], None] = lambda: None


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

    Connection errors, 408, 424, 425, 429 and 5xx are tried four times in all, with full jitter and
    within the time limit; an answer that has begun is never asked for again.

    Args:
        tries: of one call; 1 where who waits would rather go on without.
        is_background: the server may let all others go first; the engine does.
        auth: what signs each request, where no key is sent.
        transport: what carries requests; None: the network.
    """

    def __init__(
        self,
        address: EndpointAddress,
        *,
        most_connections: int = 64,
        tries: int = MOST_TRIES,
        is_background: bool = False,
        auth: httpx.Auth | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        key = address.key or ""
        if not (key.isascii() and key.isprintable()):
            raise Invalid(f"The key of {address.url} holds a character that no header may hold.")
        if httpx.URL(address.url).userinfo:
            # It would stand in every sentence and log line that names the address.
            raise Invalid("The address of a model endpoint holds a password; set its key instead.")
        self.address = address
        self._tries = Tries(most=tries)
        self._transport = transport
        self._beside: list[Endpoint] = []
        self.connections = 0  # made so far; a new one may lead to another server
        # Parameters that a model here did not take, by its name.
        self.refused: defaultdict[str, set[str]] = defaultdict(set)
        self._numbers: dict[object, int] = {}  # of connections, by our own end
        headers = {PRIORITY: BACKGROUND} if is_background else {}
        if key:
            headers["authorization"] = f"Bearer {key}"
        self._client = httpx.AsyncClient(
            base_url=address.url,
            headers=headers,
            auth=auth,
            timeout=httpx.Timeout(
                address.timeout_s,
                connect=min(5.0, address.timeout_s),
                pool=OF_THE_TIME * address.timeout_s,
            ),
            limits=httpx.Limits(
                max_connections=most_connections,
                max_keepalive_connections=most_connections,
                keepalive_expiry=KEEP_ALIVE_S,
            ),
            trust_env=False,
            transport=transport,
        )

    def beside(
        self,
        *,
        most_connections: int,
        timeout_s: float = math.inf,
        tries: int = MOST_TRIES,
        is_background: bool = False,
    ) -> "Endpoint":
        """Lead to the same server over connections of its own, which are closed with this one's.

        Args:
            timeout_s: of one call, unless less is given to all.
        """
        address = replace(self.address, timeout_s=min(timeout_s, self.address.timeout_s))
        made = Endpoint(
            address,
            most_connections=most_connections,
            tries=tries,
            is_background=is_background,
            transport=self._transport,
        )
        self._beside.append(made)
        return made

    async def close(self) -> None:
        """Close the connections."""
        for each in self._beside:
            await each.close()
        await self._client.aclose()

    async def post(
        self, path: str, body: Mapping[str, object], *, most_bytes: int | None = None
    ) -> Reply:
        """Send `body` and return the answer's body.

        Args:
            most_bytes: a longer answer is not read to its end.

        Raises:
            Invalid: the server refuses what is asked (400, 413, 422); its own words are in the
                sentence.
            Busy: it is at its limit (429), still after all tries, or all our connections are taken.
            Unavailable: it cannot be reached, fails, takes too long, or answers too much.
        """
        async with self._limited(), self.stream(path, body) as response:
            stream = response.extensions["network_stream"]
            number = self._numbers[stream.get_extra_info("client_addr")]
            return Reply(body=await self._read(response, most_bytes), connection=number)

    async def get(self, path: str) -> bytes:
        """Fetch `path`; raises as `post` does."""
        request = self._client.build_request("GET", path)
        async with self._limited(), self._sent(request) as response:
            return await self._read(response, MOST_OF_A_LIST)

    @asynccontextmanager
    async def stream(
        self, path: str, body: Mapping[str, object], *, tries: Tries | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Send `body` and hand out the answer while it arrives; raises as `post` does.

        Args:
            tries: of this call, if not as usual.
        """
        request = self._client.build_request("POST", path, json=body)
        async with self._sent(request, tries=tries) as response:
            yield response

    @asynccontextmanager
    async def _sent(
        self, request: httpx.Request, *, tries: Tries | None = None
    ) -> AsyncIterator[httpx.Response]:
        request.extensions["trace"] = self._count_connections
        tries = tries or self._tries
        by = asyncio.get_running_loop().time() + self.address.timeout_s
        async with self._limited():
            response = await again(
                lambda: self._send(request), replace(tries, by=min(by, tries.by))
            )
        try:
            yield response
        except httpx.HTTPError as error:
            raise Unavailable(f"{self._name} broke off in mid-answer.") from error
        finally:
            await response.aclose()

    async def _read(self, response: httpx.Response, most_bytes: int | None) -> bytes:
        if most_bytes is None:
            return await response.aread()
        body = await _beginning(response, most_bytes + 1)
        if len(body) > most_bytes:
            raise Unavailable(f"{self._name} answers more than {most_bytes} bytes.")
        return body

    @asynccontextmanager
    async def _limited(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.address.timeout_s):
                yield
        except TimeoutError as error:
            raise self._too_slow() from error

    def _too_slow(self) -> Unavailable:
        return Unavailable(
            f"{self._name} took longer than {self.address.timeout_s:g} s.", is_late=True
        )

    async def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            response = await self._client.send(request, stream=True)
        except httpx.PoolTimeout as error:
            raise Busy(
                f"{self._name} is asked as much as it may be; try again in 1 s.", retry_after_s=1
            ) from error
        except (httpx.ReadTimeout, httpx.WriteTimeout) as error:
            raise self._too_slow() from error
        except httpx.TransportError as error:
            raise Unavailable(
                f"{self._name} cannot be reached; `roadworthy doctor` says why.",
                is_unreachable=True,
            ) from error
        if response.is_success:
            return response
        try:
            raise await self._failure(response)
        finally:
            await response.aclose()

    async def _failure(self, response: httpx.Response) -> RoadworthyError:
        try:
            body = await _beginning(response, MOST_OF_AN_ERROR)
        except httpx.HTTPError:
            body = b""
        words = self.words(body)
        said = f" and says: {words}" if words else ""
        status = response.status_code
        sentence = f"{self._name} answers {status}{said}."
        if status not in ASKERS:
            kind = Busy if status == httpx.codes.TOO_MANY_REQUESTS else Unavailable
            after = told_pause(response.headers.get("retry-after", ""))
            return kind(sentence, status=status, **after)
        if parameter := _said(body).parameter:
            return Unavailable(sentence, status=status, parameter=parameter)
        return Invalid(sentence, status=status)

    def words(self, body: bytes) -> str:
        """Read the server's own words from an error, fit for a sentence; "" when it has none.

        They hold no key of ours and nothing that steers a terminal.
        """
        return harmless(_said(body).words, key=self.address.key)

    async def _count_connections(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self.connections += 1
            own_end = info["return_value"].get_extra_info("client_addr")
            self._numbers[own_end] = self.connections

    @property
    def _name(self) -> str:
        return f"The model endpoint {self.address.url}"


async def _beginning(response: httpx.Response, most_bytes: int) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) >= most_bytes:
            break
    return bytes(body[:most_bytes])


def harmless(words: str, *, key: str | None) -> str:
    """Make a server's words fit for a sentence: no key of ours, nothing that steers a terminal."""
    words = words.replace(key, "***") if key else words
    printable = "".join(c if c.isprintable() else " " for c in words[: 2 * LONGEST_MESSAGE])
    return " ".join(printable.split())[:LONGEST_MESSAGE]


async def again(once: Callable[[], Awaitable[T]], tries: Tries) -> T:
    """Make a call until it works or cannot work; raises what came of the last one that was made.

    A pause that would not end in time is not begun: who waits is told of the failure that is known,
    not that the time was up.
    """
    failure: RoadworthyError | None = None
    for tried in range(tries.most):
        try:
            tries.on_try()
        except Busy as busy:
            raise failure or busy from None
        try:
            return await once()
        except RoadworthyError as error:
            failure = error
            pause = _pause_s(error, tried)
            left_s = min(tries.by - asyncio.get_running_loop().time(), tries.longest_pause_s)
            if tried + 1 == tries.most or not _may_pass(error) or pause >= left_s:
                raise
        await asyncio.sleep(pause)
    raise AssertionError("the last try returns or raises")


def _pause_s(error: RoadworthyError, tried: int) -> float:
    told = error.facts.get("retry_after_s")
    return float(told or 0) + full_jitter(tried)  # all who were told the same do not come together


def _may_pass(error: RoadworthyError) -> bool:
    """Tell whether the same request may work later; one that was late has used up the time."""
    status = error.facts.get("status")
    if isinstance(status, int):
        return status in PASSING or status >= httpx.codes.INTERNAL_SERVER_ERROR
    return isinstance(error, Unavailable) and "is_late" not in error.facts


def full_jitter(tries: int) -> float:
    """Draw the seconds to wait after so many tries that failed, the first being 0.

    Source: M. Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
    """
    return random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**tries))  # noqa: S311


def told_pause(told: str) -> dict[str, int]:
    """Read when to come back, as a fact of a failure; none where it is no number of seconds."""
    return {"retry_after_s": int(min(float(told), LONGEST_TOLD_S))} if told.isdecimal() else {}


def _said(body: bytes) -> _ErrorBody:
    try:
        return _ErrorBody.model_validate_json(body)
    except ValidationError:
        is_marked_up = body.lstrip()[:1] in (b"<", b"{", b"[")
        return _ErrorBody(detail="" if is_marked_up else body.decode("utf-8", "replace"))

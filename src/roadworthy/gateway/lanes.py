"""The lane of an endpoint: how many calls go there at once, how many in a minute, and whether any.

What it counts is known to this process alone: two processes may ask an endpoint twice as much.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from http import HTTPStatus

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable
from roadworthy.gateway.bedrock import Bedrock
from roadworthy.gateway.chat import ChatPiece, Message, chat
from roadworthy.gateway.endpoint import Endpoint, Tries
from roadworthy.gateway.uses import least_tokens
from roadworthy.gateway.vendors import Vendor
from roadworthy.plumbing.breaker import Breaker

MINUTE_S = 60
MOST_FAILURES = 3  # in a row, until an endpoint is left alone
JSON_SCHEMA, LOGPROBS = "json_schema", "logprobs"
# Ends of an answer that are the endpoint's; to others, such as content_filter, what is asked leads.
OF_THE_ENDPOINT = frozenset({"abort", "error"})
SILENCE_S = 10.0  # after which an endpoint is late, whoever would have waited for how long
MOST_MODELS = 1000  # of an endpoint, whose silence is remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one process may ask of an endpoint, and what it can."""

    most_concurrent: int = 64
    requests_per_minute: int | None = None
    wait_s: float = 2.0  # for a turn by these two
    context_tokens: int | None = None  # read and written in one call; None: not known
    is_cut_at_context: bool = False  # an answer that would go beyond; others refuse such a call
    capabilities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What is asked of a model, whichever it is."""

    messages: Sequence[Message]
    max_tokens: int
    temperature: float = 0.0
    json_schema: Mapping[str, object] | None = None  # that the answer is to fit
    asks_confidence: bool = False

    @property
    def least_read(self) -> int:
        """Estimate, low, how many tokens are read."""
        return least_tokens([each.content for each in self.messages])

    @property
    def least_tokens(self) -> int:
        """Estimate, low, how many tokens are read and may be written."""
        return self.least_read + self.max_tokens


@dataclass(slots=True, kw_only=True)
class Patience:
    """How long a call may take, and how often it may be tried."""

    first_by: float  # by when its first text must be there, on the clock of the event loop
    all_by: float  # and by when the whole
    tries: int
    longest_pause_s: float = math.inf  # between two of them
    tried: int = field(default=0, init=False)  # requests that were sent
    # When the last was sent, or the last piece came; None: it waits for its turn.
    silent_since: float | None = field(default=None, init=False)


class Rate:
    """Says when a request may be sent: in no minute are there more than the limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._sent = deque[float]()  # when: in the last minute, or soon; ascending

    @property
    def wait_s(self) -> float:
        """Tell how long it takes until a request may be sent."""
        now = self._clock()
        while self._sent and self._sent[0] <= now - MINUTE_S:
            self._sent.popleft()
        beyond = len(self._sent) - self._per_minute
        return 0.0 if beyond < 0 else self._sent[beyond] + MINUTE_S - now

    def spend(self) -> float:
        """Note a request for when it may be sent; gives that moment."""
        at = self._clock() + self.wait_s
        self._sent.append(at)
        return at

    def give_back(self, at: float) -> None:
        """Note that the request of a moment was not sent."""
        self._sent.remove(at)


class Silence:
    """Adds up the silence of a model in calls that were overtaken, and says if there is too much.

    Calls at the same time add up once; a text begins the sum anew. Who is slow may be well, and
    others may have more patience: so this leads to another order of steps, and to no rest.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sum_s = 0.0
        self._until = float("-inf")  # what was before is added up, or a text has ended it
        self._breaker = Breaker(clock)

    @property
    def is_long(self) -> bool:
        """Tell whether a further call would but wait; now and then one tries."""
        return self._breaker.is_resting

    def asked(self) -> None:
        """Note a call: where one tries whether it is over, the others do not."""
        self._breaker.attempt()

    def add(self, since: float) -> None:
        """Add the silence of a call that has been overtaken now."""
        now = self._clock()
        self._sum_s += now - max(since, self._until)
        self._until = now
        if self._sum_s >= SILENCE_S:  # so it stays until a text: each further call is one in vain
            self._breaker.failed(since)

    def end(self) -> None:
        """Note a text."""
        self._sum_s, self._until = 0.0, self._clock()
        self._breaker.succeeded(self._until)


class Lane:
    """Calls of one endpoint, within its limits and only while it is well."""

    def __init__(
        self, name: str, endpoint: Endpoint | Vendor | Bedrock, *, limits: Limits | None = None
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self._ask = partial(chat, endpoint) if isinstance(endpoint, Endpoint) else endpoint.chat
        self.limits = limits or Limits()
        self.breaker = Breaker(failures=MOST_FAILURES)
        # One model may hang beside another that is well; who is forgotten begins anew.
        self.silence = lru_cache(MOST_MODELS)(lambda _model: Silence())
        self._places = asyncio.Semaphore(self.limits.most_concurrent)
        per_minute = self.limits.requests_per_minute
        self._rate = Rate(per_minute) if per_minute else None

    async def chat(
        self, asked: ChatRequest, *, model: str, patience: Patience
    ) -> AsyncGenerator[ChatPiece]:
        """Ask a model here; yields its answer piece by piece.

        Raises:
            Busy: no turn within the limits came up in time, or the endpoint is at its own limit.
            Unavailable: the endpoint is down, late, breaks off, or is being left alone.
            Invalid: it refuses the request, or takes less (`is_too_long`) and is not asked.
        """
        self._fits(asked)
        async with self._turn(patience):
            attempt = self.breaker.attempt()
            if attempt is None:
                raise self._resting()
            silence = self.silence(model)
            silence.asked()
            try:
                pieces = self._ask(
                    asked.messages,
                    model=model,
                    max_tokens=asked.max_tokens,
                    temperature=asked.temperature,
                    options=self._options(asked),
                    tries=Tries(
                        most=patience.tries,
                        by=patience.first_by,
                        longest_pause_s=patience.longest_pause_s,
                        on_try=lambda: self._count(patience),
                    ),
                )
                async with aclosing(self._in_time(pieces, patience)) as timed:
                    async for piece in timed:
                        patience.silent_since = time.monotonic()
                        if piece.text.strip():
                            silence.end()
                            if not self.breaker.is_well:
                                self.breaker.succeeded(attempt)
                        yield piece
            except RoadworthyError as error:
                if is_to_blame(error):
                    self.breaker.failed(attempt)
                elif has_answered(error):
                    self.breaker.succeeded(attempt)
                raise
            self.breaker.succeeded(attempt)

    def _fits(self, asked: ChatRequest) -> None:
        most = self.limits.context_tokens
        least = asked.least_read if self.limits.is_cut_at_context else asked.least_tokens
        if most is not None and least > most:
            raise Invalid(
                f"What is asked is longer than the {most} tokens that the model endpoint "
                f"{self.name} takes; ask less, or have the release read less (`context_tokens`), "
                "write less (`max_tokens`), or ask a step that takes more (`route`).",
                context_tokens=most,
            )

    def _options(self, asked: ChatRequest) -> Mapping[str, object]:
        options: dict[str, object] = {}
        if asked.json_schema is not None and JSON_SCHEMA in self.limits.capabilities:
            schema = {"name": "answer", "schema": asked.json_schema}
            options["response_format"] = {"type": "json_schema", "json_schema": schema}
        if asked.asks_confidence and LOGPROBS in self.limits.capabilities:
            options["logprobs"] = True
        return options

    def _count(self, patience: Patience) -> None:
        if self._rate is not None and patience.tried:  # the first had its turn
            if wait_s := self._rate.wait_s:
                raise self._busy(math.ceil(wait_s))
            self._rate.spend()
        patience.tried += 1
        patience.silent_since = time.monotonic()

    @asynccontextmanager
    async def _turn(self, patience: Patience) -> AsyncIterator[None]:
        """Wait, within bounds, until one more call is within the limits; then hold its place."""
        if self.breaker.is_resting:
            raise self._resting()
        now = asyncio.get_running_loop().time()
        by = min(now + self.limits.wait_s, patience.first_by)
        try:
            async with asyncio.timeout_at(by):
                await self._places.acquire()
        except TimeoutError:
            raise self._busy(1) from None
        try:
            await self._request(by)
            yield
        finally:
            self._places.release()

    async def _request(self, by: float) -> None:
        if self._rate is None:
            return
        wait_s = self._rate.wait_s
        if wait_s > max(0.0, by - asyncio.get_running_loop().time()):
            raise self._busy(math.ceil(wait_s))
        at = self._rate.spend()
        try:
            await asyncio.sleep(wait_s)
        except asyncio.CancelledError:
            self._rate.give_back(at)
            raise

    async def _in_time(
        self, pieces: AsyncGenerator[ChatPiece], patience: Patience
    ) -> AsyncGenerator[ChatPiece]:
        by, loop = patience.first_by, asyncio.get_running_loop()
        async with aclosing(pieces):
            while True:
                began = loop.time()
                try:
                    async with asyncio.timeout_at(by):
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    raise Unavailable(
                        f"The model endpoint {self.name} was not done in the time that there was.",
                        silent_s=round(loop.time() - began, 1),
                    ) from None
                if piece.text.strip():
                    by = patience.all_by
                yield piece

    def _busy(self, retry_after_s: int) -> Busy:
        return Busy(
            f"The model endpoint {self.name} is asked as much as it may be; try again in "
            f"{retry_after_s} s.",
            retry_after_s=retry_after_s,
        )

    def _resting(self) -> Unavailable:
        return Unavailable(
            f"The model endpoint {self.name} has failed and is left alone for a while; "
            "`roadworthy doctor` says why."
        )


def is_to_blame(error: RoadworthyError) -> bool:
    """Tell whether a failure says that an endpoint is not well.

    A request that it refuses, a wrong key or a model that it does not have is ours to mend, and
    says nothing of what others ask of it; nor does it when somebody was in a hurry, or an answer
    was filtered. One that is at its limit, or at ours, serves others: to leave it alone would leave
    it idle.
    """
    status, silent_s = error.facts.get("status"), error.facts.get("silent_s")
    if isinstance(error, Invalid | Busy):
        return False
    if "finish_reason" in error.facts:
        return error.facts["finish_reason"] in OF_THE_ENDPOINT
    if isinstance(silent_s, float):
        return silent_s >= SILENCE_S
    if not isinstance(status, int):
        return True
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.FAILED_DEPENDENCY


def is_too_long(error: RoadworthyError) -> bool:
    """Tell whether an endpoint was not asked since it takes less; another may take as much."""
    return "context_tokens" in error.facts


def has_answered(error: RoadworthyError) -> bool:
    """Tell whether a failure shows that an endpoint is there."""
    if isinstance(error, Invalid) or "finish_reason" in error.facts:
        return True
    return isinstance(error.facts.get("status"), int) and "is_unsent" not in error.facts

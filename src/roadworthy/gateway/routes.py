"""Routes: which models may answer, in which order, and what happens when one does not.

A step is asked when the steps before it have failed, or gave nothing for a while (hedging). Once a
piece of text has come, nobody else is asked: half an answer of one model goes on in no other.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable
from roadworthy.gateway.calls import ANSWERED, BROKE_OFF, CUT, OVERTAKEN, Call, Running, Step
from roadworthy.gateway.chat import ChatPiece
from roadworthy.gateway.endpoint import LONGEST_PAUSE_S, MOST_TRIES
from roadworthy.gateway.lanes import ChatRequest, Lane, Patience, is_to_blame, is_too_long
from roadworthy.gateway.prices import PriceBook

TRIES_BEFORE_ANOTHER = 2  # of a step that has another behind it


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Steps in order. Invariant: there is one at least."""

    steps: Sequence[Step]
    deadline_s: float  # of the whole answer: every step, try and wait
    hedge_s: float | None = None  # after so long without text the next step is asked as well


class Router:
    """Asks the models of a route, each in the lane of its endpoint."""

    def __init__(self, lanes: Mapping[str, Lane], prices: PriceBook) -> None:
        self.lanes = lanes
        self._prices = prices

    async def chat(
        self, route: Route, request: ChatRequest, *, on_end: Callable[[Call], None]
    ) -> AsyncGenerator[ChatPiece]:
        """Ask the models of a route for one answer; yields its pieces.

        However it ends, no call goes on behind it, and each that was begun has been told.

        Args:
            on_end: called with each call, in the order in which they were begun.

        Raises:
            Busy: every step is at its limit.
            Unavailable: no step answers, one breaks off in mid-answer, or an endpoint is not set.
            Invalid: an endpoint refuses the request, or it is too long for every step.
        """
        asking = _Asking(route, request, lanes=self._lanes_of(route))
        try:
            async with aclosing(asking.told(await asking.begun())) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            try:
                for running in asking.asked:
                    on_end(running.call(self._prices))
            finally:
                await asking.close()

    def _lanes_of(self, route: Route) -> list[Lane]:
        """Find each step's lane; a step that nobody can ask makes the whole route unusable."""
        for step in route.steps:
            if step.endpoint not in self.lanes:
                raise Unavailable(
                    f"The release asks the model endpoint {step.endpoint!r}, which is not set: add "
                    f"[endpoints.{step.endpoint}] to roadworthy.toml, or use another release.",
                    endpoint=step.endpoint,
                )
        return [self.lanes[step.endpoint] for step in route.steps]


class _Asking:
    """A route while it is being asked."""

    def __init__(self, route: Route, request: ChatRequest, *, lanes: Sequence[Lane]) -> None:
        self._request = request
        self._hedge_s = route.hedge_s
        self._deadline = asyncio.get_running_loop().time() + route.deadline_s
        steps = list(zip(route.steps, lanes, strict=True))
        if route.hedge_s is not None:
            # Else every question would wait for one that hangs until the next one is asked, too.
            steps.sort(key=lambda each: each[1].silence(each[0].model).is_long)
        self._left = deque(steps)
        self.asked: list[Running] = []

    async def begun(self) -> Running:
        """Ask until one has begun to answer; the others are ended."""
        while not (begun := [each for each in self._running if each.has_begun]):
            if not self._running or await self._is_late():
                self._ask_next()
        first = begun[0]
        for other in self._running:
            if other is not first:
                if self.asked.index(other) < self.asked.index(first):
                    other.overtaken()  # one that was asked later had less time: it may be quicker
                other.end(OVERTAKEN)
                await other.close()
        return first

    async def told(self, running: Running) -> AsyncGenerator[ChatPiece]:
        """Pass on the answer that has begun."""
        try:
            async with aclosing(running.answer()) as pieces:
                async for piece in pieces:
                    yield piece
        except RoadworthyError as error:
            is_cut = "silent_s" in error.facts and not is_to_blame(error)
            running.end(CUT if is_cut else BROKE_OFF)
            raise
        running.end(ANSWERED)

    async def close(self) -> None:
        """End whatever still runs, also where who waits for that is cancelled once more."""
        for running in self.asked:
            running.hang_up()
        async with AsyncExitStack() as stack:
            for running in self.asked:
                stack.push_async_callback(running.close)

    @property
    def _running(self) -> list[Running]:
        return [each for each in self.asked if each.outcome is None]

    @property
    def _failures(self) -> list[RoadworthyError]:
        return [each.failure for each in self.asked if each.failure is not None]

    @property
    def _may_go_on(self) -> bool:
        """Tell whether there is somebody else; who would be asked what was refused is not."""
        return bool(self._left) and not any(map(_is_refusal, self._failures))

    def _ask_next(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self._may_go_on or (self._failures and now >= self._deadline):
            raise _of_all(self._failures)
        step, lane = self._left.popleft()
        # A step that hangs leaves the others their share of the time.
        share_s = (self._deadline - now) / (len(self._left) + 1)
        patience = Patience(
            first_by=now + share_s,
            all_by=self._deadline,
            tries=TRIES_BEFORE_ANOTHER if self._left else MOST_TRIES,
            longest_pause_s=LONGEST_PAUSE_S if self._left else math.inf,
        )
        self.asked.append(Running(step, lane, request=self._request, patience=patience))

    async def _is_late(self) -> bool:
        """Wait until one has begun or failed; tell if none has, and it is time to hedge."""
        may_hedge = self._may_go_on and len(self._running) == 1
        done, _ = await asyncio.wait(
            [running.beginning for running in self._running],
            timeout=self._hedge_s if may_hedge else None,
            return_when=asyncio.FIRST_COMPLETED,
        )
        for beginning in done:
            beginning.result()  # a mistake of ours is raised
        return not done


def _of_all(failures: Sequence[RoadworthyError]) -> RoadworthyError:
    """Choose what to tell when no step answers: a refusal, else the last; all busy, only if so.

    That it is too long is told only where it is for all: else another may answer it later.
    """
    refused = [failure for failure in failures if _is_refusal(failure)]
    able = [failure for failure in failures if not is_too_long(failure)]
    down = [failure for failure in able if not isinstance(failure, Busy)]
    return (refused or down or able or failures)[-1]


def _is_refusal(failure: RoadworthyError) -> bool:
    return isinstance(failure, Invalid) and not is_too_long(failure)

"""One step of a route while it is asked, and what came of it."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean

from roadworthy.core.errors import RoadworthyError, Unavailable
from roadworthy.gateway.chat import ChatPiece
from roadworthy.gateway.lanes import ChatRequest, Lane, Patience
from roadworthy.gateway.prices import PriceBook

# What comes of a call that was begun; else it is the kind of its failure.
ANSWERED = "answered"
SAID_NOTHING = "said nothing"
BROKE_OFF = "broke off"
CUT = "cut"  # in mid-answer: the time was up
LEFT = "left"  # nobody waited for it any more
OVERTAKEN = "overtaken"  # another step, asked beside it, was first


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A model at an endpoint."""

    endpoint: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What came of asking one step."""

    endpoint: str
    model: str
    outcome: str  # one of those above, or why not: busy, unavailable, invalid
    tries: int  # requests that were sent; 0: it was not asked, by its limits or for its rest
    ms: float
    input_tokens: int | None = None  # None: the endpoint did not take it up
    output_tokens: int | None = None
    is_at_least: bool = False  # the tokens: the endpoint did not tell them
    cost_usd: Decimal | None = None  # None: price is not known, or tokens of a whole answer
    # The mean probability of its tokens, geometric, from 0 to 1; None: nobody asked or told.
    confidence: float | None = None

    @property
    def is_taken_up(self) -> bool:
        """Tell whether the endpoint began with it, and will perhaps be paid for it."""
        return self.input_tokens is not None

    @property
    def note(self) -> str:
        """Say it in a few words."""
        tries = f"{self.tries} {'try' if self.tries == 1 else 'tries'}"
        told = f"{self.endpoint} {self.model}: {self.outcome}, {tries}, {self.ms:.0f} ms"
        if self.input_tokens is None:
            return told
        least = "at least " if self.is_at_least else ""
        return f"{told}, {least}{self.input_tokens} + {self.output_tokens} tokens"


class Running:
    """One step while it is being asked; it is read ahead up to its first text."""

    def __init__(self, step: Step, lane: Lane, *, request: ChatRequest, patience: Patience) -> None:
        self._step = step
        self._lane = lane
        self._request = request
        self._patience = patience
        self._began = time.perf_counter()
        self._ms = 0.0
        self._pieces = lane.chat(request, model=step.model, patience=patience)
        self._early: list[ChatPiece] = []
        self._texts = 0  # pieces of text: each is a token at least
        self._usage = ChatPiece()
        self._logprobs: list[float] = []
        self.outcome: str | None = None  # None: it runs
        self.failure: RoadworthyError | None = None  # to begin
        self.beginning = asyncio.create_task(self._begin())

    @property
    def has_begun(self) -> bool:
        """Tell whether its first text is there."""
        return self.beginning.done() and self.outcome is None

    async def answer(self) -> AsyncGenerator[ChatPiece]:
        """Give the whole answer, from its first piece."""
        for piece in self._early:
            yield piece
        async with aclosing(self._pieces) as pieces:
            async for piece in pieces:
                yield self._noted(piece)

    def end(self, outcome: str) -> None:
        """Note what came of it."""
        self.outcome = outcome
        self._ms = (time.perf_counter() - self._began) * 1000

    def overtaken(self) -> None:
        """Note that one that was asked after it has begun before it."""
        since = self._patience.silent_since
        if since is not None:
            self._lane.silence(self._step.model).add(since)

    def hang_up(self) -> None:
        """Cancel it, once: a second time would cut short how it hangs up."""
        if not self.beginning.cancelling():
            self.beginning.cancel()

    async def close(self) -> None:
        """Hang up, and wait until that is done."""
        self.hang_up()
        if not self.beginning.done():
            await asyncio.wait([self.beginning])
        if not self.beginning.cancelled():
            self.beginning.exception()  # nobody waits for it any more
        await self._pieces.aclose()

    def call(self, prices: PriceBook) -> Call:
        """Say what came of it."""
        if self.outcome is None:
            self.end(LEFT)
        read, written, is_at_least = self._tokens()
        cost_usd = None
        # An endpoint that tells no tokens of a whole answer never does: costs would all be too low.
        is_told = not (is_at_least and self.outcome in {ANSWERED, SAID_NOTHING})
        if read is not None and written is not None:
            cost_usd = prices.cost_usd(
                self._step.model,
                endpoint=self._step.endpoint,
                input_tokens=read,
                output_tokens=written,
                is_at_least=not is_told,
            )
        return Call(
            endpoint=self._step.endpoint,
            model=self._step.model,
            outcome=self.outcome or LEFT,
            tries=self._patience.tried,
            ms=self._ms,
            input_tokens=read,
            output_tokens=written,
            is_at_least=is_at_least,
            cost_usd=cost_usd,
            confidence=math.exp(fmean(self._logprobs)) if self._logprobs else None,
        )

    def _tokens(self) -> tuple[int | None, int | None, bool]:
        """Count as the endpoint does; where it does not, a call has used so many at least."""
        told = self._usage.input_tokens, self._usage.output_tokens
        if told[0] is None and self._patience.tried and _is_taken_up(self.failure):
            return self._request.least_read, self._texts, True
        return *told, False

    async def _begin(self) -> None:
        try:
            async for piece in self._pieces:  # it is left open: the rest is read by who listens
                self._early.append(self._noted(piece))
                if piece.text.strip():
                    return
        except RoadworthyError as error:
            self.failure = error
            self.end(error.kind)
        else:
            self.failure = Unavailable(
                f"The model endpoint {self._step.endpoint} gives an empty answer."
            )
            self.end(SAID_NOTHING)

    def _noted(self, piece: ChatPiece) -> ChatPiece:
        self._texts += bool(piece.text)
        self._logprobs += piece.logprobs
        if piece.input_tokens is not None:
            self._usage = piece
        return piece


def _is_taken_up(failure: RoadworthyError | None) -> bool:
    """Tell whether an endpoint has begun with what was asked: it is silent, or broke off."""
    if failure is None:
        return True
    return isinstance(failure, Unavailable) and not failure.facts.keys() & {
        "status",
        "is_unreachable",
    }

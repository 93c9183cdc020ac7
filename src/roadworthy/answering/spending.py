"""What an answer spends on models, stage by stage, and what it spares."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from roadworthy.answering.context import estimated_tokens
from roadworthy.answering.records import ABSTAINED
from roadworthy.gateway.calls import Call
from roadworthy.gateway.prices import PriceBook
from roadworthy.gateway.uses import Use
from roadworthy.releases import Release
from roadworthy.traces import Reading, Stage
from roadworthy.traces.records import WRITE, Avoided
from roadworthy.traces.reuse import KeptAnswer

BLOCKED = "blocked"


@dataclass(slots=True, kw_only=True)
class Spent:
    """What models were asked in one stage."""

    prices: PriceBook
    calls: list[Call] = field(default_factory=list)  # of chat models
    uses: list[Use] = field(default_factory=list)  # of models that write nothing

    @contextmanager
    def timed(self, name: str, *, into: list[Stage], notes: Sequence[str] = ()) -> Iterator[None]:
        """Add a block to `into`, as a stage that took its time and spent this, however it ends."""
        began = time.perf_counter()
        try:
            yield
        finally:
            ms = (time.perf_counter() - began) * 1000
            into.append(self._stage(name, ms=ms, notes=notes))

    def _stage(self, name: str, *, ms: float, notes: Sequence[str]) -> Stage:
        """Say it of a stage that has ended; a call that was never sent has cost nothing."""
        sent = [call for call in self.calls if call.tries]
        costs = [call.cost_usd for call in sent] + [self.prices.cost_of(use) for use in self.uses]
        known = [cost for cost in costs if cost is not None]
        read = sum(call.input_tokens or 0 for call in sent) + sum(use.tokens for use in self.uses)
        return Stage(
            name=name,
            ms=ms,
            note="; ".join((*notes, *(call.note for call in self.calls))),
            calls=len(costs),
            input_tokens=read,
            output_tokens=sum(call.output_tokens or 0 for call in sent),
            cost_usd=sum(known, Decimal(0)) if known else None,
            unpriced=len(costs) - len(known),
        )


def spared_by_smaller(release: Release, calls: Sequence[Call], prices: PriceBook) -> Avoided:
    """Say what the last of these calls would have cost of the release's own model."""
    call, own = calls[-1], release.steps[0]
    read, written = call.input_tokens or 0, call.output_tokens or 0
    cost_usd = None
    if call.input_tokens is not None and not call.is_at_least:
        cost_usd = prices.cost_usd(
            own.model, endpoint=own.endpoint, input_tokens=read, output_tokens=written
        )
    return Avoided(why="smaller model", input_tokens=read, output_tokens=written, cost_usd=cost_usd)


def avoided(
    *,
    release: Release | None,
    outcome: str,
    stages: Sequence[Stage],
    question: str,
    reading: Reading | None,
    cached: KeptAnswer | None,
) -> Avoided | None:
    """Say which call of a model was not needed; None where none was, or the release calls none.

    Args:
        question: as it would have been read.
        reading: what would have been read of the documents; None: nobody looked.
    """
    if cached is not None:
        return Avoided(
            why="cached",
            input_tokens=cached.input_tokens,
            output_tokens=cached.output_tokens,
            cost_usd=cached.cost_usd,
        )
    is_spared = outcome in {ABSTAINED, BLOCKED} and all(each.name != WRITE for each in stages)
    if release is None or release.answerer == "extract" or not is_spared:
        return None
    return Avoided(
        why="blocked" if outcome == BLOCKED else "unanswerable",
        input_tokens=estimated_tokens(question) + (reading.tokens if reading else 0),
        output_tokens=0,
        cost_usd=None,
    )

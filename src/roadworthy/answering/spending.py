"""What an answer spends on models, stage by stage, and what it spares."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from roadworthy.answering.records import ABSTAINED
from roadworthy.gateway.calls import Call
from roadworthy.gateway.prices import PriceBook
from roadworthy.releases import Release
from roadworthy.traces import Reading, Stage
from roadworthy.traces.records import Avoided
from roadworthy.traces.reuse import KeptAnswer

BLOCKED = "blocked"
WRITING = "write"  # the stage that calls the model


@dataclass(slots=True, kw_only=True)
class Spent:
    """The calls of chat models in one stage."""

    calls: list[Call] = field(default_factory=list)

    def stage(self, name: str, *, ms: float, notes: Sequence[str]) -> Stage:
        """Say it of a stage that has ended; a call that was never sent has cost nothing."""
        sent = [call for call in self.calls if call.tries]
        known = [call.cost_usd for call in sent if call.cost_usd is not None]
        return Stage(
            name=name,
            ms=ms,
            note="; ".join((*notes, *(call.note for call in self.calls))),
            calls=len(sent),
            input_tokens=sum(call.input_tokens or 0 for call in sent),
            output_tokens=sum(call.output_tokens or 0 for call in sent),
            cost_usd=sum(known, Decimal(0)) if known else None,
            unpriced=len(sent) - len(known),
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
    reading: Reading | None,
    cached: KeptAnswer | None,
) -> Avoided | None:
    """Say which call of a model was not needed; None where none was, or the release calls none."""
    if cached is not None:
        return Avoided(
            why="cached",
            input_tokens=cached.input_tokens,
            output_tokens=cached.output_tokens,
            cost_usd=cached.cost_usd,
        )
    is_spared = outcome in {ABSTAINED, BLOCKED} and all(each.name != WRITING for each in stages)
    if release is None or release.answerer == "extract" or not is_spared:
        return None
    return Avoided(
        why="blocked" if outcome == BLOCKED else "unanswerable",
        input_tokens=reading.tokens if reading else 0,
        output_tokens=0,
        cost_usd=None,
    )

"""Screen neighbouring passages as a model reads them, together: half of an order is none."""

from collections.abc import Sequence

from roadworthy.answering.context import joined, unparted
from roadworthy.detectors.injection import HIDDEN, instructions
from roadworthy.guardrails.looking import by_rules, run
from roadworthy.guardrails.passages import VERSION
from roadworthy.guardrails.records import DROPPED, PASS, PASSAGES, Found, Looked
from roadworthy.releases import Guards
from roadworthy.retrieval.search import Hit
from roadworthy.traces import GuardVerdict


async def screen_neighbours(hits: Sequence[Hit], guards: Guards | None) -> tuple[GuardVerdict, ...]:
    """Look for instructions that go over the end of a passage; none found, no verdict.

    All hits are joined here. Whichever of them are read, their pieces are parts of these.
    """
    asked = guards.passages if guards else None
    pieces = [piece for piece in joined(hits) if len(piece) > 1]
    size = sum(len(hit.text) for piece in pieces for hit in piece)

    def look() -> Looked:
        # Letters that nobody sees are looked for in each passage: here they would only add up.
        found = [(piece, {*instructions(unparted(piece))} - {HIDDEN}) for piece in pieces]
        names = sorted({name for _, each in found for name in each})
        passages = [hit.passage_id for piece, each in found if each for hit in piece]
        return Found(version=VERSION, names=names, passages=passages)

    verdicts = await run(by_rules("passages", asked, look, finding=DROPPED, size=size), of=PASSAGES)
    return tuple(each for each in verdicts if each.outcome != PASS)

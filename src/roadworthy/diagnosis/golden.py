"""Judge golden probes: which must find their passage, and what it means when they do not."""

import uuid
from collections.abc import Mapping, Sequence

from roadworthy.corpus.probes import Probe
from roadworthy.diagnosis.probing import AS_ASKED
from roadworthy.diagnosis.records import Check, fine, wrong

SHOWN = 3


def judged(
    name: str,
    probes: Sequence[Probe],
    found: Mapping[uuid.UUID, Sequence[str]],
    *,
    way: str,
    mend: str,
    seen: int = 0,
) -> Check:
    """Check the probes of one language by one way.

    A probe that a person asked must be found by each way that found it when it was added. One that
    was generated may get lost among passages that are alike; half of them may not.

    Args:
        found: the ways that found each probe now.
        seen: passages whose stored form was looked at and is as it should be.
    """
    alive = [each for each in probes if not each.is_stale]
    told = [each for each in alive if not each.is_generated and _must(each, way)]
    generated = [each for each in alive if each.is_generated]
    lost = [each for each in told if way not in found[each.id]]
    kept = sum(way in found[each.id] for each in generated)
    if lost:
        questions = ", ".join(repr(each.question[:100]) for each in lost[:SHOWN])
        return wrong(
            name,
            f"{len(lost)} of {len(told)} probes no longer find their passage: {questions}.",
            mend,
        )
    if 2 * kept < len(generated):
        sentence = f"Only {kept} of {len(generated)} generated probes find their passage."
        return wrong(name, sentence, mend)
    total = len(told) + len(generated)
    probed = f"{len(told) + kept} of {total} probes find their passage" if total else "no probe yet"
    looked = f"; {seen} passages are stored as they should be" if seen else ""
    return fine(name, f"{probed[0].upper()}{probed[1:]}{looked}.")


def stale(where: str, probes: Sequence[Probe]) -> list[Check]:
    """Name the probes whose document no longer says what they ask for."""
    return [
        wrong(
            f"{where}: probe {each.id}",
            f"It is stale: {each.document!r} no longer holds the quote of the question "
            f"{each.question[:100]!r}.",
            f"`roadworthy corpus probe remove {each.id}`, and add it anew with words of today.",
        )
        for each in probes
        if each.is_stale and not each.is_generated
    ]


def _must(probe: Probe, way: str) -> bool:
    return way == AS_ASKED or way in probe.ways

"""Screen what was found before a model, or an answer, takes it in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from roadworthy.detectors.injection import instructions
from roadworthy.gateway.recalling import Recalling
from roadworthy.guardrails.looking import by_classifier, by_rules, judged, run, scored
from roadworthy.guardrails.records import (
    DROPPED,
    PASSAGE_INJECTION,
    PASSAGES,
    Found,
    Looked,
    NotLooked,
)
from roadworthy.releases import Guards
from roadworthy.traces import GuardVerdict

VERSION = (
    "rules-3"  # of detectors/injection_rules.py: changes when a passage could be judged otherwise
)
NOTHING_FOUND = NotLooked(reason="nothing was found", is_missed=False)


async def screen_passages(
    texts: Mapping[int, str], guards: Guards | None, *, classifier: Recalling | None
) -> tuple[GuardVerdict, ...]:
    """Look for instructions to a model in passages, which the verdicts then name as dropped.

    Args:
        texts: by passage, all that a model would read of it.
    """
    asked = guards.passages if guards else None
    threshold = asked.threshold if asked else None
    kept = dict(texts)

    def look() -> Looked:
        if not texts:
            return NOTHING_FOUND
        found = {of: list(instructions(text)) for of, text in texts.items()}
        dropped = [of for of, names in found.items() if names]
        for of in dropped:
            del kept[of]  # what is out already costs no model's time
        names = sorted({name for each in found.values() for name in each})
        return Found(version=VERSION, names=names, passages=dropped)

    async def judge() -> Looked:
        if not kept:
            return NOTHING_FOUND
        said = await scored(classifier, PASSAGE_INJECTION, list(kept.values()), threshold=threshold)
        if isinstance(said, NotLooked):
            return said
        return _by_id(said, list(kept))

    so_far = partial(_so_far, kept, classifier, threshold=threshold)
    looks = [
        *by_rules("passages", asked, look, finding=DROPPED, size=sum(map(len, texts.values()))),
        *by_classifier("passages", asked, judge, finding=DROPPED, so_far=so_far),
    ]
    return await run(looks, of=PASSAGES)


def _so_far(
    texts: Mapping[int, str], classifier: Recalling | None, *, threshold: float | None
) -> Found | None:
    known = classifier.known(PASSAGE_INJECTION) if classifier else {}
    scores = {of: known[text] for of, text in texts.items() if text in known}
    if not scores:
        return None
    found = judged(PASSAGE_INJECTION, list(scores.values()), threshold=threshold)
    return _by_id(found, list(scores))


def _by_id(found: Found, ids: Sequence[int]) -> Found:
    return replace(found, passages=[ids[at] for at in found.passages])


def dropped(verdicts: Iterable[GuardVerdict]) -> frozenset[int]:
    """Name the passages that are not to be read."""
    return frozenset(passage for each in verdicts for passage in each.passages)

"""Put a document through its checks, in order, each seeing what those before it left."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from roadworthy.corpus.policies import CurationPolicy
from roadworthy.corpus.verdicts import FLAGGED, QUARANTINED, Removal, Verdict
from roadworthy.detectors.patterns import Sighting
from roadworthy.ingestion.curation import boilerplate, injection, language, quality, sensitive
from roadworthy.ingestion.curation.edits import edited, removals
from roadworthy.ingestion.curation.records import PUBLISH, QUARANTINE, Check, Curated
from roadworthy.ingestion.records import ParsedDocument


def curate(
    document: ParsedDocument,
    policy: CurationPolicy,
    *,
    found: Sequence[Sighting] | None = None,
    shared_lines: Mapping[int, int] | None = None,
    overruled: Iterable[str] = (),
) -> Curated:
    """Run every check that needs no other document, even when one keeps the document back.

    A reviewer is then told of all that is wrong at once. Offsets of the result, its removals and
    its pages all point into the text of the result.

    Args:
        found: what `sensitive.look` gives, when it was asked before.
        shared_lines: of `boilerplate.edge_keys`, in how many other files for the same readers.
        overruled: checks whose quarantine a person has set aside.
    """
    verdicts: list[Verdict] = []
    removed: list[Removal] = []
    for check in _checks(found, shared_lines or {}):
        finding = check(document, policy)
        verdicts += finding.verdicts
        removed += removals(document, finding.edits)
        document = edited(document, finding.edits)
    verdicts = [set_aside(verdict, overruled) for verdict in verdicts]
    authors = tuple(sensitive.masked(author, policy) for author in document.origin.authors)
    return Curated(
        document=replace(
            document,
            title=sensitive.masked(document.title, policy),
            origin=replace(document.origin, authors=authors),
        ),
        verdicts=verdicts,
        removals=removed,
        disposition=disposition(verdicts),
    )


def set_aside(verdict: Verdict, overruled: Iterable[str]) -> Verdict:
    """Turn a quarantine that a person has overruled into a flag."""
    if verdict.outcome != QUARANTINED or verdict.check not in set(overruled):
        return verdict
    reason = f"{verdict.reason} A person has released it."
    return replace(verdict, outcome=FLAGGED, reason=reason)


def disposition(verdicts: Iterable[Verdict]) -> str:
    """Say what becomes of a document: one quarantine is enough to keep it back."""
    return QUARANTINE if any(v.outcome == QUARANTINED for v in verdicts) else PUBLISH


def _checks(found: Sequence[Sighting] | None, shared_lines: Mapping[int, int]) -> Sequence[Check]:
    # Frames are recorded as text, so what must not be stored is masked before; nothing moves it
    # from where it was found.
    return (
        quality.examine,
        partial(sensitive.examine, found=found),
        partial(boilerplate.examine, shared=shared_lines),
        language.examine,
        injection.examine,
    )

"""Decide which of two nearly equal documents stays.

Only documents for the same readers (of one ACL class) are compared, so that a verdict tells nobody
of a document that he may not read. Of two by one owner, the policy chooses; of two by different
owners the one that was there first stays, because nobody may withdraw another's document.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from roadworthy.corpus.alikes import Placed
from roadworthy.corpus.policies import CurationPolicy
from roadworthy.corpus.verdicts import FLAGGED, PASS, QUARANTINED, Verdict

CHECK = "near_duplicates"
LOST = "It is nearly the same as another document for the same readers, which stays: {why}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Another content, and how much of its text is the same."""

    placed: Placed
    likeness: float  # from 0 to 1


def judge(mine: Placed | None, alikes: Sequence[Alike], policy: CurationPolicy) -> Verdict:
    """Say whether a document has a near duplicate that is to stay in its place.

    Args:
        mine: None when its text is too short to be compared.
    """
    if mine is None:
        return Verdict(check=CHECK, outcome=PASS, reason="It is too short to be compared.")
    alike = [each for each in alikes if each.likeness >= policy.likeness]
    if not alike:
        return Verdict(check=CHECK, outcome=PASS, reason="No near duplicate was found.")
    winners = [each for each in alike if not is_better(mine, each.placed, policy)]
    nearest = max(winners or alike, key=lambda each: each.likeness)
    figures = {"alike": len(alike), "likeness": round(nearest.likeness, 3)}
    if policy.near_duplicates == "quarantine" and winners:
        outcome, reason = QUARANTINED, LOST.format(why=_why(nearest.placed, mine, policy))
    elif policy.near_duplicates == "allow":
        outcome, reason = PASS, "It is nearly the same as another document, which is allowed."
    elif losers(mine, alike, policy):
        outcome, reason = FLAGGED, "It takes the place of a document that is nearly the same."
    else:
        outcome, reason = FLAGGED, "It is nearly the same as another document."
    return Verdict(
        check=CHECK,
        outcome=outcome,
        reason=reason,
        figures=figures,
        about=nearest.placed.document_id,
        is_comparison=True,
    )


def losers(mine: Placed, alikes: Sequence[Alike], policy: CurationPolicy) -> list[Alike]:
    """Name the documents whose place `mine` takes when it is published.

    None that was released, and none that came attached: what takes its place may go with another
    mail.
    """
    if policy.near_duplicates != "quarantine":
        return []
    return [
        each
        for each in alikes
        if each.likeness >= policy.likeness
        and not (each.placed.was_released or each.placed.is_attached)
        and is_better(mine, each.placed, policy)
    ]


def lost(winner: Placed, loser: Placed, policy: CurationPolicy, *, likeness: float) -> Verdict:
    """Say of a published document that a better one took its place."""
    return Verdict(
        check=CHECK,
        outcome=QUARANTINED,
        reason=LOST.format(why=_why(winner, loser, policy)),
        figures={"alike": 1, "likeness": round(likeness, 3)},
        about=winner.document_id,
        is_comparison=True,
    )


def is_better(one: Placed, other: Placed, policy: CurationPolicy) -> bool:
    """Tell which of two stays; of any two exactly one is better, whoever asks and when."""
    if one.is_held != other.is_held:
        return one.is_held
    if one.owner != other.owner:
        return (one.accepted_at, one.revision_id) < (other.accepted_at, other.revision_id)
    if policy.keep == "source" and _rank(one, policy) != _rank(other, policy):
        return _rank(one, policy) < _rank(other, policy)
    return _age(one) > _age(other)


def _age(placed: Placed) -> tuple[datetime, datetime, UUID]:
    # A file that says nothing of its age is as old as its upload.
    return placed.dated_at or placed.accepted_at, placed.accepted_at, placed.revision_id


def _rank(placed: Placed, policy: CurationPolicy) -> int:
    of_source = (n for n, start in enumerate(policy.sources) if placed.name.startswith(start))
    return next(of_source, len(policy.sources))


def _why(winner: Placed, loser: Placed, policy: CurationPolicy) -> str:
    if winner.is_held and not loser.is_held:
        return "it is under legal hold"
    if winner.owner != loser.owner:
        return "it was there first, and has another owner"
    if policy.keep == "source" and _rank(winner, policy) < _rank(loser, policy):
        return "it is from a better source"
    return "it is newer"

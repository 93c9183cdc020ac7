"""Count personal data and secrets, and mask them or keep the document back, as policy says."""

from collections import Counter
from collections.abc import Sequence

from roadworthy.corpus.policies import CurationPolicy
from roadworthy.corpus.verdicts import CHANGED, PASS, QUARANTINED, Verdict
from roadworthy.detectors.patterns import GROUPS, SECRETS, Sighting, sightings
from roadworthy.ingestion.curation.edits import edited
from roadworthy.ingestion.curation.records import Edit, Finding
from roadworthy.ingestion.records import ParsedDocument

PERSONAL = "personal_data"


def look(text: str, policy: CurationPolicy) -> list[Sighting]:
    """Find personal data and secrets, those first that the policy does not just let through."""
    return sightings(text, acted=_acted(policy))


def mask(
    document: ParsedDocument, policy: CurationPolicy, found: Sequence[Sighting]
) -> ParsedDocument:
    """Give a document as it is stored: without whatever was found that the policy masks."""
    return edited(document, _maskings(found, policy))


def masked(text: str, policy: CurationPolicy) -> str:
    """Replace in a short text, such as a title, whatever the policy does not let through."""
    for each in reversed(look(text, policy)):
        if each.groups & _acted(policy):
            text = f"{text[: each.start]}{_mask(each)}{text[each.end :]}"
    return text


def examine(
    document: ParsedDocument,
    policy: CurationPolicy,
    /,
    *,
    found: Sequence[Sighting] | None = None,
) -> Finding:
    """Look for what reaches, pays or names a person, and for what opens something.

    Args:
        found: what `look` gives, when it was asked before.
    """
    if found is None:
        found = look(document.text, policy)
    personal = [each for each in found if each.kind.group != SECRETS]
    secrets = [each for each in found if each.kind.group == SECRETS]
    return Finding(
        verdicts=(_verdict(PERSONAL, personal, policy), _verdict(SECRETS, secrets, policy)),
        edits=_maskings(found, policy),
    )


def _verdict(check: str, found: Sequence[Sighting], policy: CurationPolicy) -> Verdict:
    done = [{_done(group, policy) for group in each.groups} for each in found]
    masked = sum("mask" in each for each in done)
    counted = Counter(each.kind.name for each in found)
    told = ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))
    if any("quarantine" in each for each in done):
        outcome, reason = QUARANTINED, f"Found {told}; the policy keeps such documents back."
    elif masked:
        outcome, reason = CHANGED, f"Found {told}; {masked} were masked."
    else:
        outcome, reason = PASS, f"Found {told}." if found else "Nothing was found."
    return Verdict(check=check, outcome=outcome, reason=reason, figures=dict(counted))


def _acted(policy: CurationPolicy) -> set[str]:
    return {group for group in GROUPS if _done(group, policy) != "allow"}


def _done(group: str, policy: CurationPolicy) -> str:
    return str(getattr(policy, group))


def _maskings(found: Sequence[Sighting], policy: CurationPolicy) -> list[Edit]:
    return [
        Edit(start=each.start, end=each.end, replacement=_mask(each))
        for each in found
        if any(_done(group, policy) == "mask" for group in each.groups)
    ]


def _mask(sighting: Sighting) -> str:
    return f"[{sighting.kind.name}]"

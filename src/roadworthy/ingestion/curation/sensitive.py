"""Count personal data and secrets, and mask them or keep the document back, as policy says."""

from collections import Counter
from collections.abc import Sequence

from roadworthy.corpus.policies import CurationPolicy
from roadworthy.corpus.verdicts import CHANGED, PASS, QUARANTINED, Verdict
from roadworthy.ingestion.curation.edits import edited
from roadworthy.ingestion.curation.patterns import KINDS, SECRETS, Sighting, sightings
from roadworthy.ingestion.curation.records import Edit, Finding
from roadworthy.ingestion.records import ParsedDocument

PERSONAL = "personal_data"


def mask(document: ParsedDocument, policy: CurationPolicy) -> ParsedDocument:
    """Give a document as it is stored: without whatever the policy masks."""
    groups = {kind.group for kind in KINDS if getattr(policy, kind.group) == "mask"}
    found = sightings(document.text) if groups else []
    return edited(document, [_masking(each) for each in found if each.kind.group in groups])


def masked(text: str, policy: CurationPolicy) -> str:
    """Replace in a short text, such as a title, whatever the policy does not let through."""
    for each in reversed(sightings(text)):
        if getattr(policy, each.kind.group) != "allow":
            text = f"{text[: each.start]}{_mask(each)}{text[each.end :]}"
    return text


def examine(document: ParsedDocument, policy: CurationPolicy, /) -> Finding:
    """Look for what reaches, pays or names a person, and for what opens something."""
    found = sightings(document.text)
    personal = [each for each in found if each.kind.group != SECRETS]
    secrets = [each for each in found if each.kind.group == SECRETS]
    return Finding(
        verdicts=(_verdict(PERSONAL, personal, policy), _verdict(SECRETS, secrets, policy)),
        edits=[_masking(each) for each in found if getattr(policy, each.kind.group) == "mask"],
    )


def _verdict(check: str, found: Sequence[Sighting], policy: CurationPolicy) -> Verdict:
    done = [str(getattr(policy, each.kind.group)) for each in found]
    counted = Counter(each.kind.name for each in found)
    told = ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))
    if "quarantine" in done:
        outcome, reason = QUARANTINED, f"Found {told}; the policy keeps such documents back."
    elif "mask" in done:
        outcome, reason = CHANGED, f"Found {told}; {done.count('mask')} were masked."
    else:
        outcome, reason = PASS, f"Found {told}." if found else "Nothing was found."
    return Verdict(check=check, outcome=outcome, reason=reason, figures=dict(counted))


def _masking(sighting: Sighting) -> Edit:
    return Edit(start=sighting.start, end=sighting.end, replacement=_mask(sighting))


def _mask(sighting: Sighting) -> str:
    return f"[{sighting.kind.name}]"

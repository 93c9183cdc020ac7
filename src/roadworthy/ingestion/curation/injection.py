"""Flag instructions in a document that are aimed at a model which will read it."""

from collections import Counter

from roadworthy.corpus.policies import CurationPolicy
from roadworthy.corpus.verdicts import FLAGGED, PASS, QUARANTINED, Verdict
from roadworthy.detectors.injection import instructions
from roadworthy.ingestion.curation.records import Finding
from roadworthy.ingestion.records import ParsedDocument

CHECK = "injection"


def examine(document: ParsedDocument, policy: CurationPolicy, /) -> Finding:
    """Look for instructions to a model, and for what only a model would read."""
    counted = Counter(instructions(document.text))
    figures = dict(sorted(counted.items()))
    if not counted:
        outcome, reason = PASS, "No instruction to a model was found."
    else:
        outcome = {"allow": PASS, "flag": FLAGGED, "quarantine": QUARANTINED}[policy.injection]
        told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in figures.items())
        reason = f"It seems to hold instructions to a model: {told}."
    verdict = Verdict(check=CHECK, outcome=outcome, reason=reason, figures=figures)
    return Finding(verdicts=(verdict,))

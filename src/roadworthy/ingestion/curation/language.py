"""Compare a document's language with those that its corpus expects."""

from roadworthy.core.locales import UNDETERMINED
from roadworthy.corpus.languages import detect
from roadworthy.corpus.policies import CurationPolicy
from roadworthy.corpus.verdicts import FLAGGED, PASS, QUARANTINED, Verdict
from roadworthy.ingestion.curation.records import Finding
from roadworthy.ingestion.records import ParsedDocument

CHECK = "language"


def examine(document: ParsedDocument, policy: CurationPolicy, /) -> Finding:
    """Say which language a text is in, and whether it was expected; an uncertain one passes."""
    found = detect(document.text)
    expected = " ".join(policy.languages)
    if not policy.languages or found in policy.languages:
        outcome, reason = PASS, f"The language is {found}."
    elif found == UNDETERMINED:
        outcome, reason = PASS, "The language can't be told."
    else:
        outcome = {"allow": PASS, "flag": FLAGGED, "quarantine": QUARANTINED}[policy.other_language]
        reason = f"The language is {found}; the corpus expects {expected}."
    figures = {"language": found}
    verdict = Verdict(check=CHECK, outcome=outcome, reason=reason, figures=figures)
    return Finding(verdicts=(verdict,))

"""Flag instructions in a document that are aimed at a model which will read it.

Rules alone: they find what is written the usual ways, openly or hidden. Plain
requests that say nothing of a model ("What is the capital of Brazil?") are not told from content.
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator

from roadworthy.corpus.policies import CurationPolicy
from roadworthy.corpus.verdicts import FLAGGED, PASS, QUARANTINED, Verdict
from roadworthy.ingestion.curation.injection_rules import named
from roadworthy.ingestion.curation.records import Finding
from roadworthy.ingestion.records import ParsedDocument

CHECK = "injection"
# Letters that are not seen: tags that mirror ASCII, and marks that turn the direction of writing.
TAGS = re.compile(r"[\U000e0020-\U000e007e]{3,}")
TURNED = re.compile(r"[\u202d\u202e][^\n]{3,}")
INVISIBLE = re.compile(r"(?<=[A-Za-z])[\u200c\u200d\u2060\u2061-\u2064]+(?=[A-Za-z])")
MOST_INVISIBLE = 5  # joiners between Latin letters; a few come from copying
COMMENT = re.compile(r"<!--((?:(?!<!--).){10,4000}?)-->", re.S)
UNSEEN = re.compile(
    r"<\w[^<>]{0,300}?(?:display: *none|visibility: *hidden|font-size: *0(?![.\d])"
    r"|opacity: *0(?![.\d])|color: *(?:white|#fff(?:fff)?\b)|\bhidden\b)[^<>]{0,300}+>"
    r"(?:\s{0,9}<[^<>]{0,300}+>){0,3}([^<]{10,4000}+)",
    re.I,
)
ENCODED = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{24,4000}={0,2}(?![A-Za-z0-9+/=])")
MOST_ENCODED = 50  # runs that are decoded; a file of data has thousands


def examine(document: ParsedDocument, policy: CurationPolicy, /) -> Finding:
    """Look for instructions to a model, and for what only a model would read."""
    counted = Counter(_found(document.text))
    figures = dict(sorted(counted.items()))
    if not counted:
        outcome, reason = PASS, "No instruction to a model was found."
    else:
        outcome = {"allow": PASS, "flag": FLAGGED, "quarantine": QUARANTINED}[policy.injection]
        told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in figures.items())
        reason = f"It seems to hold instructions to a model: {told}."
    verdict = Verdict(check=CHECK, outcome=outcome, reason=reason, figures=figures)
    return Finding(verdicts=(verdict,))


def _found(text: str) -> Iterator[str]:
    yield from named(text)
    for tags in TAGS.finditer(text):
        yield "hidden_text"
        yield from named("".join(chr(ord(c) - 0xE0000) for c in tags[0]))
    for _ in TURNED.finditer(text):
        yield "hidden_text"
    invisible = sum(1 for _ in INVISIBLE.finditer(text))
    if invisible > MOST_INVISIBLE:
        yield "hidden_text"
        yield from named(INVISIBLE.sub("", text))
    for unseen in (*COMMENT.finditer(text), *UNSEEN.finditer(text)):
        if next(named(unseen[1]), None):
            yield "hidden_text"
    for _, encoded in zip(range(MOST_ENCODED), ENCODED.finditer(text), strict=False):
        if next(named(_decoded(encoded[0])), None):
            yield "encoded"


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""

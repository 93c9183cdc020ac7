"""Find instructions that are aimed at a model which will read the text, openly written or hidden.

Rules alone: they find what is written the usual ways. Plain requests that say nothing of a model
("What is the capital of Brazil?") are not told from content.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence

from roadworthy.detectors.injection_rules import RULES
from roadworthy.detectors.rules import Rule, named

# Letters that are not seen: tags that mirror ASCII, and marks that turn the direction of writing.
TAGS = re.compile(r"[\U000e0020-\U000e007e]{3,}")
BLACK_FLAG, LONGEST_COUNTRY = "\U0001f3f4", 6  # tags behind it: the flag of a country such as Wales
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


def instructions(text: str, rules: Sequence[Rule] = RULES) -> Iterator[str]:
    """Yield, for each instruction and each way to hide one, the name of its rule."""
    yield from named(text, rules)
    yield from _unwritten(text, rules)
    for unseen in (*COMMENT.finditer(text), *UNSEEN.finditer(text)):
        if next(named(unseen[1], rules), None):
            yield "hidden_text"
    for _, encoded in zip(range(MOST_ENCODED), ENCODED.finditer(text), strict=False):
        if next(named(_decoded(encoded[0]), rules), None):
            yield "encoded"


def _unwritten(text: str, rules: Sequence[Rule]) -> Iterator[str]:
    """Find what is written in letters that nobody sees."""
    for tags in TAGS.finditer(text):
        if not _is_flag(tags):
            yield "hidden_text"
            yield from named("".join(chr(ord(c) - 0xE0000) for c in tags[0]), rules)
    for _ in TURNED.finditer(text):
        yield "hidden_text"
    if sum(1 for _ in INVISIBLE.finditer(text)) > MOST_INVISIBLE:
        yield "hidden_text"
        yield from named(INVISIBLE.sub("", text), rules)


def _is_flag(tags: re.Match[str]) -> bool:
    before = tags.string[max(0, tags.start() - 1) : tags.start()]
    return before == BLACK_FLAG and len(tags[0]) <= LONGEST_COUNTRY


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""

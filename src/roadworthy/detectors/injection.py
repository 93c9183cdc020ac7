"""Find instructions that are aimed at a model which will read the text, openly written or hidden.

Rules alone: they find what is written the usual ways. Plain requests that say nothing of a model
("What is the capital of Brazil?") are not told from content.
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from roadworthy.detectors.folding import folded
from roadworthy.detectors.injection_rules import RULES
from roadworthy.detectors.rules import Rule, named

HIDDEN = "hidden_text"
# Tags mirror ASCII; behind a black flag a few name a country such as Wales.
TAG = re.compile(r"[\U000e0020-\U000e007e]")
FLAG = re.compile(f"\U0001f3f4{TAG.pattern}{{1,6}}+(?!{TAG.pattern})")
# Selectors of variants can stand for bytes. One goes with an ideograph or a picture: more in a
# row, or one of the rarer kind behind a sign of ASCII, select nothing.
SELECTOR = re.compile(r"[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
IDLE_SELECTORS = re.compile(rf"{SELECTOR.pattern}{{3,}}|(?<=[\0-~])[\U000e0100-\U000e01ef]")
LEAST_UNSEEN = 3
# Marks that turn the direction of writing.
OVERRIDDEN = re.compile(r"[\u202d\u202e][^\n]{3,}")
TURNED = re.compile(r"[\u202b\u202d\u202e\u2067]")
TURNED_LATIN = re.compile(r"[\u202b\u2067][^\n]{0,20}[A-Za-z]{3}")
RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
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
    yield from _named(text, rules)
    yield from _unwritten(text, rules)
    for unseen in (*COMMENT.finditer(text), *UNSEEN.finditer(text)):
        if _named(unseen[1], rules):
            yield HIDDEN
    for _, encoded in zip(range(MOST_ENCODED), ENCODED.finditer(text), strict=False):
        if _named(_decoded(encoded[0]), rules):
            yield "encoded"


def _named(text: str, rules: Sequence[Rule]) -> list[str]:
    """Name what is found as it is written, and as it is read; what is found in both, once."""
    read = folded(text)
    readings = {text, read, *([read[::-1]] if TURNED.search(text) else [])}
    found = Counter[str]()
    for reading in readings:
        found |= Counter(named(reading, rules))
    return [*found.elements()]


def _unwritten(text: str, rules: Sequence[Rule]) -> Iterator[str]:
    """Find what is written in letters that nobody sees."""
    if text.isascii():
        return
    tags = TAG.findall(FLAG.sub("", text))
    if len(tags) >= LEAST_UNSEEN:
        yield HIDDEN
        yield from _named("".join(chr(ord(c) - 0xE0000) for c in tags), rules)
    if sum(len(each[0]) for each in IDLE_SELECTORS.finditer(text)) >= LEAST_UNSEEN:
        yield HIDDEN
    yield from _named(_selected(text), rules)
    yield from (HIDDEN for _ in OVERRIDDEN.finditer(text))
    if TURNED_LATIN.search(text) and not RIGHT_TO_LEFT.search(text):
        yield HIDDEN
    if sum(1 for _ in INVISIBLE.finditer(text)) > MOST_INVISIBLE:
        yield HIDDEN


def _selected(text: str) -> str:
    """Read selectors as bytes: there are 16 and 240 of them."""
    places = map(ord, SELECTOR.findall(text))
    read = bytes(at - (0xFE00 if at < 0xE0100 else 0xE0100 - 16) for at in places)
    return read.decode(errors="ignore")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""

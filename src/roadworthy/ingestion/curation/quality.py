"""Score how readable a text is, from 0 to 1, and say what spoils it.

The score is the product of six shares, each 1 for a clean text: no one fault can be made up for.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.core.locales import UNDETERMINED
from roadworthy.corpus.languages import detect
from roadworthy.corpus.policies import CurationPolicy
from roadworthy.corpus.verdicts import FLAGGED, PASS, QUARANTINED, Verdict
from roadworthy.ingestion.curation.records import Finding
from roadworthy.ingestion.records import ParsedDocument

CHECK = "quality"
LOOKED_AT = 100_000  # characters; from the beginning, the middle and the end
LEAST_LETTERS = 10  # of a document; below, it is almost empty
LEAST_LETTERS_A_PAGE = 25
STRETCH, STRETCHES = 400, 8  # characters of prose whose language is asked, and how often
LEAST_STRETCHES = 3

# Scripts that are written without spaces have no words to count.
SPACELESS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
LETTER = rf"[^\W\d_{SPACELESS.pattern[1:]}"
WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
# Code, tables, links, and words with a sign of an address or of code in them. Linear in any text:
# what is read once is not given back (`*+`), and a word is tried from its beginning alone.
NO_PROSE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*+`|^\|[^\n]*\|$|^ {4,}[^\n]*+|\]\([^)\]\n]*+\)"
    r"|(?<!\S)[^\s@/\\=<>{}_]*+[@/\\=<>{}_]\S*+",
    re.M | re.S,
)
# UTF-8 that was read as a one-byte encoding: a lead byte and its continuations, as letters.
MOJIBAKE = re.compile(
    r"[\u00c3\u00c2\u00c5\u00c4][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192"
    r"\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
    r"|\u00e2\u20ac[\u0080-\u00bf\u0152\u0153\u0161\u017e\u02dc\u2013-\u203a\u20ac\u2122]"
    r"|[\u00d0\u00d1\u00d8\u00d9][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192"
    r"\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
    r"|[\u00e4-\u00e9][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc"
    r"\u2013-\u203a\u20ac\u2122]{2}"
    r"|[\u0420\u0421][\u0402-\u040f\u0452-\u045f\u0490\u0491\u00a0-\u00bf\u2013-\u203a\u20ac\u2122]"
)
GARBLED = re.compile(r"\(cid:\d+\)|[\ufffd\ue000-\uf8ff\u25a0-\u25a2]")
# A digit or a mark inside a word, or a capital after small letters: what OCR makes of noise. What
# is rare stands first, so that the search is quick.
MANGLED = re.compile(
    rf"\d(?<={LETTER}.)(?={LETTER})|[|!\[\]{{}}\\~^§¢£¥$*;:](?<={LETTER}{{2}}.)(?={LETTER})"
    r"|[A-ZÀ-ÖØ-Þ](?<=[a-zà-öø-ÿ].)(?=[a-zà-öø-ÿ]*[A-ZÀ-ÖØ-Þ])"
)
LEAST_WORDS = 20
LONGEST_WORD = 20  # letters; more than a tenth in longer ones are words run together
LEAST_LETTERS_OF_PROSE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What a score is made of: shares from 0 to 1, where 1 is clean."""

    fullness: float  # letters against the least that a document or its pages should have
    legibility: float  # characters that are not left over from a failed decoding
    encoding: float  # words without traces of a wrong encoding
    spelling: float  # words without digits, marks or capitals in their midst
    spacing: float  # words of a usual length: neither single letters nor run together
    language: float  # stretches of prose in which some language is recognised

    @property
    def score(self) -> float:
        """Multiply the shares."""
        return (
            self.fullness
            * self.legibility
            * self.encoding
            * self.spelling
            * self.spacing
            * self.language
        )

    @property
    def worst(self) -> str:
        """Name the share that spoils most."""
        return min(FAULTS, key=lambda name: getattr(self, name))


FAULTS = {
    "fullness": "it is almost empty",
    "legibility": "characters are missing or garbled",
    "encoding": "it was read in a wrong encoding",
    "spelling": "many words are damaged, as by a poor recognition of a scan",
    "spacing": "its words are torn apart or run together",
    "language": "it is in no language that is known",
}


def examine(document: ParsedDocument, policy: CurationPolicy, /) -> Finding:
    """Judge whether the text is good enough to be quoted."""
    quality = measure(document.text, pages=len(document.pages))
    score = round(quality.score, 3)
    figures = {"score": score} | {name: round(getattr(quality, name), 3) for name in FAULTS}
    if score >= policy.least_quality:
        outcome, reason = PASS, f"The text is readable ({score:.2f} of 1)."
    else:
        outcome = {"allow": PASS, "flag": FLAGGED, "quarantine": QUARANTINED}[policy.low_quality]
        reason = f"The text is hardly readable ({score:.2f} of 1): {FAULTS[quality.worst]}."
    verdict = Verdict(check=CHECK, outcome=outcome, reason=reason, figures=figures)
    return Finding(verdicts=(verdict,))


def measure(text: str, *, pages: int = 0) -> Quality:
    """Measure a text; `pages` is 0 when its format has none."""
    sample = _sample(text)
    prose = NO_PROSE.sub(" ", sample)
    words = WORD.findall(prose)
    letters = sum(map(len, WORD.findall(sample)))
    least = max(LEAST_LETTERS, LEAST_LETTERS_A_PAGE * pages if len(text) <= LOOKED_AT else 0)
    return Quality(
        fullness=min(1.0, letters / least),
        legibility=_legibility(sample),
        encoding=_share_left(len(MOJIBAKE.findall(prose)), len(words), weight=8),
        spelling=_share_left(_mangled(prose), len(words), weight=4),
        spacing=_spacing(prose, words),
        language=_language(prose),
    )


def _sample(text: str) -> str:
    if len(text) <= LOOKED_AT:
        return text
    part = LOOKED_AT // 3
    middle = len(text) // 2
    return "\n".join((text[:part], text[middle : middle + part], text[-part:]))


def _share_left(faults: int, of: int, *, weight: float) -> float:
    """Give 1 without faults, and 0 when one word in `weight` has one; too few words say nothing."""
    return max(0.0, 1 - weight * faults / of) if of >= LEAST_WORDS else 1.0


def _mangled(prose: str) -> int:
    # Different words: noise seldom strikes alike twice, but the number of a part comes again.
    return sum(MANGLED.search(word) is not None for word in set(prose.split()))


def _legibility(sample: str) -> float:
    visible = sum(map(len, sample.split())) or 1
    lost = sum(map(len, GARBLED.findall(sample)))
    lost += sum(
        times
        for c, times in Counter(sample).items()
        if not (c.isprintable() or c.isspace()) and unicodedata.category(c) in {"Cn", "Cc", "Co"}
    )
    return max(0.0, 1 - 4 * lost / visible)


def _spacing(prose: str, words: Sequence[str]) -> float:
    letters = sum(map(len, words))
    if letters < LEAST_LETTERS_OF_PROSE or len(SPACELESS.findall(prose)) > 0.2 * letters:
        return 1.0
    alone = sum(len(word) == 1 and not word.isdigit() for word in words) / len(words)
    joined = sum(len(word) for word in words if len(word) > LONGEST_WORD) / letters
    return max(0.0, 1 - max(0.0, 2 * (alone - 0.15))) * max(0.0, 1 - max(0.0, joined - 0.1))


def _language(prose: str) -> float:
    """Ask the language of stretches; garbled prose has none, tables and lists are not asked."""
    flat = " ".join(prose.split())
    step = max(STRETCH, len(flat) // STRETCHES)
    stretches = [flat[i : i + STRETCH] for i in range(0, len(flat), step)]
    asked = [each for each in stretches if sum(c.isalpha() for c in each) >= 100]
    if not asked:
        return 1.0
    # Two that speak for all; the others are asked only when one of them is in no language.
    if all(detect(each) != UNDETERMINED for each in asked[:: max(1, len(asked) - 1)][:2]):
        return 1.0
    known = sum(detect(each) != UNDETERMINED for each in asked)
    # Code, data and short lists have no language either: one or two stretches prove little.
    floor = 0.25 if len(asked) >= LEAST_STRETCHES else 0.6
    return floor + (1 - floor) * known / len(asked)

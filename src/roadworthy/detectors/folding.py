"""Give a text as its reader takes it: in plain letters, without what he does not see."""

import re
import unicodedata

# Characters that fonts show as nothing: joiners, marks of direction, selectors, tags, fillers.
NOT_SHOWN = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_UNSEEN = re.compile(f"[{NOT_SHOWN}]+")
_OVERSTRUCK = re.compile(r"[\u0300-\u036f]+")
# Letter by letter: to normalize a whole text takes the square of its length where accents pile up.
_ACCENTED = re.compile(r"\w[\u0300-\u036f]{1,3}")
_LONGEST_FORM = 4  # characters that one stands for; a few stand for whole phrases
_PLAIN = {
    c: plain
    for c in (
        *range(0xA0, 0x3400),
        *range(0xF900, 0x10000),
        *range(0x1D400, 0x1D800),
        *range(0x1F100, 0x1F200),
    )
    if chr(c) != (plain := unicodedata.normalize("NFKC", chr(c))) and len(plain) <= _LONGEST_FORM
}
_IN_ASTRAL = r"\U0001d400-\U0001d7ff\U0001f100-\U0001f1ff"  # letter by letter they would be slow
_FORMS = re.compile(f"[{''.join(chr(c) for c in _PLAIN if c < 0x10000)}{_IN_ASTRAL}]{{1,1000}}")
# Cyrillic and Greek letters that look like Latin ones.
_ALIKE = str.maketrans(
    "авсԁеһіјӏкмопрԛѕтихуѵԝАВСЕНІЈКМОРЅТХУԜ" + "αγεηικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "abcdehijlkmonpqstuxyvwABCEHIJKMOPSTXYW" + "ayenikvoptuxABEZHIKMNOPTYX",
)
_ALIKES = "".join(map(chr, _ALIKE))
_IN_LATIN = re.compile(f"(?<=[A-Za-z])[{_ALIKES}]+|(?<![{_ALIKES}])[{_ALIKES}]++(?=[A-Za-z])")
_BLANKS = re.compile(r"[^\S\n]{2,}|[^\S\n ]")
# A line that goes on: no sentence ends it, and neither a blank line is next, nor an item, a
# heading, a row of a table, or who speaks.
_LINE_END = re.compile(
    r"(?<![\n .?!:;…。？！]) ?\n ?(?!\s|[-*+•] |[#|]|\d{1,3}[.)] |[A-ZÀ-Þ][\w ]{0,30}: )(?=(.))"
)
_LONG_LINE = 40  # characters; a shorter one was not wrapped, unless a small letter follows
_EMPHASIS = re.compile("[*_`]+")


def folded(text: str) -> str:
    """Give it with a paragraph on a line, without emphasis, in the letters that it looks like."""
    if not text.isascii():
        text = _ACCENTED.sub(lambda found: unicodedata.normalize("NFC", found[0]), text)
        text = _OVERSTRUCK.sub("", _UNSEEN.sub("", text))
        text = _FORMS.sub(lambda found: found[0].translate(_PLAIN), text)
        text = _IN_LATIN.sub(lambda found: found[0].translate(_ALIKE), text)
    text = _LINE_END.sub(_wrapped, _BLANKS.sub(" ", text))
    return _EMPHASIS.sub("", text)


def _wrapped(end: re.Match[str]) -> str:
    """Join a line to the next one, if a paragraph goes on there; else let it end."""
    begin = end.string.rfind("\n", 0, end.start()) + 1
    goes_on = end.start() - begin >= _LONG_LINE or not end[1].isupper()
    return " " if goes_on else "\n"

"""Find the sentences of a text in English, French, Spanish, German, Russian, Chinese, Arabic."""

import re
from collections.abc import Iterator
from itertools import pairwise

# A full stop after one of these ends no sentence ...
ABBREVIATIONS = frozenset(
    """
    mr mrs ms dr prof st jr hon gen col sgt capt lt rev vs etc approx ca cf e.g i.e al inc
    ltd co corp dept est ext incl excl tel resp m mm mme mlle mgr me av bd env p.ex sr sra
    srta dña ud uds ee.uu p.ej aprox hr fr z.b d.h u.a u.u usw bzw ggf evtl inkl zzgl vgl
    str bspw и.о т.е т.к т.н т.д т.п г гг им ул руб тыс млн млрд др
    """.split()  # noqa: SIM905
)
# ... nor after one of these before a number.
BEFORE_NUMBERS = frozenset(
    """
    no nos nr núm n art arts fig figs sec secs ch chap p pp par para vol ed eq abs ziff s
    kap bl cap pág págs lib стр рис гл ч п пп ст табл
    """.split()  # noqa: SIM905
)
# "am 3. Oktober": after these words, German, a number with a full stop is an ordinal.
BEFORE_ORDINALS = frozenset({"am", "der", "dem", "den", "des", "die", "das", "vom", "zum", "im"})

FENCE = re.compile(r"[ \t]*(?:```|~~~)")
OWN_LINE = re.compile(r"[ \t]*(?:\||#{1,6}[ \t])")  # a table row, a heading
UNDERLINE = re.compile(r"[ \t]*(?:={2,}|-{3,})[ \t]*$")  # of a heading above it, or a rule
ITEM = re.compile(r"[ \t]*(?:[-*+•‣▪◦–>]|\(?\w{1,3}[.)])[ \t]+\S")
# A stop with what may follow it inside the sentence: quotes and brackets.
# Runs are bounded, so that a line of dots takes no longer than any other line.
STOP = re.compile(r"[.!?…؟۔]{1,8}[\"'”’»)\]*_]{0,4}(?=\s)|[。！？；]{1,8}[”’」』）】]{0,4}")
OPENERS = re.compile(r"[(\[\"'’“‘«]")
INITIALS = re.compile(r"(?:\w\.)*[A-HJ-ZÀ-ÖØ-ÞА-Я]")  # J. R. R. Tolkien, U.S.; but "and I."
WRAPPED_AT_MOST = 160  # characters; a block with a longer line was not wrapped by hand
SHORT_LINE = 0.6  # of the longest line of its block: a line that ends because its thought ends


def sentences(text: str) -> list[tuple[int, int]]:
    """Cut `text` into sentences, headings, list items and table rows, as (start, end) offsets.

    A blank line ends a sentence; so does the end of a heading, row or item, but not the line
    end inside a paragraph that was wrapped at a fixed width.

    Returns: spans in order, without overlap or outer blank space; together they hold every
    character of `text` that is not blank.
    """
    spans = []
    for start, end, whole in _blocks(text):
        for first, last in [(start, end)] if whole else _cut(text, start, end):
            inner = text[first:last]
            if trimmed := inner.strip():
                left = first + len(inner) - len(inner.lstrip())
                spans.append((left, left + len(trimmed)))
    return spans


def _blocks(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield runs of lines between blank lines, and whether the run is one unit as it stands."""
    lines: list[tuple[int, int]] = []
    start = 0
    fenced = False
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        fence = FENCE.match(text, start, end) is not None
        if fence or fenced or text[start:end].isspace():
            yield from _paragraphs(text, lines)
            lines = []
            yield start, end, True
        else:
            lines.append((start, end))
        fenced ^= fence
        start = end
    yield from _paragraphs(text, lines)


def _paragraphs(text: str, lines: list[tuple[int, int]]) -> Iterator[tuple[int, int, bool]]:
    if not lines:
        return
    widest = max(end - start for start, end in lines)
    begin = lines[0][0]
    for (start, end), (after, after_end) in pairwise(lines):
        if _parted(text, start, end, after=after, after_end=after_end, widest=widest):
            yield begin, end, OWN_LINE.match(text, begin) is not None
            begin = after
    yield begin, lines[-1][1], OWN_LINE.match(text, begin) is not None


def _parted(text: str, start: int, end: int, *, after: int, after_end: int, widest: int) -> bool:
    if UNDERLINE.match(text, after, after_end):
        return False
    if OWN_LINE.match(text, start, end) or OWN_LINE.match(text, after, after_end):
        return True
    if UNDERLINE.match(text, start, end) or ITEM.match(text, after, after_end):
        return True
    if widest > WRAPPED_AT_MOST:
        return True
    # A wrapped line goes on in lower case; a new thought rarely begins with it.
    return end - start < SHORT_LINE * widest and not text[after:after_end].lstrip()[:1].islower()


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    item = ITEM.match(text, start, end)
    begin = start
    # The number of an item is no sentence.
    for stop in STOP.finditer(text, item.end() - 1 if item else start, end):
        if _ends(text, stop, after=text[stop.end() : min(end, stop.end() + 40)].lstrip()[:1]):
            yield begin, stop.end()
            begin = stop.end()
    if begin < end:
        yield begin, end


def _ends(text: str, stop: re.Match[str], *, after: str) -> bool:
    if stop[0][0] in ".!?…" and after.islower():
        return False
    if stop[0] != ".":
        return True
    words = text[max(0, stop.start() - 40) : stop.start()].split()[-2:]
    written = OPENERS.split(words[-1])[-1] if words else ""
    word = written.lower()
    if word in ABBREVIATIONS or INITIALS.fullmatch(written):
        return False
    if word in BEFORE_NUMBERS and after.isdigit():
        return False
    ordinal = len(word) < 3 and word.isdigit() and len(words) > 1
    return not (ordinal and words[0].lower() in BEFORE_ORDINALS)


LONGEST_HELD = 1_000  # characters; then the next blank ends a sentence
LONGEST = 4 * LONGEST_HELD  # then it ends in the middle of a word
LOOKED_AHEAD = 60
LOOKED_AT = LONGEST_HELD + LONGEST  # no more of a text says where its first sentence ends
MARKS = re.compile(r"(?:[ \t]?\[\d{1,3}(?:[,;] ?\d{1,3}){0,9}\]){0,20}")
UNFINISHED_MARK = re.compile(r"\[[\d,; ]{0,40}")
BLANK = re.compile(r"\s")


def first_end(text: str) -> int:
    """Find where the first sentence of a text that still grows ends, whatever comes next.

    For texts that are written in pieces: cut again and again, they are cut alike however the pieces
    come. It looks at the sentence itself and the first letter behind it; a line's end is an end,
    and citation marks such as [2] behind a stop belong to its sentence.

    Returns: the number of characters; 0: it cannot be told yet.
    """
    text = text[:LOOKED_AT]
    begin = len(text) - len(text.lstrip())
    if begin >= LONGEST_HELD:
        return LONGEST_HELD
    limit, line = begin + LONGEST_HELD, text.find("\n", begin) + 1
    if 0 < line <= limit:
        limit = line
    item = ITEM.match(text, begin)
    for stop in STOP.finditer(text, item.end() - 1 if item else begin, min(len(text), limit)):
        marks = MARKS.match(text, stop.end())
        assert marks is not None  # none at all is a match, too
        end = marks.end()
        ahead, on_line, _ = text[end : end + LOOKED_AHEAD].partition("\n")
        after = ahead.lstrip()
        is_whole = on_line or len(text) >= end + LOOKED_AHEAD
        if not is_whole and (not after or UNFINISHED_MARK.fullmatch(after)):
            return 0
        if after and _ends(text, stop, after=after[0]):
            return end
    return line if limit == line else _end_of_run(text, limit)


def _end_of_run(text: str, limit: int) -> int:
    """End what has no sentences, such as data, after a blank, or in the middle of it."""
    last = limit + LONGEST - LONGEST_HELD
    blank = BLANK.search(text, limit, last)
    if blank:
        return blank.end()
    return last if len(text) >= last else 0

"""Read the text layer of a PDF page by page; see which pages have none, and draw those."""

import ctypes
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

import pypdfium2.raw as pdfium
from pypdfium2 import PdfDocument, PdfiumError, PdfPage, PdfTextPage

from roadworthy.ingestion import media
from roadworthy.ingestion.reading_order import CELL_GAP, Run, arranged

if TYPE_CHECKING:
    from PIL.Image import Image  # comes with the extra that recognises text

QUARTER = 1.5707963  # radians
LINE_ENDS, NO_CHARACTER = frozenset({10, 13}), frozenset({0, 0xFFFE, 0xFFFF})
HYPHEN_MARK = 2  # how PDFium gives a hyphen at a line end
CUT_WORD = re.compile(r"(?<=[^\W\d_])-\n(?=[^\W\d_])")
DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:([+-])(\d\d)'?(\d\d)?)?")
LONGEST_SIDE = 2000  # pixels of a drawn page; the models of text recognition want no more
LARGEST_SCALE = 4.0  # of 72 dots an inch


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfMetadata:
    """What a PDF says about itself."""

    title: str
    author: str
    created_at: datetime | None
    modified_at: datetime | None


@contextmanager
def opened(content: bytes, *, name: str) -> Iterator[PdfDocument]:
    """Open a PDF for a block.

    Raises:
        Invalid: it is damaged, then or where the block reads it, or needs a password.
    """
    try:
        document = PdfDocument(content)
    except PdfiumError as error:
        locked = error.err_code in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}
        raise media.encrypted(name) if locked else media.broken(name) from error
    with closing(document):
        if len(document) == 0:
            raise media.broken(name)
        try:
            document.init_forms()
            yield document
        except PdfiumError as error:  # a page or its picture cannot be made
            raise media.broken(name) from error


def metadata_of(document: PdfDocument) -> PdfMetadata:
    """Read title, author and dates, "" and None where they are not said."""
    return PdfMetadata(
        title=_said(document, "Title"),
        author=_said(document, "Author"),
        created_at=_moment(_said(document, "CreationDate")),
        modified_at=_moment(_said(document, "ModDate")),
    )


def _said(document: PdfDocument, key: str) -> str:
    try:
        return document.get_metadata_value(key)
    except UnicodeDecodeError:  # half of a letter
        return ""


def text_of(page: PdfPage) -> str:
    """Read the text layer of a page in reading order; "" when it has none."""
    with closing(page.get_textpage()) as text_page:
        runs, askew = _runs(text_page)
    text = "\n\n".join(part for part in (arranged(runs), *askew) if part)
    return CUT_WORD.sub("-", text)


def pages_of(document: PdfDocument) -> Iterator[PdfPage]:
    """Yield the pages one after the other, each closed when the next is asked for."""
    for i in range(len(document)):
        with closing(document[i]) as page:
            yield page


def is_drawn(document: PdfDocument, index: int) -> bool:
    """Tell whether there is anything at all on a page."""
    with closing(document[index]) as page:
        return pdfium.FPDFPage_CountObjects(page) > 0


def drawn(document: PdfDocument, index: int) -> "Image":
    """Draw a page, its longer side at most LONGEST_SIDE pixels."""
    with closing(document[index]) as page:
        scale = min(LONGEST_SIDE / max(*page.get_size(), 1), LARGEST_SCALE)
        with closing(page.render(scale=scale)) as bitmap:
            return bitmap.to_pil().convert("RGB")


class _Letter(NamedTuple):  # a tuple, because a page makes thousands of them
    text: str
    left: float
    top: float
    right: float
    bottom: float


END = _Letter("", 0, 0, 0, 0)  # of a line


def _runs(text_page: PdfTextPage) -> tuple[list[Run], list[str]]:
    """Part a page's letters into runs; lines that run in another direction come apart."""
    lines = list(_lines(text_page))
    turns = Counter[int]()
    for turn, letters in lines:
        turns[turn] += len(letters)
    main = turns.most_common(1)[0][0] if turns else 0
    runs: list[Run] = []
    askew: list[str] = []
    for turn, letters in lines:
        if turn == main:
            runs.extend(_joined([_turned(each, turn) for each in letters] if turn else letters))
        else:
            askew.append("".join(letter.text for letter in letters).strip())
    return runs, [_whole(text) for text in askew if text]


def _lines(text_page: PdfTextPage) -> Iterator[tuple[int, list[_Letter]]]:
    """Yield the lines in the order of the file, with the quarters by which each is turned."""
    box, raw = pdfium.FS_RECTF(), text_page.raw
    there, code_at, box_at = (
        ctypes.byref(box),
        pdfium.FPDFText_GetUnicode,
        pdfium.FPDFText_GetLooseCharBox,
    )
    turn, letters = 0, list[_Letter]()
    for i in range(text_page.count_chars()):
        code = code_at(raw, i)
        if code in LINE_ENDS:
            yield turn, letters
            letters = []
        elif code not in NO_CHARACTER and box_at(raw, i, there):
            if not letters:
                turn = round(pdfium.FPDFText_GetCharAngle(raw, i) / QUARTER) % 4
            text = "-" if code == HYPHEN_MARK else chr(code)
            # PDF counts y from below.
            letters.append(_Letter(text, box.left, -box.top, box.right, -box.bottom))
    yield turn, letters


def _joined(letters: list[_Letter]) -> Iterator[Run]:
    """Join the letters of one line, parted where there is a wide gap."""
    text = ""
    left = top = right = bottom = 0.0
    for letter in (*letters, END):
        if letter.text.isspace():
            text += " " if text else ""
            continue
        if text and not (letter.text and _goes_on(letter, (left, top, right, bottom))):
            yield Run(left=left, top=top, right=right, bottom=bottom, text=_whole(text.strip()))
            text = ""
        if text:
            left, top = min(left, letter.left), min(top, letter.top)
            right, bottom = max(right, letter.right), max(bottom, letter.bottom)
        else:
            _, left, top, right, bottom = letter
        text += letter.text


def _turned(at: _Letter, turn: int) -> _Letter:
    """Turn the place of a letter as the page is turned to be read."""
    if turn == 1:
        return _Letter(at.text, at.top, -at.right, at.bottom, -at.left)
    if turn == 2:
        return _Letter(at.text, -at.right, -at.bottom, -at.left, -at.top)
    return _Letter(at.text, -at.bottom, at.left, -at.top, at.right)


def _goes_on(at: _Letter, run: tuple[float, float, float, float]) -> bool:
    """Tell whether a letter stands in the line of a run and close to it, on either side."""
    left, top, right, bottom = run
    gap = max(at.left - right, left - at.right)
    if gap > CELL_GAP * max(bottom - top, at.bottom - at.top, 0.1):
        return False
    shared = min(bottom, at.bottom) - max(top, at.top)
    return shared >= 0.5 * min(bottom - top, at.bottom - at.top)


def _whole(text: str) -> str:
    """Join the halves of letters beyond the first plane, which PDFium may give one by one."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _moment(written: str) -> datetime | None:
    """Read a date as PDF writes it.

    Source: ISO 32000-1, 7.9.4.
    """
    found = DATE.match(written)
    if found is None:
        return None
    year, month, day, hour, minute, second = (
        int(part or least)
        for part, least in zip(found.groups()[:6], (1, 1, 1, 0, 0, 0), strict=True)
    )
    sign, hours, minutes = found[7], int(found[8] or 0), int(found[9] or 0)
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone(offset))
    except ValueError:
        return None

"""Read the text layer of a PDF page by page; see which pages have none, and draw those."""

import ctypes
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pypdfium2.raw as pdfium
from pypdfium2 import PdfDocument, PdfiumError, PdfPage, PdfTextPage

from roadworthy.ingestion import media
from roadworthy.ingestion.reading_order import arranged
from roadworthy.ingestion.recognition import LONGEST_SIDE
from roadworthy.ingestion.ruled import Box, Cell, Grid, grids, is_table, table
from roadworthy.ingestion.runs import CELL_GAP, Run, lines_of, rejoined

if TYPE_CHECKING:
    from PIL.Image import Image  # comes with the extra that recognises text

MOST_OBJECTS = 20_000  # of a page, looked at for lines
QUARTER = 1.5707963  # radians
MOST_ASKEW = 1 / 9  # of a quarter: 10 degrees
LINE = re.compile(r"[^\n\r]+")
WORD = re.compile(r"[^\s\0\ufffe\uffff]+\ufffe?")  # ends at a hyphen at a line end
HYPHEN_CODES = {2: 0xFFFE}  # as it gives it letter by letter
HYPHENS = {0xFFFE: "-"}  # at a line end, as PDFium gives it in a whole text
DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:([+-])(\d\d)'?(\d\d)?)?")
PICTURES = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM)
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
    """Read the text layer of a page in reading order; "" when it has none.

    Returns: with LINE_END_HYPHEN where a line ends in a hyphen between letters.
    """
    with closing(page.get_textpage()) as text_page:
        runs, askew = _runs(text_page, list(grids(list(_boxes(page)))))
    text = "\n\n".join(part for part in (arranged(runs), *askew) if part)
    return rejoined(text)


def pages_of(document: PdfDocument) -> Iterator[PdfPage]:
    """Yield the pages one after the other, each closed when the next is asked for."""
    for i in range(len(document)):
        with closing(document[i]) as page:
            yield page


def is_drawn(page: PdfPage) -> bool:
    """Tell whether there is anything at all on a page."""
    return pdfium.FPDFPage_CountObjects(page) > 0


def shows_mostly_pictures(page: PdfPage) -> bool:
    """Tell whether pictures, or drawings put in whole, cover more than half of a page."""
    wide, high = page.get_size()
    covered = 0.0
    for each in page.get_objects(filter=PICTURES, max_depth=1):
        left, bottom, right, top = each.get_bounds()
        across = min(right, wide) - max(left, 0)
        covered += max(across, 0) * max(min(top, high) - max(bottom, 0), 0)
    return covered > 0.5 * wide * high


def drawn(document: PdfDocument, index: int) -> "Image":
    """Draw a page, its longer side at most LONGEST_SIDE pixels."""
    with closing(document[index]) as page:
        scale = min(LONGEST_SIDE / max(*page.get_size(), 1), LARGEST_SCALE)
        with closing(page.render(scale=scale)) as bitmap:
            return bitmap.to_pil().convert("RGB")


# A plain tuple, because a page makes thousands of them.
_Word = tuple[str, float, float, float, float]  # text, left, top, right, bottom


def _boxes(page: PdfPage) -> Iterator[Box]:
    """Yield the places of the lines and frames that are drawn on a page."""
    raw = page.raw
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    for i in range(min(pdfium.FPDFPage_CountObjects(raw), MOST_OBJECTS)):
        each = pdfium.FPDFPage_GetObject(raw, i)
        if (
            pdfium.FPDFPageObj_GetType(each) == pdfium.FPDF_PAGEOBJ_PATH
            and pdfium.FPDFPath_CountSegments(each) <= 5
            and pdfium.FPDFPageObj_GetBounds(each, left, bottom, right, top)
        ):
            yield Box(left.value, -top.value, right.value, -bottom.value)


def _tables(lines: list[list[_Word]], found: Sequence[Grid]) -> tuple[list[Run], list[list[_Word]]]:
    """Take out of lines what stands in the cells of ruled tables."""
    tables: list[Run] = []
    for grid in found:
        cells = dict[Cell, list[_Word]]()
        rest: list[list[_Word]] = []
        for words in lines:
            rest.append([])
            for word in words:
                _, left, top, right, bottom = word
                cell = grid.cell((left + right) / 2, (top + bottom) / 2)
                (rest[-1] if cell is None else cells.setdefault(cell, [])).append(word)
        inside = {cell: lines_of(list(_joined(words))) for cell, words in cells.items()}
        if is_table(grid, inside):
            tables.append(table(grid, inside))
            lines = rest
    return tables, lines


def _runs(text_page: PdfTextPage, found: Sequence[Grid]) -> tuple[list[Run], list[str]]:
    """Part a page's words into runs; lines that run in another direction come apart."""
    lines = list(_lines(text_page))
    turns = Counter[int | None]()
    for turn, words in lines:
        turns[turn] += len(words)
    straight = [turn for turn, _ in turns.most_common() if turn is not None]
    main = straight[0] if straight else 0
    askew: list[str] = []
    upright: list[list[_Word]] = []
    for turn, words in lines:
        if turn == main:
            upright.append([_turned(each, main) for each in words] if main else words)
        else:
            askew.append(_whole(" ".join(text for text, *_ in words)))
    runs, upright = _tables(upright, found) if main == 0 else ([], upright)
    for words in upright:
        runs.extend(_joined(words))
    return runs, askew


def _lines(text_page: PdfTextPage) -> Iterator[tuple[int | None, list[_Word]]]:
    """Yield the lines in the order of the file, and by how many quarters each is turned.

    A line that is turned by no whole quarter, such as a watermark, has None.
    """
    text, raw = _text(text_page), text_page.raw
    box_of, box = pdfium.FPDFText_GetLooseCharBox, pdfium.FS_RECTF()
    for line in LINE.finditer(text):
        words: list[_Word] = []
        for word in WORD.finditer(text, *line.span()):
            # Of the first and the last letter; asking for each takes most of the time of a page.
            start, end = word.span()
            if not box_of(raw, start, box):
                continue
            left, top, right, bottom = box.left, -box.top, box.right, -box.bottom  # y from below
            if end - start > 1 and box_of(raw, end - 1, box):
                left, right = min(left, box.left), max(right, box.right)
                top, bottom = min(top, -box.top), max(bottom, -box.bottom)
            words.append((word[0], left, top, right, bottom))
        if words:
            yield _turn(pdfium.FPDFText_GetCharAngle(raw, line.start())), words


def _text(text_page: PdfTextPage) -> str:
    """Give the characters of a page, each at its number in the page."""
    count = text_page.count_chars()
    units = ctypes.create_string_buffer(2 * count + 2)
    written = pdfium.FPDFText_GetText(
        text_page, 0, count, ctypes.cast(units, ctypes.POINTER(ctypes.c_ushort))
    )
    if written == count + 1:
        text = units.raw[: 2 * count].decode("utf-16-le", "surrogatepass")
        if len(text) == count:
            return text
    # Some have no code, or two: then the numbers are others.
    codes = (pdfium.FPDFText_GetUnicode(text_page, i) for i in range(count))
    return "".join(map(chr, codes)).translate(HYPHEN_CODES)


def _turn(angle: float) -> int | None:
    quarters = angle / QUARTER
    return round(quarters) % 4 if abs(quarters - round(quarters)) <= MOST_ASKEW else None


def _joined(words: Sequence[_Word]) -> Iterator[Run]:
    """Join the words of one line, parted where there is a wide gap."""
    texts: list[str] = []
    left = top = right = bottom = 0.0
    for word in words:
        text, word_left, word_top, word_right, word_bottom = word
        height = bottom - top
        if (
            texts
            and (word_top, word_bottom) == (top, bottom)
            and 0 <= word_left - right <= CELL_GAP * height
        ):
            right = word_right  # most words: in the font of those before, and close to them
        elif texts and _goes_on(word, (left, top, right, bottom)):
            left, top = min(left, word_left), min(top, word_top)
            right, bottom = max(right, word_right), max(bottom, word_bottom)
        else:
            if texts:
                yield _run(texts, (left, top, right, bottom))
            texts = []
            _, left, top, right, bottom = word
        texts.append(text)
    if texts:
        yield _run(texts, (left, top, right, bottom))


def _run(texts: Sequence[str], box: tuple[float, float, float, float]) -> Run:
    left, top, right, bottom = box
    return Run(left=left, top=top, right=right, bottom=bottom, text=_whole(" ".join(texts)))


def _turned(word: _Word, turn: int) -> _Word:
    """Turn the place of a word as the page is turned to be read."""
    text, left, top, right, bottom = word
    if turn == 1:
        return text, top, -right, bottom, -left
    if turn == 2:
        return text, -right, -bottom, -left, -top
    return text, -bottom, left, -top, right


def _goes_on(word: _Word, run: tuple[float, float, float, float]) -> bool:
    """Tell whether a word stands in the line of a run and close to it, on either side."""
    left, top, right, bottom = run
    _, word_left, word_top, word_right, word_bottom = word
    gap = max(word_left - right, left - word_right)
    if gap > CELL_GAP * max(bottom - top, word_bottom - word_top, 0.1):
        return False
    shared = min(bottom, word_bottom) - max(top, word_top)
    return shared >= 0.5 * min(bottom - top, word_bottom - word_top)


def _whole(text: str) -> str:
    """Write hyphens as such, and join the halves of letters beyond the first plane.

    PDFium may give those one by one.
    """
    if text.isascii():
        return text
    return text.translate(HYPHENS).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


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

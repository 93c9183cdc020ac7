"""Read what has pages with places: PDF files and pictures, the written and the drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from pypdfium2 import PdfDocument, PdfPage

from roadworthy.ingestion import media, pdf, recognition
from roadworthy.ingestion.limits import Limits, check_pages
from roadworthy.ingestion.recognition import UNCERTAIN
from roadworthy.ingestion.records import NeedsRecognition, Report

if TYPE_CHECKING:
    from PIL.Image import Image

FEW_LETTERS = 50  # on a page of pictures: a page number, a stamp
MOST_NAMED = 10  # pages in one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page as it was found. Its text is not cleaned yet."""

    number: int
    text: str
    confidence: float | None = None  # of recognised text


@dataclass(frozen=True, slots=True, kw_only=True)
class PagedText:
    """The pages of a file, what it says about itself, and what was noticed."""

    pages: Sequence[Page]
    metadata: pdf.PdfMetadata | None = None
    notes: tuple[str, ...] = ()


def read_pages(
    content: bytes, limits: Limits, *, name: str, media_type: str, report: Report | None
) -> PagedText:
    """Read a PDF or a picture; pages without a text layer are recognised, if `report` is given.

    Without text recognition installed, such pages of a PDF that has text on others are left out,
    and a note says so.

    Raises:
        Invalid: it is damaged, encrypted, beyond a limit, or needs recognition that is missing.
        NeedsRecognition: pages have to be recognised, and `report` is None.
    """
    if media_type == media.PDF:
        return _read_pdf(content, limits, name=name, report=report)
    if not recognition.is_installed():
        raise recognition.missing(name)
    if report is None:
        raise NeedsRecognition
    # Pillow comes with the extra.
    from roadworthy.ingestion import pictures  # noqa: PLC0415

    pages: list[Page] = []
    for drawn, total in pictures.pages_of(content, limits, name=name):
        report(len(pages), total)
        pages.append(_recognised(len(pages) + 1, drawn))
    report(len(pages), len(pages))
    return PagedText(pages=pages, notes=_uncertain(pages))


def _read_pdf(content: bytes, limits: Limits, *, name: str, report: Report | None) -> PagedText:
    with pdf.opened(content, name=name) as document:
        check_pages(len(document), limits.pages, name=name, setting="max_pages")
        texts: list[str] = []
        scanned: list[int] = []
        for i, page in enumerate(pdf.pages_of(document)):
            texts.append(pdf.text_of(page))
            if _is_scanned(page, texts[i]):
                scanned.append(i)
        read: dict[int, Page] = {}
        notes: tuple[str, ...] = ()
        is_blank = not any(map(_has_text, texts))
        if scanned and recognition.is_installed():
            if is_blank:
                check_pages(
                    len(scanned), limits.scanned_pages, name=name, setting="max_scanned_pages"
                )
            if report is None:
                raise NeedsRecognition
            first, left_out = scanned[: limits.scanned_pages], scanned[limits.scanned_pages :]
            read = dict(_recognised_pages(document, first, report=report))
            notes = (*_uncertain(list(read.values())), *_left_out(left_out, limits))
        elif scanned and is_blank:
            raise recognition.missing(name)
        elif scanned:
            notes = (f"{_named(scanned)} mostly pictures; install roadworthy[ocr] to read those.",)
        pages = [
            _fuller(read.get(i), Page(number=i + 1, text=text)) for i, text in enumerate(texts)
        ]
        return PagedText(pages=pages, metadata=pdf.metadata_of(document), notes=notes)


def _is_scanned(page: PdfPage, text: str) -> bool:
    """Tell whether the text of a page is in its pictures; a stamp on a scan is not its text."""
    letters = sum(1 for _ in islice(filter(str.isalnum, text), FEW_LETTERS))
    if letters == 0:
        return pdf.is_drawn(page)
    return letters < FEW_LETTERS and pdf.shows_mostly_pictures(page)


def _fuller(recognised: Page | None, written: Page) -> Page:
    if recognised is None or (_has_text(written.text) and not _has_text(recognised.text)):
        return written  # the picture beside few words holds none
    return recognised


def _left_out(indexes: Sequence[int], limits: Limits) -> tuple[str, ...]:
    if not indexes:
        return ()
    return (
        f"{_named(indexes)} mostly pictures, beyond the first {limits.scanned_pages} that are read "
        f"(max_scanned_pages is {limits.scanned_pages}).",
    )


def _recognised_pages(
    document: PdfDocument, scanned: Sequence[int], *, report: Report
) -> Iterator[tuple[int, Page]]:
    for done, i in enumerate(scanned):
        report(done, len(scanned))
        yield i, _recognised(i + 1, pdf.drawn(document, i))
    report(len(scanned), len(scanned))


def _recognised(number: int, picture: "Image") -> Page:
    found = recognition.recognised(picture)
    return Page(number=number, text=found.text, confidence=found.confidence)


def _uncertain(pages: Sequence[Page]) -> tuple[str, ...]:
    """Note the pages whose recognised text should not be trusted."""
    doubtful = [page for page in pages if (page.confidence or 0) < UNCERTAIN and page.text]
    if not doubtful:
        return ()
    least = min(page.confidence or 0 for page in doubtful)
    numbers = [page.number - 1 for page in doubtful]
    return (f"{_named(numbers)} text that was recognised with doubt (down to {least:.2f}).",)


def _named(indexes: Sequence[int]) -> str:
    shown = ", ".join(str(i + 1) for i in indexes[:MOST_NAMED])
    more = f" and {len(indexes) - MOST_NAMED} more" if len(indexes) > MOST_NAMED else ""
    return f"Page {shown} has" if len(indexes) == 1 else f"Pages {shown}{more} have"


def _has_text(text: str) -> bool:
    return any(c.isalnum() for c in text)

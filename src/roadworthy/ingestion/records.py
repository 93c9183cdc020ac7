"""What ingestion passes from stage to stage: a parsed document and its pieces."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

Report = Callable[[int, int], None]  # of the pages to recognise: so many of so many are done


class NeedsRecognition(Exception):
    """A file has pages of pictures, which take long to read, and that was not asked for."""


class Occupied(Exception):
    """Text recognition has enough at hand; another file is to wait outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Files that are read one after the other; those of other lanes may be read beside them."""

    tenant_id: int
    is_urgent: bool  # somebody waits for them


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSpan:
    """Where one page or slide lies in its document. Invariant: 0 <= start <= end."""

    number: int  # as printed by a viewer: the first page is 1
    start: int  # offset of the first character, in code points
    end: int  # offset just past the last one
    confidence: float | None = None  # of the text recognised in its picture, 0 to 1; None: written


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file inside a file, to be read by itself."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a file says about itself; people copy templates, so none of it is proof."""

    authors: tuple[str, ...] = ()
    created_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDocument:
    """A file as text. Invariant: `text` is NFC, without control characters but tab and newline.

    All offsets of pages, pieces and citations point into `text`, in code points.
    """

    text: str
    pages: tuple[PageSpan, ...]  # in order, without overlap; empty when the format has none
    title: str  # what the file says, else its first heading, else its name
    media_type: str  # by content, whatever the name claimed
    markdown: bool  # whether `#` is a heading and `|` a table row
    origin: Origin
    notes: tuple[str, ...] = ()  # sentences on what was left out, or is uncertain
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A run of one document. Invariant: `text == document.text[start:end]`."""

    ordinal: int  # 0 is the first of the document
    start: int
    end: int
    text: str
    page_first: int | None  # None when the document has no pages
    page_last: int | None
    heading: str  # the path of headings above it, "Travel > Hotels"; "" when there is none

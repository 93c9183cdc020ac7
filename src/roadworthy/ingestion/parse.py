"""Read a file of any usual kind into one text that all offsets point into."""

import email.utils
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from kreuzberg import ExtractionConfig, ExtractionResult, PageConfig, extract_bytes_sync
from kreuzberg.exceptions import KreuzbergError

from roadworthy.core.normal_forms import NFC, normalized
from roadworthy.corpus import media_types
from roadworthy.ingestion import media
from roadworthy.ingestion.attachments import attachments_of
from roadworthy.ingestion.decode import decode
from roadworthy.ingestion.limits import Limits, check_length, check_markup, check_unpacked
from roadworthy.ingestion.pages import Page, read_pages
from roadworthy.ingestion.pdf import PdfMetadata
from roadworthy.ingestion.records import Attachment, Origin, PageSpan, ParsedDocument, Report
from roadworthy.ingestion.runs import LINE_END_HYPHEN
from roadworthy.ingestion.web_page import prepared

VERBATIM = frozenset({media_types.TEXT, media_types.MARKDOWN})
ZIPPED = frozenset(
    {media_types.DOCX, media_types.PPTX, media_types.XLSX, media_types.ODT, media_types.EPUB}
)
MARKUP = frozenset({media_types.HTML, media_types.XML})
PLAIN = frozenset(
    {media_types.EML, media_types.MSG}
)  # Markdown would join lines that were meant apart
PAGED = frozenset({media_types.PPTX})  # DOCX knows its pages only while it is laid out
DEEPEST_READ = 60  # elements in elements: what Markdown is made of; the rest falls away
BETWEEN_PAGES = "\n\n"
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
NO_TITLE = frozenset({"untitled", "untitled document", "powerpoint presentation", "presentation"})

CONTROLS: dict[int, str | None] = {
    **dict.fromkeys((*range(32), *range(127, 160), 0xAD, 0x200B, 0xFEFF)),
    **dict.fromkeys((0x0A, 0x85, 0x2028, 0x2029), "\n"),
    **dict.fromkeys((0x0B, 0x0C), "\n\n"),
    0x09: "\t",
    0xA0: " ",
}
# Linear in any text: a run is never given back (`+` after a repetition) nor begun in its middle.
IMAGE = re.compile(r"!\[([^\[\]\n]*+)\]\((?:<[^<>\n]*+>|(?:[^()\n]++|\([^()\n]*+\))*+)\)")
INLINE_IMAGE = re.compile(r"(!\[[^\[\]\n]*+\]\()(?:<\s*+data:[^<>\n]*+>|\s*+data:[^()\n]*+)\)")
PADDING = re.compile(r"(?<=\|) {2,}+|(?<! ) {2,}+(?=\|)|(?<=[^-]-)-{3,}+(?=:? *+\|)")
TABLE_ROW = re.compile(r"^\|.*\|[ \t]*$", re.M)
ESCAPED = re.compile(r"\\([!\"$%&'()+,\-./:;<=>?@\[\]^_{}~*])")
FIRST_HEADING = re.compile(r"^#{1,2}[ \t]+(.+?)[ \t]*#*$", re.M)
WORD = re.compile(r"[^\W\d_]+")
CUT = re.compile(rf"\b([^\W\d_]{{2,}}+){LINE_END_HYPHEN}([^\W\d_]{{2,}}+)\b")


def parse(
    content: bytes,
    *,
    name: str,
    media_type: str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    report: Report | None = None,
) -> ParsedDocument:
    """Read a file into text, with its pages where the format has them.

    Text and Markdown stay as written; the rest becomes Markdown, but PDF, pictures and mail, which
    become plain text.

    Args:
        media_type: what the sender called it; used only where the bytes leave a choice.
        report: is told how many pages of pictures are recognised; left out, none is.

    Raises:
        Invalid: broken, encrypted, empty, unsupported or beyond a limit, as its fact `reason` says.
        NeedsRecognition: it has pages without text, and `report` was left out.
    """
    found = media.media_type_of(content, name=name, claimed=media_type)
    document = _read(content, limits, name=name, found=found, report=report)
    check_length(document.text, limits, name=name)
    return document


def is_markdown(media_type: str) -> bool:
    """Tell whether files of a kind become Markdown, where `#` is a heading."""
    return media_type not in {media_types.TEXT, media_types.PDF, *media_types.PICTURES, *PLAIN}


def _read(
    content: bytes, limits: Limits, *, name: str, found: str, report: Report | None
) -> ParsedDocument:
    if found in VERBATIM:
        text = INLINE_IMAGE.sub(r"\1)", _clean(decode(content) or ""))
        return _document(text, (), {}, name=name, media_type=found, markdown=is_markdown(found))
    if found == media_types.PDF or found in media_types.PICTURES:
        paged = read_pages(content, limits, name=name, media_type=found, report=report)
        text, pages = _whole_pages(paged.pages)
        return _document(
            text,
            pages,
            _said(paged.metadata),
            name=name,
            media_type=found,
            markdown=is_markdown(found),
            notes=paged.notes,
        )
    if found in ZIPPED:
        check_unpacked(content, limits, name=name)
    attachments, notes = attachments_of(content, media_type=found, most=limits.attachments)
    metadata: dict[str, Any] = {}
    if found not in media.BINARY:
        characters = decode(content) or ""
        if found == media_types.HTML:
            characters, metadata = prepared(characters)
        if found in MARKUP and check_markup(characters, name=name) > DEEPEST_READ:
            notes += (f"What lies deeper than {DEEPEST_READ} elements may be left out.",)
        content = characters.lstrip("\ufeff").encode()
    mark = f"\ue000{secrets.token_hex(8)}:"  # a document can't know it, so can't forge a page
    try:
        result = extract_bytes_sync(content, found, _config(found, mark))
    except KreuzbergError as error:
        raise media.broken(name) from error
    text, pages = _assemble(result, mark, found)
    return _document(
        text,
        pages if found in PAGED else (),
        {**result.metadata, **metadata},
        name=name,
        media_type=found,
        markdown=is_markdown(found),
        notes=notes,
        attachments=attachments,
    )


def _config(media_type: str, mark: str) -> ExtractionConfig:
    config = ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        output_format="plain" if media_type in PLAIN else "markdown",
        pages=PageConfig(
            extract_pages=media_type in PAGED,
            insert_page_markers=media_type in PAGED,
            marker_format=f"\n\n{mark}{{page_num}}\ue001\n\n",
        ),
    )
    config.max_archive_depth = 0  # attachments would be read, at a cost, and thrown away
    return config


def _assemble(
    result: ExtractionResult, mark: str, media_type: str
) -> tuple[str, tuple[PageSpan, ...]]:
    """Clean each page by itself, so that the boundaries survive the cleaning."""
    parts = re.split(rf"{mark}(\d+)\ue001", result.content)
    before = [] if not parts[0].strip() else [(0, parts[0])]
    numbered = before + [(int(n), p) for n, p in zip(parts[1::2], parts[2::2], strict=True)]
    return _laid_out(
        Page(number=max(n, 1), text=_clean(p if media_type in PLAIN else _tidy_markdown(p)))
        for n, p in numbered
    )


def _whole_pages(pages: Sequence[Page]) -> tuple[str, tuple[PageSpan, ...]]:
    whole = _hyphens_joiner("\n".join(page.text for page in pages))
    return _laid_out(replace(page, text=_clean(whole(page.text))) for page in pages)


def _laid_out(pages: Iterable[Page]) -> tuple[str, tuple[PageSpan, ...]]:
    texts: list[str] = []
    spans: list[PageSpan] = []
    start = 0
    for page in pages:
        texts.append(page.text)
        end = start + len(page.text)
        spans.append(PageSpan(number=page.number, start=start, end=end, confidence=page.confidence))
        start = end + len(BETWEEN_PAGES)
    return BETWEEN_PAGES.join(texts), tuple(spans)


def _clean(text: str) -> str:
    """Unify line ends, drop control characters and blank space that says nothing, compose."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(CONTROLS)
    text = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    return normalized(re.sub(r"\n{3,}", "\n\n", text).strip("\n"), form=NFC)


def _tidy_markdown(text: str) -> str:
    """Undo what a converter adds and a reader of a citation would stumble over."""
    text = IMAGE.sub(r"\1", text)
    text = TABLE_ROW.sub(lambda row: PADDING.sub(_one_of, row[0]), text)
    return ESCAPED.sub(r"\1", text)


def _one_of(run: re.Match[str]) -> str:
    return run[0][0] if run[0][0] == " " else "--"


def _hyphens_joiner(text: str) -> Callable[[str], str]:
    """Make whole again the words that a line end cut, if the document has them elsewhere."""
    words = frozenset(WORD.findall(CUT.sub(" ", text).lower()))

    def whole(cut: re.Match[str]) -> str:
        word = cut[1] + cut[2]
        return word if word.lower() in words else cut[0]

    return lambda page: CUT.sub(whole, page)


def _document(
    text: str,
    pages: tuple[PageSpan, ...],
    metadata: Mapping[str, Any],
    *,
    name: str,
    media_type: str,
    markdown: bool,
    notes: tuple[str, ...] = (),
    attachments: tuple[Attachment, ...] = (),
) -> ParsedDocument:
    # A mail may say nothing itself and bring a file.
    if not attachments and not any(c.isalnum() for c in text):
        raise media.empty(name)
    return ParsedDocument(
        text=text,
        pages=pages,
        title=_title(text, metadata, name, markdown=markdown),
        media_type=media_type,
        markdown=markdown,
        origin=Origin(
            authors=tuple(_one_line(a) for a in metadata.get("authors") or () if a.strip()),
            created_at=_moment(metadata.get("created_at")),
            modified_at=_moment(metadata.get("modified_at")),
        ),
        notes=notes,
        attachments=attachments,
    )


def _title(text: str, metadata: Mapping[str, Any], name: str, *, markdown: bool) -> str:
    heading = FIRST_HEADING.search(text[:20_000]) if markdown else None
    mail = metadata.get("subject") if metadata.get("format_type") == "email" else None
    return (
        _first_title((metadata.get("title"), mail, heading and heading[1])) or PurePath(name).stem
    )


def _first_title(candidates: Iterable[Any]) -> str:
    for candidate in candidates:
        title = _one_line(candidate) if isinstance(candidate, str) else ""
        if title and title.lower() not in NO_TITLE:
            return title
    return ""


def _one_line(text: str) -> str:
    return " ".join(_clean(text).split())[:300]


def _said(metadata: PdfMetadata | None) -> dict[str, Any]:
    if metadata is None:
        return {}
    return {
        "title": metadata.title,
        "authors": [metadata.author],
        "created_at": metadata.created_at,
        "modified_at": metadata.modified_at,
    }


def _moment(written: object) -> datetime | None:
    """Read a date in ISO 8601 or as mail writes it; a time without zone counts as UTC.

    Returns: in UTC; None for what is no date, or one that no file can have, which a database or a
    client may not hold.
    """
    found = _date(written)
    try:
        moment = None if found is None else found.astimezone(UTC)
    except OverflowError:
        return None
    return moment if moment and EARLIEST <= moment < LATEST else None


def _date(written: object) -> datetime | None:
    if isinstance(written, datetime):
        return written
    if not isinstance(written, str):
        return None
    for read in (datetime.fromisoformat, email.utils.parsedate_to_datetime):
        try:
            moment = read(written)
        except (ValueError, IndexError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None

"""How much one file may cost to read, and what is seen to before it is read."""

import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.core.errors import Invalid
from roadworthy.ingestion import media

MIB = 1024 * 1024
MOST_ENTRIES = 20_000  # files inside an Office file
# Office files are packed to a tenth or so; a repeated sheet reaches a fiftieth.
MOST_RATIO, SMALL = 200, 20 * MIB  # a file that unpacks to less may be packed as tightly as it is
ENTITY = re.compile(r"<!ENTITY\s", re.I)
HEAD = 65_536  # characters in which a document type is declared
DEEPEST = 1000  # elements in elements
MARKUP = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx")
MOST_PIXELS = 100_000_000  # of one picture
# Linear in any text: no run is given back (`*+`), and what is never closed goes to the end.
TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<(script|style)\b.*?(?:</\1|\Z)"
    r"|<(?P<closes>/?)(?P<name>[a-z][\w:.-]*+)[^<>]*+>",
    re.I | re.S,
)
ENDLESS = (  # elements of HTML that have no end, or whose readers do without
    " area base br col embed hr img input link meta param source track wbr li td th tr dt dd"
    " thead tbody tfoot colgroup body html head "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that one file may have; a file beyond is refused by itself, with the reason."""

    pages: int = 5_000
    scanned_pages: int = 200
    unpacked_bytes: int = 500 * MIB
    attachments: int = 50
    characters: int = 20_000_000  # of its text: 10,000 printed pages


def check_unpacked(content: bytes, limits: Limits, *, name: str) -> None:
    """Refuse a file that unpacks to far more than it has, before anything unpacks it.

    Raises:
        Invalid: it unpacks to too much, holds too many files, or its directory is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_sizes(entries, limits, name=name)
            for entry in entries:
                if entry.filename.lower().endswith(MARKUP) and ENTITY.search(
                    archive.open(entry).read(HEAD).decode("utf-8", "ignore")
                ):
                    raise _entities(name)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError) as error:
        raise media.broken(name) from error


def _check_sizes(entries: Sequence[zipfile.ZipInfo], limits: Limits, *, name: str) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if unpacked > limits.unpacked_bytes or (unpacked > SMALL and unpacked > MOST_RATIO * packed):
        raise _bomb(f"unpacks to {unpacked // MIB} MiB", limits, name=name, size_bytes=unpacked)
    if len(entries) > MOST_ENTRIES:
        raise _bomb(f"holds {len(entries)} files", limits, name=name, size_bytes=unpacked)


def check_markup(text: str, *, name: str) -> int:
    """Refuse markup that defines entities of its own, or nests without end.

    Returns: how deep it nests, about: an end that is left out counts.

    Raises:
        Invalid: it does.
    """
    if ENTITY.search(text[:HEAD]):
        raise _entities(name)
    deepest = nesting(text)
    if deepest > DEEPEST:
        raise Invalid(
            f"{name} nests {deepest} elements in each other, more than {DEEPEST}; save it in a "
            "simpler form",
            name=name,
            reason="too_deep",
        )
    return deepest


def nesting(text: str) -> int:
    """Tell how deep markup nests, about: an end that is left out counts; scripts do not."""
    depth = deepest = 0
    for tag in TAG.finditer(text):
        closes, name = tag.group("closes", "name")
        if not name or f" {name.lower()} " in ENDLESS or text.startswith("/>", tag.end() - 2):
            continue
        if closes:
            depth = max(depth - 1, 0)
        else:
            depth += 1
            deepest = max(deepest, depth)
    return deepest


def check_pages(pages: int, most: int, *, name: str, setting: str) -> None:
    """Refuse a document of too many pages.

    Raises:
        Invalid: it has more than `most`, which `setting` says.
    """
    if pages > most:
        raise Invalid(
            f"{name} has {pages} pages to read, more than {setting} ({most}); split it, or raise "
            "that setting",
            name=name,
            reason="too_many_pages",
            pages=pages,
        )


def check_length(text: str, limits: Limits, *, name: str) -> None:
    """Refuse a text too long to be cut and embedded as one document, however small its file.

    Raises:
        Invalid: it has more characters than `limits` allow.
    """
    if len(text) > limits.characters:
        raise Invalid(
            f"{name} holds {len(text):,} characters of text, more than {limits.characters:,}; "
            "split it, or clear empty columns and rows",
            name=name,
            reason="too_long",
            characters=len(text),
        )


def check_pixels(width: int, height: int, *, name: str) -> None:
    """Refuse a picture that takes gigabytes to draw.

    Raises:
        Invalid: it has more than MOST_PIXELS.
    """
    if width * height > MOST_PIXELS:
        raise Invalid(
            f"{name} has {width} x {height} pixels, more than {MOST_PIXELS // 1_000_000} million; "
            "scale it down",
            name=name,
            reason="too_large",
            pixels=width * height,
        )


def _entities(name: str) -> Invalid:
    return Invalid(
        f"{name} defines entities of its own (<!ENTITY>), which can grow without bound; save it "
        "without them",
        name=name,
        reason="entities",
    )


def _bomb(what: str, limits: Limits, *, name: str, size_bytes: int) -> Invalid:
    return Invalid(
        f"{name} {what}, more than a file of this size may (max_unpacked_mb is "
        f"{limits.unpacked_bytes // MIB}); split it, or save it without what is hidden in it",
        name=name,
        reason="unpacks_too_large",
        size_bytes=size_bytes,
    )

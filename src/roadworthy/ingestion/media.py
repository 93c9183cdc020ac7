"""Tell what a file is by its content; its name only chooses between kinds of text."""

import io
import re
import zipfile
from pathlib import PurePath

from kreuzberg import detect_mime_type

from roadworthy.core.errors import Invalid
from roadworthy.corpus.media_types import (
    BY_SUFFIX,
    DOC,
    DOCX,
    EML,
    EPUB,
    HTML,
    MSG,
    ODT,
    PDF,
    PICTURES,
    PPT,
    PPTX,
    RTF,
    TEXT,
    XLS,
    XLSX,
)
from roadworthy.ingestion.decode import decode

BINARY = frozenset({PDF, DOCX, PPTX, XLSX, DOC, PPT, XLS, MSG, ODT, EPUB, RTF})
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of Office 97 files and Outlook messages
# Names of streams inside that container; the first that is there decides.
OLE_STREAMS = (
    ("__substg1.0_", MSG),
    ("WordDocument", DOC),
    ("PowerPoint Document", PPT),
    ("Workbook", XLS),
    ("Book", XLS),
)
ENCRYPTED_MAIL = re.compile(
    r"^content-type:\s*(multipart/encrypted|application/(x-)?pkcs7-mime)", re.I | re.M
)
NUMBERS = bytes(range(9))  # control characters that no text has
NO_TEXT = frozenset({"application/zip", "image/svg+xml"})  # whatever their bytes look like


def media_type_of(content: bytes, *, name: str, claimed: str | None = None) -> str:
    """Name the kind of a file that can be read, judged by its bytes.

    Raises:
        Invalid: encrypted, unsupported, or damaged so that its kind can't be told.
    """
    by_name = BY_SUFFIX.get(PurePath(name).suffix.lower()) or claimed or TEXT
    if content.startswith(OLE):
        return _inside_ole(content, name)
    found = _sniff(content)
    if found in BINARY:
        if found == ODT:
            _refuse_encrypted_odf(content, name)
        return found
    # A text may begin like an image ("BMP signalling ..."), but an image soon has numbers.
    if found in PICTURES and any(byte in NUMBERS for byte in content[:32]):
        return found
    text = None if found in NO_TEXT else decode(content)
    if text is None:
        raise broken(name) if by_name in BINARY else unsupported(name, found)
    return _kind_of_text(text, name=name, by_name=by_name)


def _sniff(content: bytes) -> str:
    try:
        return detect_mime_type(content[:65_536] if content[:2] != b"PK" else content)
    except RuntimeError:  # what it raises when nothing matches
        return "application/octet-stream"


def _inside_ole(content: bytes, name: str) -> str:
    if _utf16("EncryptedPackage") in content or _utf16("application/pgp-encrypted") in content:
        raise encrypted(name)
    for stream, media_type in OLE_STREAMS:
        if _utf16(stream) in content:
            return media_type
    raise unsupported(name, "application/x-ole-storage")


def _refuse_encrypted_odf(content: bytes, name: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            manifest = archive.open("META-INF/manifest.xml").read(1_000_000)
    except (zipfile.BadZipFile, KeyError, NotImplementedError) as error:
        raise broken(name) from error
    if b"encryption-data" in manifest:
        raise encrypted(name)


def _kind_of_text(text: str, *, name: str, by_name: str) -> str:
    if by_name == EML:
        if ENCRYPTED_MAIL.search(text[:20_000]):
            raise encrypted(name)
        return EML
    if by_name in BINARY:  # named .pdf, say, but neither a PDF nor anything else we know
        raise broken(name)
    if by_name != TEXT:
        return by_name if by_name in BY_SUFFIX.values() else TEXT
    head = text[:1_000].lstrip("\ufeff \t\r\n").lower()
    return HTML if head.startswith(("<!doctype html", "<html")) else TEXT


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-le")


def broken(name: str) -> Invalid:
    """Say that a file is damaged."""
    return Invalid(
        f"{name} is damaged and can't be read; open it in its own program, save it again "
        "and upload that copy",
        name=name,
        reason="broken",
    )


def encrypted(name: str) -> Invalid:
    """Say that a file needs a password or a key."""
    return Invalid(
        f"{name} is protected by encryption; upload a copy without a password",
        name=name,
        reason="encrypted",
    )


def unsupported(name: str, found: str) -> Invalid:
    """Say that this kind of file is not read."""
    return Invalid(
        f"{name} holds {found}, which can't be read; convert it to PDF, DOCX, HTML or text",
        name=name,
        reason="unsupported",
        media_type=found,
    )


def empty(name: str) -> Invalid:
    """Say that a file opens, but has no text."""
    return Invalid(
        f"{name} has no text in it, written or in pictures; check that it is the right file",
        name=name,
        reason="empty",
    )

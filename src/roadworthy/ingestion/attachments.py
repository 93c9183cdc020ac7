"""Take the files out of a mail, to be read by themselves."""

import email
import hashlib
import mimetypes
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default
from io import BytesIO
from pathlib import PurePosixPath

import olefile

from roadworthy.ingestion import media
from roadworthy.ingestion.records import Attachment

UNKNOWN = "application/octet-stream"
LONGEST_NAME = 200
# Of an Outlook attachment: its content, its names, the best first.
CONTENT = "__substg1.0_37010102"
NAMES = ("__substg1.0_3707001F", "__substg1.0_3704001F", "__substg1.0_3001001F")
OLE_ATTACHMENT = "__attach_version1.0_"
DEEPEST = 4  # mails in mails
# What the standard library raises, beside what it documents, over headers that no one should send.
FAULTS = (LookupError, ValueError, TypeError, AttributeError, RecursionError, OSError)
MAILS = frozenset({media.EML, media.MSG})

Parts = tuple[tuple[Attachment, ...], tuple[str, ...]]


def attachments_of(content: bytes, *, media_type: str, most: int) -> Parts:
    """List the files attached to a mail, and notes on those that were left out.

    A forwarded mail is part of the text; its files are taken too. A mail that is attached as a
    file is one, and what is attached to it comes after it, named below it. The same content is
    given once. Pictures shown within the text of a mail, such as a logo, are not among them.

    Args:
        most: so many at most are taken.

    Source: RFC 2183; MS-OXMSG 2.2.2 (names of streams), MS-OXPROPS.
    """
    if media_type not in MAILS:
        return (), ()
    taken: dict[str, Attachment] = {}
    seen: set[bytes] = set()
    notes: list[str] = []
    try:
        for each in _in_mail(content, media_type, depth=0):
            if isinstance(each, str):
                notes.append(each)
            elif (digest := hashlib.sha256(each.content).digest()) not in seen:
                seen.add(digest)
                if len(seen) <= most:
                    name = _unused(each.name, taken)
                    taken[name] = replace(each, name=name)
    except FAULTS:
        notes.append("What is attached behind a damaged header could not be taken out.")
    if len(seen) > most:
        notes.append(f"{len(seen) - most} attachments beyond the first {most} were left out.")
    return tuple(taken.values()), tuple(notes)


def _in_mail(content: bytes, media_type: str, *, depth: int) -> Iterator[Attachment | str]:
    """Yield the files, each before those inside it, and sentences on what cannot be taken out."""
    for each in _in_eml(content) if media_type == media.EML else _in_msg(content):
        yield each
        inner = _mail_type(each) if isinstance(each, Attachment) else None
        if isinstance(each, str) or inner is None:
            continue
        if depth == DEEPEST:
            yield f"What is attached to {each.name} was left out: too many mails in mails."
            continue
        for below in _in_mail(each.content, inner, depth=depth + 1):
            yield (
                below
                if isinstance(below, str)
                else replace(below, name=f"{each.name}/{below.name}")
            )


def _mail_type(file: Attachment) -> str | None:
    by_name = media.BY_SUFFIX.get(PurePosixPath(file.name).suffix.lower())
    return next((each for each in (by_name, file.media_type) if each in MAILS), None)


def _in_eml(content: bytes) -> Iterator[Attachment]:
    for part in _attached(email.message_from_bytes(content, policy=default)):
        body = part.get_payload(decode=True)
        if isinstance(body, bytes) and body:
            media_type = part.get_content_type()
            name = _plain(_file_name(part) or _invented(media_type))
            yield Attachment(name=name, media_type=media_type, content=body)


def _attached(mail: EmailMessage) -> Iterator[EmailMessage]:
    """Walk the parts that are files: said to be, or named; those of forwarded mails, too."""
    for part in mail.iter_parts():
        if not isinstance(part, EmailMessage):
            continue
        forwarded = part.get_payload(0) if part.get_content_type() == media.EML else None
        if isinstance(forwarded, EmailMessage):
            yield from _attached(forwarded)
        elif part.get_content_maintype() == "multipart":
            yield from _attached(part)
        elif _is_file(part):
            yield part


def _is_file(part: EmailMessage) -> bool:
    if part.get_content_disposition() == "attachment":
        return True
    return bool(_file_name(part)) and "content-id" not in part


def _file_name(part: EmailMessage) -> str | None:
    try:
        return part.get_filename()
    except FAULTS:
        return None


def _in_msg(content: bytes) -> Iterator[Attachment | str]:
    with olefile.OleFileIO(BytesIO(content)) as ole:
        folders = sorted({path[0] for path in ole.listdir() if path[0].startswith(OLE_ATTACHMENT)})
        for folder in folders:
            if not ole.exists([folder, CONTENT]):  # a storage, which has no bytes of its own
                yield "A mail or object inside this Outlook message could not be taken out."
                continue
            body = ole.openstream([folder, CONTENT]).read()
            said = (
                ole.openstream([folder, name]).read().decode("utf-16-le", "replace")
                for name in NAMES
                if ole.exists([folder, name])
            )
            name = next((name for name in said if name.strip("\0 ")), "")
            if body:
                guessed, _ = mimetypes.guess_type(name)
                yield Attachment(name=_plain(name), media_type=guessed or UNKNOWN, content=body)


def _plain(name: str) -> str:
    """Keep a name within its mail: no folders, nothing that cannot be shown."""
    last = PurePosixPath(name.replace("\\", "/")).name
    shown = "".join(c for c in last if c.isprintable()).strip(" .")
    return shown[-LONGEST_NAME:] or "attachment"


def _invented(media_type: str) -> str:
    return "attachment" + (mimetypes.guess_extension(media_type) or "")


def _unused(name: str, taken: dict[str, Attachment]) -> str:
    if name not in taken:
        return name
    path = PurePosixPath(name)
    numbered = (f"{path.stem}-{n}{path.suffix}" for n in range(2, len(taken) + 3))
    return next(other for other in numbered if other not in taken)

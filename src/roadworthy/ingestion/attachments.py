"""Take the files out of a mail, to be read by themselves."""

import email
import hashlib
import mimetypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.policy import compat32, default
from functools import partial
from io import BytesIO
from pathlib import PurePosixPath

import olefile

from roadworthy.corpus import media_types
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
MAILS = frozenset({media_types.EML, media_types.MSG})

Parts = tuple[tuple[Attachment, ...], tuple[str, ...]]
Opened = tuple[bytes, Callable[[], str], str]  # its content, how it is named, its media type
LOST = "A mail or object inside this Outlook message could not be taken out."


def attachments_of(content: bytes, *, media_type: str, most: int) -> Parts:
    """List the files attached to a mail, and notes on those that were left out.

    A forwarded mail is part of the text; its files are taken too. A mail that is attached as a
    file is one, and what is attached to it comes after it, named below it. The same content is
    given once. Pictures shown within the text of a mail, such as a logo, are not among them.

    Args:
        most: so many at most are taken; those beyond are counted, not decoded nor looked into.

    Source: RFC 2183; MS-OXMSG 2.2.2 (names of streams), MS-OXPROPS.
    """
    if media_type not in MAILS:
        return (), ()
    found = _Found(most=most)
    try:
        _take(content, media_type, found)
    except FAULTS:
        found.notes["What is attached behind a damaged header could not be taken out."] = None
    if found.left_out:
        found.notes[f"{found.left_out} attachments beyond the first {most} were left out."] = None
    return tuple(found.taken.values()), tuple(found.notes)


@dataclass(slots=True, kw_only=True)
class _Found:
    """What was taken so far."""

    most: int
    taken: dict[str, Attachment] = field(default_factory=dict)
    seen: set[bytes] = field(default_factory=set)
    left_out: int = 0
    notes: dict[str, None] = field(default_factory=dict)  # each once, in their order


def _take(
    content: bytes, media_type: str, found: _Found, *, below: str = "", depth: int = 0
) -> None:
    """Take the files of a mail, each before those inside it."""
    for opened in _in_eml(content) if media_type == media_types.EML else _in_msg(content, found):
        if len(found.taken) == found.most:
            found.left_out += 1
            continue
        body, named, said_type = opened()
        digest = hashlib.sha256(body).digest()
        if not body or digest in found.seen:
            continue
        found.seen.add(digest)
        name = _unused(below + _plain(named()), found.taken)
        found.taken[name] = Attachment(name=name, media_type=said_type, content=body)
        inner = _mail_type(found.taken[name])
        if inner and depth == DEEPEST:
            note = f"What is attached to {name} was left out: too many mails in mails."
            found.notes[note] = None
        elif inner:
            _take(body, inner, found, below=f"{name}/", depth=depth + 1)


def _mail_type(file: Attachment) -> str | None:
    by_name = media_types.BY_SUFFIX.get(PurePosixPath(file.name).suffix.lower())
    return next((each for each in (by_name, file.media_type) if each in MAILS), None)


def _in_eml(content: bytes) -> Iterator[Callable[[], Opened]]:
    # A part tells its kind many times over, and by the other policy each is a thorough parse.
    for part in _attached(email.message_from_bytes(content, policy=compat32)):
        if part.get_payload():
            yield partial(_opened, part)


def _opened(part: Message) -> Opened:
    body = part.get_payload(decode=True)
    media_type = part.get_content_type()

    def named() -> str:
        part.policy = default  # which decodes a name
        return _file_name(part) or _invented(media_type)

    return body if isinstance(body, bytes) else b"", named, media_type


def _attached(mail: Message) -> Iterator[Message]:
    """Walk the parts that are files: said to be, or named; those of forwarded mails, too."""
    for part in _parts(mail):
        forwarded = _parts(part) if part.get_content_type() == media_types.EML else []
        if forwarded:
            yield from _attached(forwarded[0])
        elif part.get_content_maintype() == "multipart":
            yield from _attached(part)
        elif _is_file(part):
            yield part


def _parts(mail: Message) -> list[Message]:
    inside = mail.get_payload()
    return (
        [part for part in inside if isinstance(part, Message)] if isinstance(inside, list) else []
    )


def _is_file(part: Message) -> bool:
    if part.get_content_disposition() == "attachment":
        return True
    return bool(_file_name(part)) and "content-id" not in part


def _file_name(part: Message) -> str | None:
    try:
        return part.get_filename()
    except FAULTS:
        return None


def _in_msg(content: bytes, found: _Found) -> Iterator[Callable[[], Opened]]:
    with olefile.OleFileIO(BytesIO(content)) as ole:
        folders = sorted({path[0] for path in ole.listdir() if path[0].startswith(OLE_ATTACHMENT)})
        for folder in folders:
            if ole.exists([folder, CONTENT]):
                yield partial(_opened_stream, ole, folder)
            else:  # a storage, which has no bytes of its own
                found.notes[LOST] = None


def _opened_stream(ole: olefile.OleFileIO, folder: str) -> Opened:
    said = (
        ole.openstream([folder, name]).read().decode("utf-16-le", "replace")
        for name in NAMES
        if ole.exists([folder, name])
    )
    name = next((name for name in said if name.strip("\0 ")), "")
    media_type, _ = mimetypes.guess_type(name)
    return ole.openstream([folder, CONTENT]).read(), lambda: name, media_type or UNKNOWN


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

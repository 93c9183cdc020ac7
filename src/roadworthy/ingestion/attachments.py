"""Take the files out of a mail, to be read by themselves."""

import email
import mimetypes
from collections.abc import Iterator
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

Parts = tuple[tuple[Attachment, ...], tuple[str, ...]]


def attachments_of(content: bytes, *, media_type: str, most: int) -> Parts:
    """List the files attached to a mail, and notes on those that were left out.

    Pictures shown within the text of a mail, such as a logo, are not among them.

    Args:
        most: so many at most are taken.

    Source: RFC 2183; MS-OXMSG 2.2.2 (names of streams), MS-OXPROPS.
    """
    if media_type == media.EML:
        found = _in_eml(content)
    elif media_type == media.MSG:
        found = _in_msg(content)
    else:
        return (), ()
    taken: dict[str, Attachment] = {}
    left_out = 0
    for each in found:
        if len(taken) < most:
            name = _unused(each.name, taken)
            taken[name] = Attachment(name=name, media_type=each.media_type, content=each.content)
        else:
            left_out += 1
    notes = (f"{left_out} attachments beyond the first {most} were left out.",) if left_out else ()
    return tuple(taken.values()), notes


def _in_eml(content: bytes) -> Iterator[Attachment]:
    mail = email.message_from_bytes(content, policy=default)
    for part in _attached(mail):
        body = _bytes_of(part)
        if body:
            name = _file_name(part) or _invented(part.get_content_type())
            yield Attachment(name=_plain(name), media_type=part.get_content_type(), content=body)


def _attached(mail: EmailMessage) -> Iterator[EmailMessage]:
    """Walk the parts that are files: said to be, named, or a mail inside the mail."""
    for part in mail.iter_parts():
        if not isinstance(part, EmailMessage):
            continue
        if part.get_content_type() == media.EML:
            yield part
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
    except (LookupError, ValueError, TypeError, AttributeError):  # a header that cannot be decoded
        return None


def _bytes_of(part: EmailMessage) -> bytes:
    inner = part.get_payload(0) if part.get_content_type() == media.EML else None
    if isinstance(inner, EmailMessage):
        return inner.as_bytes(policy=default.clone(max_line_length=0))
    body = part.get_payload(decode=True)
    return body if isinstance(body, bytes) else b""


def _in_msg(content: bytes) -> Iterator[Attachment]:
    with olefile.OleFileIO(BytesIO(content)) as ole:
        folders = sorted({path[0] for path in ole.listdir() if path[0].startswith(OLE_ATTACHMENT)})
        for folder in folders:
            if not ole.exists([folder, CONTENT]):
                continue  # a mail inside the mail is a storage, which has no bytes of its own
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
    if media_type == media.EML:
        return "message.eml"
    return "attachment" + (mimetypes.guess_extension(media_type) or "")


def _unused(name: str, taken: dict[str, Attachment]) -> str:
    if name not in taken:
        return name
    path = PurePosixPath(name)
    numbered = (f"{path.stem}-{n}{path.suffix}" for n in range(2, len(taken) + 3))
    return next(other for other in numbered if other not in taken)

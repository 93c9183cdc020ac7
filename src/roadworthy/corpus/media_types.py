"""The kinds of files that can be read, and by which ending each goes."""

import re

from roadworthy.core.errors import Invalid

OFFICE = "application/vnd.openxmlformats-officedocument"
PDF, DOCX, PPTX, XLSX = (
    "application/pdf",
    f"{OFFICE}.wordprocessingml.document",
    f"{OFFICE}.presentationml.presentation",
    f"{OFFICE}.spreadsheetml.sheet",
)
DOC, PPT, XLS = "application/msword", "application/vnd.ms-powerpoint", "application/vnd.ms-excel"
MSG, EML = "application/vnd.ms-outlook", "message/rfc822"
ODT, EPUB, RTF = (
    "application/vnd.oasis.opendocument.text",
    "application/epub+zip",
    "application/rtf",
)
HTML, XML, MARKDOWN, TEXT, CSV, TSV = (
    "text/html",
    "application/xml",
    "text/markdown",
    "text/plain",
    "text/csv",
    "text/tab-separated-values",
)
PICTURES = frozenset(f"image/{kind}" for kind in ("png", "jpeg", "tiff", "bmp", "gif", "webp"))
BY_SUFFIX = {
    ".pdf": PDF,
    ".docx": DOCX,
    ".pptx": PPTX,
    ".xlsx": XLSX,
    ".doc": DOC,
    ".ppt": PPT,
    ".xls": XLS,
    ".msg": MSG,
    ".eml": EML,
    ".odt": ODT,
    ".epub": EPUB,
    ".rtf": RTF,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".csv": CSV,
    ".tsv": TSV,
    ".xml": XML,
    ".rst": "text/x-rst",
    ".org": "text/x-org",
}
# What a person may call them: by their ending, without the dot.
BY_NAME = {
    **{suffix.removeprefix("."): media_type for suffix, media_type in BY_SUFFIX.items()},
    **{media_type.removeprefix("image/"): media_type for media_type in PICTURES},
    "txt": TEXT,
    "jpg": "image/jpeg",
    "tif": "image/tiff",
}
_WRITTEN = re.compile(r"[\w.+-]+/[\w.+-]+")
LONGEST = 100


def check_media_type(told: str) -> str:
    """Read a kind of files that somebody names: an ending (PDF, .docx) or a media type.

    Raises:
        Invalid: it is neither; the sentence says what to write.
    """
    name = told.lower().removeprefix(".")
    if name in BY_NAME:
        return BY_NAME[name]
    if len(name) <= LONGEST and _WRITTEN.fullmatch(name):
        return name
    raise Invalid(
        f"There is no type {told[:40]!r}; write one of {', '.join(sorted(BY_NAME))}, or a media "
        "type such as text/html."
    )

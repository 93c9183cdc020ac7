"""The kinds of files that can be read, and by which ending each goes."""

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

"""Make a web page ready for a parser, which is less patient than a browser."""

import html
import re
from typing import Any

from roadworthy.ingestion.limits import nesting

DEEPEST_USUAL = 25  # beyond, a page leaves out the ends, so that each element is within the last
# Linear in any page: no run is given back (`+` after a repetition).
HEAD, HEAD_END = re.compile(r"<head\b", re.I), re.compile(r"</head\s*+>", re.I)
TITLE, TITLE_END = re.compile(r"<title\b[^<>]*+>", re.I), re.compile(r"</title", re.I)
LOOK = re.compile(
    r"</?(?:font|span|b|i|u|s|em|strong|strike|tt|big|small|center)\b"
    r"""(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>""",
    re.I,
)
UNENDED = re.compile(r"<(p|option)\b", re.I)


def prepared(page: str) -> tuple[str, dict[str, Any]]:
    """Make a page ready for the parser: without its head, which would end up in the text.

    Where a page leaves out ends, they are added: the parser takes each element to lie within the
    one before, and leaves out what lies deep.

    Returns: what is left, and the title that the head says.
    """
    title, body = None, page
    if found := _between(page[:200_000], TITLE, TITLE_END):
        begin, end = found
        title = html.unescape(page[begin.end() : end.start()])
    if found := _between(page, HEAD, HEAD_END):
        begin, end = found
        body = page[: begin.start()] + page[end.end() :]
    if nesting(body) > DEEPEST_USUAL:
        body = UNENDED.sub(r"</\1>\g<0>", LOOK.sub("", body))
    return body, {"title": title}


def _between(
    page: str, begins: re.Pattern[str], ends: re.Pattern[str]
) -> tuple[re.Match[str], re.Match[str]] | None:
    begin = begins.search(page)
    end = begin and ends.search(page, begin.end())
    return (begin, end) if begin and end else None

"""Find addresses that a reader, or the program that shows a text to him, could be led to.

What Markdown or HTML takes for a destination is read up to where these end it, whatever it looks
like; elsewhere an address is what programs make one of.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import unescape

from roadworthy.detectors.leaks import squeezed

# A browser completes //host, /\host and https:host. Behind a scheme stands something.
WEB = r"(?:https?|ftp|wss?|file|blob|data|javascript|vbscript|mailto):(?=\S)|//"
LEADS_OUT = re.compile(WEB, re.IGNORECASE)
# Programs that a click starts; in code any word may stand before a colon.
APPS = r"(?:tel|sms|callto|skype|facetime|intent|slack|tg|whatsapp|zoommtg|ms-[a-z-]{2,20}):(?=\S)"
LEADS_OUT_BY_CLICK = re.compile(rf"{WEB}|{APPS}|[a-z][a-z0-9+.-]{{1,31}}:[/\\]", re.IGNORECASE)
# Written openly, with a scheme, or as a browser completes it; what begins with // needs a dot.
OPENLY = (
    r"(?:https?:[/\\]|(?<![\w/:])(?:[a-z][a-z0-9+.-]{0,20}://"
    r"|//(?=(?:[^\s/@]{1,64}@)?[\w-]{1,63}[.。．｡])|www\.))"
    r"(?=[/\\]{0,9}[^\s<>\"'`)\]},;|/\\][^\s<>])"
    r"|(?<!\w)(?:data|javascript|vbscript|mailto):(?=[^\s<>\"'`)]{2})"
)
BEGINS = re.compile(OPENLY, re.IGNORECASE)
# The first letters by themselves: most words begin with none of them, and are passed over.
ATTRIBUTES = (
    "(?=[abcdhlmpsu])"
    "(?:src(?:set)?|href|poster|data|action|background|cite|ping|longdesc|manifest|codebase|url|content)"
)
TOKEN = re.compile(
    r"\\[\\\[\]!]"  # not meant as Markdown
    r"|(?P<label>!?\[)"
    r"|\](?P<behind>(?:\(|:)\s*+<?)?"
    rf"|(?P<name>{ATTRIBUTES})\s*+=\s*+(?P<quote>[\"']?)"
    r"|(?P<css>url\(|@import)\s*+(?P<css_quote>[\"']?)"
    r"|<(?=[a-z][a-z0-9+.-]{1,31}:[^\x00-\x20<>]*+>)"
    rf"|(?P<openly>{OPENLY})(?=[^\x00-\x20<>\]]|\](?!\())",
    re.IGNORECASE,
)
HINT = re.compile(
    r"\][(:]|=|//|:[/\\]|www\.|[a-z]:\S|url\(|@import|&[#a-z]", re.IGNORECASE
)  # without one there is no address
TAG = re.compile(r"<(?!(?:a|area)\b)[a-z]", re.IGNORECASE)  # what its host is asked for at once
WORD = re.compile(r"\S+")
MAY_LEAD_OUT = re.compile(r"[:&\\]|//")
DROPPED = re.compile(r"[\t\r\n]")  # by browsers, wherever it stands
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
NOT_SENT = re.compile(r"(?:https?:)?[/\\]*", re.IGNORECASE)
BEHIND_HOST = re.compile(r"[/\\?#]")
TRAILING = ".,;:!?*_~'\"`^|}»”’"
QUOTES = "\"'`"
DESTINATION = re.compile(r"\]\(")
DOUBTFUL = re.compile(r"[\"'`\\^{}|]|\]\(")  # may end an address that a document shows
HOST = re.compile(r"(?<![\w-])[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,10}")
NO_CHARACTER = re.compile(r"&#0*+[0-9]{8,};?")
ZEROS = re.compile(r"(?<=&#)0{8,}+(?=[0-9])")
PERSON = re.compile(r"(?:mailto|tel):([^?]+)", re.IGNORECASE)
BEFORE_DEFINITION = " \t>*+-.)0123456789"  # on its line
LOOKED_BACK = 320  # characters before an address
LONGEST_LIST = 2_000  # characters of a srcset
LOOKED_AT = 240  # characters of a destination: enough to tell whether it leads out

# What ends a destination, by what it begins with. Blanks are those of ASCII: others are sent.
ENDS = {
    "<": re.compile(r"[<>\n]"),
    '"': re.compile(r'"'),
    "'": re.compile(r"'"),
    "(": re.compile(r"[\x00-\x20\x7f()]"),
    ":": re.compile(r"[\x00-\x20\x7f]"),
    "url(": re.compile(r"[\x00-\x20)]"),
    "": re.compile(r"[\t\n\f\r >]"),
    "openly": re.compile(r"[\x00-\x20<>]"),
}
ENDED_WITH_THE_TEXT = ("", ":", "openly")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address in a text."""

    start: int
    end: int
    address: str
    is_picture: bool
    is_open: bool = False  # the text ends before it does

    @property
    def exact(self) -> str:
        """Give it as it is asked for, without http: the host alone in small letters."""
        rest = NOT_SENT.sub("", self.address, count=1)
        behind = BEHIND_HOST.search(rest)
        end = behind.start() if behind else len(rest)
        return rest[:end].lower() + rest[end:]

    @property
    def plain(self) -> str:
        """Give it without www. and a slash at its end."""
        return self.exact.removeprefix("www.").removesuffix("/")

    @property
    def host(self) -> str:
        """Give the host alone."""
        return BEHIND_HOST.split(self.plain, maxsplit=1)[0]

    @property
    def carries_data(self) -> bool:
        """Say whether there is room in it for words: a query, a fragment, a user."""
        return any(mark in self.address for mark in "?#@")


def links(text: str) -> Iterator[Link]:
    """Find all: first those that are written openly, in order."""
    if not HINT.search(text):
        return
    yield from _Reader(text).links()
    if "&" in text:
        yield from _encoded(text)


@dataclass(kw_only=True)
class _Labels:
    """The brackets that are open: where they stand, and whether a picture begins there."""

    opened: list[tuple[int, bool]] = field(default_factory=list)
    pictures: int = 0

    def open(self, label: re.Match[str]) -> None:
        is_picture = label[0] == "!["
        self.opened.append((label.end(), is_picture))
        self.pictures += is_picture

    def close(self) -> tuple[int, bool]:
        """Give where the label begins, and whether it may be a picture's; -1: cannot be seen."""
        if not self.opened:
            return -1, True
        at, is_picture = self.opened.pop()
        may_be = self.pictures > 0
        self.pictures -= is_picture
        return at, may_be


class _Reader:
    """Reads a text from its beginning to its end, once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._labels = _Labels()
        self._at = 0
        self._met = dict[re.Pattern[str], int]()  # where each is found next
        self._run_end, self._last_sign = 0, -1  # of what a blank ends; its last @ or backslash
        self._listed_to = self._cut_at = 0  # where lists end; the last one, if it is too long

    def links(self) -> Iterator[Link]:
        while token := TOKEN.search(self._text, self._at):
            self._at = token.end()
            if token["label"]:
                self._labels.open(token)
            elif token["openly"]:
                yield self._openly(token)
            elif token[0][0] == "]":
                yield from self._behind_label(token)
            elif token["name"]:
                yield from self._attribute(token)
            elif token["css"]:
                opened_by = token["css_quote"] or "url("
                yield from self._destination(opened_by, LEADS_OUT, is_picture=self._is_shown(token))
            elif token[0] == "<":
                yield from self._destination("<", LEADS_OUT, is_picture=False)

    def _openly(self, token: re.Match[str]) -> Link:
        """Read an address up to a blank, or to the end of the label that it is."""
        end = self._next(ENDS["openly"], token.end())
        self._at = self._end_of_label(token.end(), end)
        if self._at < 0:
            self._at = self._end_of_quoted(token.start(), end)
        address = _trimmed(self._text[token.start() : self._at])
        return Link(
            start=token.start(),
            end=token.start() + len(address),
            address=_resolved(address),
            is_picture=False,
        )

    def _end_of_quoted(self, start: int, end: int) -> int:
        """End an address at the quote that closes the one before it, as in code.

        Not where a host could still follow: programs that take quotes for a part of an address take
        all before an @ for a name.
        """
        quote = self._text[start - 1 : start]
        closing = self._text.find(quote, start, end) if quote and quote in QUOTES else -1
        if closing < 0:
            return end
        if end != self._run_end:
            self._run_end = end
            self._last_sign = max(self._text.rfind(sign, start, end) for sign in "@\\")
        return end if self._last_sign >= closing else closing

    def _end_of_label(self, start: int, end: int) -> int:
        """Find where a link follows, rather than more of the address; -1: nowhere."""
        at = self._next(DESTINATION, start) if self._labels.opened else end
        if at >= end or not _leads_out(self._raw("(", at + len("](")), LEADS_OUT_BY_CLICK):
            return -1
        return at

    def _behind_label(self, token: re.Match[str]) -> Iterator[Link]:
        label, is_picture = self._labels.close()
        behind = token["behind"] or ""
        opened_by = "<" if behind.endswith("<") else behind[:1]
        if behind.startswith("("):
            yield from self._destination(opened_by, LEADS_OUT_BY_CLICK, is_picture=is_picture)
        elif behind and self._is_definition(label):
            # A picture may refer to it anywhere.
            yield from self._destination(opened_by, LEADS_OUT_BY_CLICK, is_picture=True)

    def _is_definition(self, label: int) -> bool:
        """Tell whether a label begins its line; footnotes hold sentences."""
        if label < 0:
            return True
        line = self._text[max(0, label - LOOKED_BACK) : label - 1].rpartition("\n")[2]
        return not line.strip(BEFORE_DEFINITION) and self._text[label] != "^"

    def _attribute(self, token: re.Match[str]) -> Iterator[Link]:
        name = token["name"].lower()
        if name == "srcset":
            yield from self._candidates(token["quote"], is_picture=self._is_shown(token))
        elif token["quote"] or self._is_in_tag(token) or not BEGINS.match(self._text, self._at):
            leading = LEADS_OUT_BY_CLICK if name == "href" else LEADS_OUT
            yield from self._destination(token["quote"], leading, is_picture=self._is_shown(token))

    def _candidates(self, quote: str, *, is_picture: bool) -> Iterator[Link]:
        """Take several addresses for one; what stands in them is looked at by itself, too.

        But not another list that ends with this one, or begins in one that is too long.
        """
        closes = self._next(ENDS[quote], self._at)
        end = min(closes, self._at + LONGEST_LIST)
        is_looked_at = end <= self._listed_to or self._at < self._cut_at
        if is_looked_at or self._next(MAY_LEAD_OUT, self._at) >= end:
            return
        self._listed_to = end
        self._cut_at = end if end < closes else 0
        yield Link(
            start=self._at,
            end=end,
            address=_resolved(self._text[self._at : end]),
            is_picture=is_picture,
            is_open=end < closes or not self._text.startswith(quote, end),
        )

    def _is_in_tag(self, token: re.Match[str]) -> bool:
        before = self._text[max(0, token.start() - LOOKED_BACK) : token.start()]
        return before.rfind("<") > before.rfind(">")

    def _is_shown(self, token: re.Match[str]) -> bool:
        before = self._text[max(0, token.start() - LOOKED_BACK) : token.start()]
        tag = before.rfind("<")
        return tag >= 0 and TAG.match(before, tag) is not None

    def _destination(
        self, opened_by: str, leading: re.Pattern[str], *, is_picture: bool
    ) -> Iterator[Link]:
        """Read a destination, unless it stays where the reader is; then look at all within."""
        start = self._at
        if not _leads_out(self._raw(opened_by, start), leading):
            return
        self._at, is_open = self._end(opened_by, start)
        yield Link(
            start=start,
            end=self._at,
            address=_resolved(self._text[start : self._at]),
            is_picture=is_picture,
            is_open=is_open,
        )

    def _next(self, pattern: re.Pattern[str], start: int) -> int:
        """Find where a pattern matches next, else the end; what lies between is read once."""
        if self._met.get(pattern, -1) < start:
            found = pattern.search(self._text, start)
            self._met[pattern] = found.start() if found else len(self._text)
        return self._met[pattern]

    def _raw(self, opened_by: str, start: int) -> str:
        raw = self._text[start : start + LOOKED_AT]
        return ENDS[opened_by].split(raw, maxsplit=1)[0]

    def _end(self, opened_by: str, start: int) -> tuple[int, bool]:
        """Find the end of a destination; it is open if the text ends first."""
        depth = 0  # of round brackets in it
        for end in ENDS[opened_by].finditer(self._text, start):
            if opened_by == "(" and end[0] == "(":
                depth += 1
            elif opened_by == "(" and end[0] == ")" and depth:
                depth -= 1
            else:
                return end.start(), False
        return len(self._text), opened_by not in ENDED_WITH_THE_TEXT


def _leads_out(raw: str, leading: re.Pattern[str]) -> bool:
    """Tell whether a browser leaves the page, by what Markdown or HTML makes of the beginning."""
    seen = DROPPED.sub("", _resolved(raw)).lstrip("".join(map(chr, range(33))))
    if len(raw) == LOOKED_AT and len(seen) < LOOKED_AT // 2:
        return True  # most of it hides what it is
    readings = (seen, ESCAPED.sub(r"\1", seen))
    return any(leading.match(each.replace("\\", "/")) for each in readings)


def _resolved(text: str) -> str:
    """Resolve character references; Python refuses to read a number of thousands of digits."""
    return unescape(ZEROS.sub("", NO_CHARACTER.sub("\ufffd", text))) if "&" in text else text


def _encoded(text: str) -> Iterator[Link]:
    """Find what becomes an address when character references in a word are resolved."""
    for word in WORD.finditer(text):
        decoded = _resolved(word[0])
        if decoded != word[0] and _beginnings(decoded) > _beginnings(word[0]):
            begin = BEGINS.search(decoded)
            address = _trimmed(decoded[begin.start() :]) if begin else ""
            yield Link(start=word.start(), end=word.end(), address=address, is_picture=False)


def _beginnings(word: str) -> int:
    return sum(1 for _ in BEGINS.finditer(word))


class Known:
    """The addresses of some texts, and what may be said by having read them."""

    def __init__(self, text: str) -> None:
        self._text = text

    def allows(self, link: Link) -> bool:
        """Tell whether it leads where the texts lead, and nowhere else.

        That is an address of theirs, a page above one, or the first page of a host that they name.
        A picture is asked for without a click, so it must be theirs, and have no room for data.
        """
        if link.is_open or link.is_picture:
            return not link.is_open and link.exact in self._exact and not link.carries_data
        if link.plain in self._addresses:
            return True
        if person := PERSON.fullmatch(link.address):
            return squeezed(person[1]) in self._squeezed
        return not link.carries_data and self._leads_to(link)

    def _leads_to(self, link: Link) -> bool:
        if link.plain == link.host:
            return link.host in self._hosts
        below = link.plain + "/"
        at = bisect_left(self._in_order, below)
        return at < len(self._in_order) and self._in_order[at].startswith(below)

    @cached_property
    def _links(self) -> list[Link]:
        return [form for link in links(self._text) for form in (link, _shortened(link))]

    @cached_property
    def _exact(self) -> frozenset[str]:
        return frozenset(link.exact for link in self._links)

    @cached_property
    def _addresses(self) -> frozenset[str]:
        return frozenset(link.plain for link in self._links)

    @cached_property
    def _in_order(self) -> list[str]:
        return sorted(self._addresses)

    @cached_property
    def _squeezed(self) -> str:
        return squeezed(self._text)

    @cached_property
    def _hosts(self) -> frozenset[str]:
        return frozenset(host.removeprefix("www.") for host in HOST.findall(self._text.lower()))


def _shortened(link: Link) -> Link:
    """Leave out what may stand behind it: a document says where it leads in many ways."""
    return replace(link, address=_trimmed(DOUBTFUL.split(link.address, maxsplit=1)[0]))


def _trimmed(address: str) -> str:
    """Leave out what closes a sentence or a bracket around it."""
    unopened = {")": address.count(")") - address.count("("),
                "]": address.count("]") - address.count("[")}  # fmt: skip
    end = len(address)
    while end:
        last = address[end - 1]
        if last not in TRAILING and not last.isspace() and unopened.get(last, 0) <= 0:
            break
        if last in unopened:
            unopened[last] -= 1
        end -= 1
    return address[:end]

"""Find addresses that a reader, or the program that shows a text to him, could be led to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

# With a scheme, or as a browser completes it; what begins with // needs a host with a dot.
ADDRESS = re.compile(
    r"(?:https?:[/\\]{1,3}|(?<![\w/:])(?:[a-z][a-z0-9+.-]{0,20}://|//(?=[\w-]{1,63}\.)|www\.))"
    r"[^\s<>\"'`\\^{}|]{2,2000}"
    r"|(?<!\w)(?:data|javascript|vbscript):[^\s<>\"'`)]{2,2000}",
    re.IGNORECASE,
)
# What shows a picture asks its host at once, before anybody has clicked.
PICTURE = re.compile(
    r"(?:!\[[^\]\n]{0,300}\]\(\s{0,3}<?|<(?:img|iframe|image)\b[^<>]{0,300}=[\"']?)$", re.IGNORECASE
)
HINT = re.compile(r"//|:[/\\]|www\.|data:|script:", re.IGNORECASE)
TRAILING = ".,;:!?*_~'\"»”’"
HOST = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,10}")
OPENS_PICTURE = 320  # characters before an address that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address in a text."""

    start: int
    end: int
    address: str
    is_picture: bool

    @property
    def plain(self) -> str:
        """Give it without scheme, www. and a slash at its end, in small letters."""
        _, _, rest = self.address.lower().rpartition("//")
        return rest.removeprefix("www.").rstrip("/")

    @property
    def host(self) -> str:
        """Give the host alone."""
        return re.split(r"[/?#]", self.plain, maxsplit=1)[0]

    @property
    def carries_data(self) -> bool:
        """Say whether there is room in it for words: a query, a fragment, a user."""
        return any(mark in self.address for mark in "?#@")


def links(text: str) -> Iterator[Link]:
    """Find all, in order."""
    if not HINT.search(text):
        return
    for found in ADDRESS.finditer(text):
        address = _trimmed(found[0])
        before = text[max(0, found.start() - OPENS_PICTURE) : found.start()]
        yield Link(
            start=found.start(),
            end=found.start() + len(address),
            address=address,
            is_picture=bool(PICTURE.search(before)),
        )


class Known:
    """The addresses of some texts, and what may be said by having read them."""

    def __init__(self, text: str) -> None:
        self._text = text

    def allows(self, link: Link) -> bool:
        """Tell whether it leads where the texts lead, and nowhere else.

        That is an address of theirs, a page above one, or the first page of a host that they name.
        A picture is asked for without a click, so it must be theirs, and have no room for data.
        """
        if link.is_picture:
            return link.plain in self._addresses and not link.carries_data
        if link.plain in self._addresses:
            return True
        if link.carries_data:
            return False
        if link.plain == link.host:
            return link.host in self._hosts
        return any(each.startswith(link.plain + "/") for each in self._addresses)

    @cached_property
    def _addresses(self) -> frozenset[str]:
        return frozenset(link.plain for link in links(self._text))

    @cached_property
    def _hosts(self) -> frozenset[str]:
        return frozenset(host.removeprefix("www.") for host in HOST.findall(self._text.lower()))


def _trimmed(address: str) -> str:
    """Leave out what closes a sentence or a bracket around it."""
    while address:
        last = address[-1]
        if (
            last in TRAILING
            or (last == ")" and address.count(")") > address.count("("))
            or (last == "]" and address.count("]") > address.count("["))
        ):
            address = address[:-1]
        else:
            break
    return address

"""Unicode's normal forms, in time proportional to the text."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Final, Literal

Form = Literal["NFC", "NFKC"]
NFC: Final = "NFC"
NFKC: Final = "NFKC"
# Marks and what may become some (among other signs), more of them than any language piles up.
# Source: UAX #15, section 13, Stream-Safe Text Format.
_PILED_UP = re.compile(r"(?:[^\w\s\x00-\x7f]|[\uff9e\uff9f]){31,}")


def normalized(text: str, *, form: Form = NFKC) -> str:
    """Give what `unicodedata.normalize` does, also of thousands of marks on one letter.

    That moves each mark past all before it that belong behind it: 100,000 in disorder take 8 s. So
    they are put in order here, which changes nothing about what comes of it.
    """
    return unicodedata.normalize(form, _PILED_UP.sub(lambda run: _in_order(run[0], form), text))


def _in_order(run: str, form: Form) -> str:
    apart = (unicodedata.normalize("NFKD" if form == NFKC else "NFD", sign) for sign in run)
    return "".join(_sorted("".join(apart)))


def _sorted(signs: str) -> Iterator[str]:
    for _, some in groupby(signs, key=lambda sign: unicodedata.combining(sign) > 0):
        yield from sorted(some, key=unicodedata.combining)

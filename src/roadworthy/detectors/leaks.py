"""Find words of a prompt in what a model wrote."""

import re

RUN = 8  # words in a row that nobody writes by chance
WORD = re.compile(r"\w+")
NO_LETTER = re.compile(r"[\W_]+")

Runs = frozenset[tuple[str, ...]]


def runs(text: str) -> Runs:
    """Give every run of RUN words of a text, whatever stands between them."""
    words = WORD.findall(text.casefold())
    return frozenset(zip(*(words[at:] for at in range(RUN)), strict=False))


def squeezed(text: str) -> str:
    """Leave letters and digits alone, so that blanks and marks between them hide nothing."""
    return NO_LETTER.sub("", text).casefold()

"""The agreed words by which a model says that the passages do not hold the answer."""

import re

NOT_THERE = "NOT IN THE DOCUMENTS"
# What models put around the refusal: quotes, stars, a mark; no more than so many characters.
LONGEST_AROUND = 200
AROUND = re.compile(r"^(?:\[[\d\s,;]*\]?|[^\w\[])+")


def is_refusal(text: str) -> bool:
    """Tell whether a text begins by saying so."""
    return _bare(text).startswith(NOT_THERE)


def may_become_refusal(beginning: str) -> bool:
    """Tell whether it can still turn out to be one, when more of it is known."""
    bare = _bare(beginning)[: len(NOT_THERE)]
    return NOT_THERE.startswith(bare) and (bare != "" or len(beginning) <= LONGEST_AROUND)


def _bare(beginning: str) -> str:
    return AROUND.sub("", beginning[: LONGEST_AROUND + len(NOT_THERE)]).upper()

"""What a classifier says of a text, and what the text is known by."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a head of a classifier says of one text."""

    value: float  # from 0 to 1
    threshold: float  # from which on it counts
    version: str  # that both are of
    is_whole: bool = True  # the text was read to its end; else the value says little of it


def digest_of(text: str) -> bytes:
    """Give what a text is known by where the text itself is not kept."""
    return hashlib.sha256(text.encode(errors="replace")).digest()

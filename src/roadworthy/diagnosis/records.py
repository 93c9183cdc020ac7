"""What a check found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. Invariant: what is not ok has a mend."""

    name: str
    ok: bool
    sentence: str  # what was found
    mend: str = ""  # what to do about it


def fine(name: str, sentence: str) -> Check:
    """Report what is as it should be."""
    return Check(name=name, ok=True, sentence=sentence)


def wrong(name: str, sentence: str, mend: str) -> Check:
    """Report what is not, and what to do."""
    return Check(name=name, ok=False, sentence=sentence, mend=mend)

"""Rules: ways to write something, looked for only where one of their words stands."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# Characters that are looked at in one go, and how far beyond them what begins there may end: no
# rule is longer. While one regular expression looks, nothing else is done in the whole process.
STRETCH, LONGEST_MATCH = 4_000, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Some ways to write one thing."""

    name: str
    triggers: Sequence[str]  # in small letters; without one of them the pattern can't match
    pattern: re.Pattern[str]


def rule(name: str, triggers: str | Sequence[str], *parts: str) -> Rule:
    """Make a rule of patterns, any of which may match; triggers in one text are parted by blanks.

    Patterns go over no line end where they skip words, and skip a bounded number of characters:
    no text takes longer than its length allows.
    """
    listed = triggers.split() if isinstance(triggers, str) else triggers
    pattern = re.compile("|".join(parts), re.IGNORECASE | re.MULTILINE)
    return Rule(name=name, triggers=tuple(listed), pattern=pattern)


def named(text: str, rules: Iterable[Rule]) -> Iterator[str]:
    """Yield, for each run that matches, the name of its rule."""
    small = text.lower()
    for each in rules:
        if any(trigger in small for trigger in each.triggers):
            yield from (each.name for _ in matches(each.pattern, text))


def matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield what `finditer` does of a pattern that matches no more than LONGEST_MATCH."""
    at = 0
    for end in range(STRETCH, len(text) + STRETCH, STRETCH):
        for found in pattern.finditer(text, max(at, end - STRETCH), end + LONGEST_MATCH):
            if found.start() >= end:
                break
            at = found.end()
            yield found

"""Tell hits that say something from those that only say again what better ones say."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.core.sentences import sentences
from roadworthy.retrieval.search import Hit


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Hits that hold the same text below the same headings; best first, blanks aside."""

    best: Hit
    copies: Sequence[Hit]


def alike(found: Sequence[Hit]) -> list[Alike]:
    """Put hits of the same text together, where the best of them stands.

    Likeness is no measure: two versions of a rule are alike but for the number that is asked for.
    """
    texts: dict[tuple[str, str], list[Hit]] = {}
    for hit in found:
        texts.setdefault((hit.heading, _plain(hit.text)), []).append(hit)
    return [Alike(best=best, copies=copies) for best, *copies in texts.values()]


class Said:
    """What was read so far: each sentence, below its headings, in documents of its title.

    Of another title it says nothing: who reads that the rent of Adams is due in May has not read
    when Baker's is, though a sentence of both leases says so.
    """

    def __init__(self) -> None:
        self._below: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)

    def note(self, hit: Hit, copies: Sequence[Hit]) -> None:
        """Note what is read of a hit, and that its copies hold it too."""
        for title in {each.title for each in (hit, *copies)}:
            below = self._below[title, hit.heading]
            for sentence in _sentences(hit.text):
                below.setdefault(sentence, hit.passage_id)

    def by(self, hit: Hit) -> set[int]:
        """Name the passages that together say all that a hit says; none when it says more."""
        below, says = self._below[hit.title, hit.heading], _sentences(hit.text)
        return {below[each] for each in says} if says <= below.keys() else set()


def place_of(quote: str, hit: Hit) -> tuple[int, int] | None:
    """Find words in a hit, letter for letter, as offsets into its text; blanks do not matter."""
    words = re.search(r"\s+".join(map(re.escape, quote.split())), hit.text)
    return words.span() if words else None


def _sentences(text: str) -> frozenset[str]:
    return frozenset(_plain(text[start:end]) for start, end in sentences(text))


def _plain(text: str) -> str:
    return " ".join(text.split())

"""Tell hits that say something from those that only say again what better ones say."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from roadworthy.core.sentences import sentences
from roadworthy.retrieval.search import Hit


@dataclass(frozen=True, slots=True, kw_only=True)
class Distinct:
    """Hits that differ, and what says the same as they. Invariant: no hit stands in both."""

    hits: Sequence[Hit]  # best first; ranked among themselves
    copies: Mapping[int, Sequence[Hit]]  # by the passage that says it, best first


def distinct(found: Sequence[Hit], *, most: int) -> Distinct:
    """Keep the best of those that say the same, at most `most`.

    A hit says nothing of its own when each of its sentences stands in better hits, letter for
    letter, below the same headings. Likeness is no measure: two versions of a rule are alike but
    for the number that is asked for.

    Args:
        found: best first.
    """
    kept: list[Hit] = []
    copies: dict[int, list[Hit]] = defaultdict(list)
    said_below: dict[str, dict[str, int]] = defaultdict(dict)  # sentence -> who says it
    for hit in found:
        said, says = said_below[hit.heading], _sentences(hit.text)
        if says and says <= said.keys():
            for passage_id in {said[sentence] for sentence in says}:
                copies[passage_id].append(hit)
        elif len(kept) < most:
            kept.append(replace(hit, rank=len(kept) + 1))
            said.update(dict.fromkeys(says - said.keys(), hit.passage_id))
    return Distinct(hits=kept, copies=copies)


def stands_in(quote: str, hit: Hit) -> bool:
    """Say whether a hit holds these words, letter for letter; blanks do not matter."""
    return _plain(quote) in _plain(hit.text)


def _sentences(text: str) -> frozenset[str]:
    return frozenset(_plain(text[start:end]) for start, end in sentences(text))


def _plain(text: str) -> str:
    return " ".join(text.split())

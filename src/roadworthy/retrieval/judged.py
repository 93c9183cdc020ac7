"""Questions whose answers are known, and what searches found for them."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from roadworthy.core.ranking_metrics import ndcg_at_k
from roadworthy.retrieval.fusion import Fusion, Rankings, fuse
from roadworthy.retrieval.passages import PassageRow

K = 10  # the hits that count


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What answers a question. Invariant: the grade is above 0."""

    document: str  # its name
    quote: str | None = None  # words of the passage; None: any passage of the document will do
    grade: float = 1.0

    def is_met_by(self, passage: PassageRow) -> bool:
        """Tell whether a passage is what was meant; blank space in a quote may differ."""
        if passage.document_name != self.document:
            return False
        return self.quote is None or _plain(self.quote) in _plain(passage.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuestion:
    """A question, and all that answers it. Invariant: there is a target."""

    question: str
    targets: Sequence[Target]
    answers: Sequence[str] = ()  # words that an answer holds one of; none: nobody said


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found for a question, and how good that is, however it is joined."""

    document: str  # that the question is about
    rankings: Rankings
    items: Mapping[int, Hashable]  # passage id -> what it stands for in a ranking
    grades: Mapping[Hashable, float]  # of all that is to be found, by what stands for it

    def ndcg(self, fusion: Fusion) -> float:
        """Score the ranking that `fusion` makes: nDCG@10."""
        fused = fuse(self.rankings, fusion, limit=max(1, len(self.items)))
        ranked = list(dict.fromkeys(self.items[each.passage_id] for each in fused))
        return ndcg_at_k(ranked, self.grades, K) or 0.0


def judged(asked: JudgedQuestion, rankings: Rankings, passages: Mapping[int, PassageRow]) -> Judged:
    """Say of each passage that was found what it stands for.

    Documents rank as the best of their passages does; where a target quotes, passages do.
    """
    found = {i for each in (rankings.keyword, *rankings.vector.values()) for i, _ in each}
    by_passage = any(target.quote is not None for target in asked.targets)
    items: dict[int, Hashable] = {}
    for passage_id in found:
        row = passages.get(passage_id)
        met = [n for n, each in enumerate(asked.targets) if row and each.is_met_by(row)]
        other = passage_id if by_passage or row is None else row.document_name
        items[passage_id] = ("target", met[0]) if met else ("other", other)
    grades: dict[Hashable, float] = {
        ("target", n): each.grade for n, each in enumerate(asked.targets)
    }
    return Judged(document=asked.targets[0].document, rankings=rankings, items=items, grades=grades)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()

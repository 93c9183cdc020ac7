"""What is tried on a corpus, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Literal

from roadworthy.core.choosing import Choice
from roadworthy.core.ranking_metrics import mean
from roadworthy.tuning.experiments import Experiment

Report = Callable[[str, int, int], None]  # stage, done, of how many; what it raises ends it all
Measure = Literal["covered", "ndcg10"]  # figures that are chosen by


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How documents are cut into passages; see ingestion/split.py."""

    size: int  # tokens
    overlap: int  # tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How well one question was served, each from 0 to 1; None: the questions do not say."""

    ndcg10: float | None  # of documents, which rank as the best of their passages
    recall5: float | None
    whole5: float | None  # share of its quotes that lie wholly in one of the best five passages
    covered: float | None  # share of its quotes' characters in what is read for an answer
    answered: float | None  # whether what the extractive answerer quotes holds the answer


SCORES = tuple(field.name for field in fields(Score))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What it takes to keep a corpus that is cut so, and to search it."""

    passages: int
    mean_tokens: float  # of a passage
    vector_bytes: int
    posting_bytes: int
    embed_s: float  # of all passages, those known from another cut counted with what they took
    search_ms: float  # median, in memory, without the embedding of the question


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedCut:
    """One way to cut, and what came of it."""

    cut: Cut
    scores: Sequence[Score]  # of each question
    cost: Cost

    @property
    def figures(self) -> dict[str, float | None]:
        """Give the mean of each score, and the costs, by name."""
        means = {name: mean(getattr(each, name) for each in self.scores) for name in SCORES}
        return means | asdict(self.cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedPassages:
    """All that was tried. Invariant: the first is the present way."""

    given: int  # questions
    visible: int  # of these, about documents that may be seen
    unfound: int  # quotes that their documents do not hold
    texts: int  # documents that were cut
    measure: Measure  # that is chosen by
    tried: Sequence[TriedCut]
    untried: Sequence[Cut]  # there was no time left
    choice: Choice
    experiment: Experiment

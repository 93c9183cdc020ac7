"""Questions whose answers are known, and where these stand."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from roadworthy.core.errors import Invalid
from roadworthy.corpus.naming import names_of
from roadworthy.corpus.texts import Text
from roadworthy.plumbing.database import Connection

MOST_PLACES = 20  # of one quote in a document
SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What answers a question. Invariant: the grade is above 0."""

    document: str  # its name
    quote: str | None = None  # words of the passage; None: any passage of the document will do
    grade: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuestion:
    """A question, and all that answers it. Invariant: there is a target."""

    question: str
    targets: Sequence[Target]
    answers: Sequence[str] = ()  # words that an answer holds one of; none: nobody said

    @property
    def document(self) -> str:
        """Give the document that it is about: the first of those that answer it."""
        return self.targets[0].document


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Questions that were told together."""

    name: str  # of the file; or of the folder, and the part of it
    questions: Sequence[JudgedQuestion]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A run of a document that answers a question. Invariant: it is not empty."""

    document: int  # its position among the texts
    start: int  # code points
    end: int

    def __post_init__(self) -> None:
        """Refuse a run of nothing, of which no share can be told."""
        assert self.start < self.end, "a span holds something"


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A question, and where its answer stands. Invariant: a document has a grade above 0."""

    question: str
    grades: dict[int, float]  # by position of the document
    quotes: Sequence[Sequence[Span]]  # of each quote, where it stands; none: no quote is known
    answers: Sequence[str]  # words that an answer must hold one of; none: no answer is known
    unfound: int = 0  # quotes that their documents do not hold

    @property
    def document(self) -> int:
        """Give the position of the document that it is about."""
        return next(iter(self.grades))


def words(quote: str) -> re.Pattern[str]:
    """Find a quote or an answer in a text; blank space and capitals may differ."""
    return re.compile(r"\s+".join(map(re.escape, quote.split())), re.IGNORECASE)


async def answerable(
    conn: Connection, dataset: Dataset, *, tenant_id: int, corpus_id: int
) -> list[JudgedQuestion]:
    """Keep the questions about documents that the principal of `conn` may see, in a seeded order.

    Their targets get the names that the documents have in the corpus.

    Raises:
        Invalid: there is none.
    """
    called = {target.document for each in dataset.questions for target in each.targets}
    names = await names_of(conn, called, tenant_id=tenant_id, corpus_id=corpus_id)
    named = (replace(each, targets=_named(each.targets, names)) for each in dataset.questions)
    kept = [each for each in named if each.targets]
    if not kept:
        raise Invalid(
            f"No question of {dataset.name} names a document that is to be seen in the corpus; "
            "documents are called as `roadworthy document list` shows them, or by the last part "
            "of that where it fits one alone."
        )
    random.Random(SEED).shuffle(kept)  # noqa: S311 - a sample, not a secret
    return kept


def _named(targets: Sequence[Target], names: Mapping[str, str]) -> list[Target]:
    return [
        replace(target, document=names[target.document])
        for target in targets
        if target.document in names
    ]


def located(questions: Sequence[JudgedQuestion], texts: Sequence[Text]) -> list[Located]:
    """Find the documents and quotes of questions; one about none of the texts is left out.

    A quote that its document does not hold is counted, and the document still counts.
    """
    positions = {text.name: position for position, text in enumerate(texts)}
    found = [_located(each, positions, texts) for each in questions]
    return [each for each in found if each.grades]


def _located(asked: JudgedQuestion, positions: Mapping[str, int], texts: Sequence[Text]) -> Located:
    grades: dict[int, float] = {}
    quoted: list[list[Span]] = []
    for target in asked.targets:
        position = positions.get(target.document)
        if position is None:
            continue
        grades[position] = max(target.grade, grades.get(position, 0.0))
        if target.quote is not None:
            quoted.append(_places(target.quote, position, texts))
    quotes = [places for places in quoted if places]
    return Located(
        question=asked.question,
        grades=grades,
        quotes=quotes,
        answers=asked.answers,
        unfound=len(quoted) - len(quotes),
    )


def _places(quote: str, position: int, texts: Sequence[Text]) -> list[Span]:
    found = words(quote).finditer(texts[position].text)
    spans = (Span(document=position, start=each.start(), end=each.end()) for each in found)
    return [span for _, span in zip(range(MOST_PLACES), spans, strict=False)]

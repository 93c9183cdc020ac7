"""Find where the answers of questions stand in the texts that they are about."""

import re
from collections.abc import Mapping, Sequence

from roadworthy.corpus.texts import Text
from roadworthy.retrieval.judged import JudgedQuestion
from roadworthy.tuning.records import Asked, Span

MOST_PLACES = 20  # of one quote in a document


def located(questions: Sequence[JudgedQuestion], texts: Sequence[Text]) -> list[Asked]:
    """Find the documents and quotes of questions; one about none of the texts is left out.

    Blank space in a quote may differ from the document's. A quote that its document does not hold
    is left out, and the document still counts.
    """
    positions = {text.name: position for position, text in enumerate(texts)}
    found = [_located(each, positions, texts) for each in questions]
    return [each for each in found if each.grades]


def _located(asked: JudgedQuestion, positions: Mapping[str, int], texts: Sequence[Text]) -> Asked:
    grades: dict[int, float] = {}
    quotes: list[list[Span]] = []
    for target in asked.targets:
        position = positions.get(target.document)
        if position is None:
            continue
        grades[position] = max(target.grade, grades.get(position, 0.0))
        if target.quote is not None and (places := _places(target.quote, position, texts)):
            quotes.append(places)
    return Asked(question=asked.question, grades=grades, quotes=quotes, answers=asked.answers)


def _places(quote: str, position: int, texts: Sequence[Text]) -> list[Span]:
    words = re.compile(r"\s+".join(map(re.escape, quote.split())))
    found = words.finditer(texts[position].text)
    spans = (Span(document=position, start=each.start(), end=each.end()) for each in found)
    return [span for _, span in zip(range(MOST_PLACES), spans, strict=False)]

"""Score what was found by where the answer of a question stands, and by what is read of it."""

from collections.abc import Sequence

from roadworthy.answering.context import Context
from roadworthy.core.ranking_metrics import mean, ndcg_at_k, recall_at_k
from roadworthy.retrieval.search import Hit
from roadworthy.tuning.questions import Located, Span
from roadworthy.tuning.records import Score

BEST = 5  # the hits in which a whole quote is looked for


def judged(
    asked: Located, found: Sequence[Hit], context: Context, *, answered: float | None
) -> Score:
    """Score one ranking, best passage first.

    Args:
        context: what is read of it. What is said there again, and set aside, is read too.
    """
    documents = list(dict.fromkeys(_document(each) for each in found))
    read = sorted(context.named, key=lambda each: each.start)
    return Score(
        ndcg10=ndcg_at_k(documents, asked.grades, 10),
        recall5=recall_at_k(documents, asked.grades, 5),
        whole5=mean(
            float(any(_holds(hit, span) for hit in found[:BEST] for span in places))
            for places in asked.quotes
        ),
        covered=mean(max(_share(span, read) for span in places) for places in asked.quotes),
        answered=answered,
    )


def _document(hit: Hit) -> int:
    return hit.document_id.int


def _holds(hit: Hit, span: Span) -> bool:
    return _document(hit) == span.document and hit.start <= span.start and span.end <= hit.end


def _share(span: Span, read: Sequence[Hit]) -> float:
    """Tell how much of a span was read, in the order of starts."""
    covered, at = 0, span.start
    for each in read:
        if _document(each) == span.document:
            start, end = max(at, each.start), min(span.end, each.end)
            covered += max(0, end - start)
            at = max(at, end)
    return covered / (span.end - span.start)

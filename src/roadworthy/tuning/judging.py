"""Score a ranking of passages against where the answer of a question stands."""

from collections.abc import Sequence

from roadworthy.core.ranking_metrics import mean, ndcg_at_k, recall_at_k
from roadworthy.tuning.index import Passage
from roadworthy.tuning.records import CONTEXT_TOKENS, Asked, K, Score, Span


def judged(
    asked: Asked, ranked: Sequence[Passage], *, answered: float | None, tokens: int = CONTEXT_TOKENS
) -> Score:
    """Score one ranking, best passage first.

    Args:
        tokens: how much of it is read.
    """
    documents = list(dict.fromkeys(each.document for each in ranked))
    best = [_span(each) for each in ranked[:K]]
    read = read_of(ranked, tokens=tokens)
    return Score(
        ndcg10=ndcg_at_k(documents, asked.grades, 10),
        recall5=recall_at_k(documents, asked.grades, 5),
        whole5=mean(
            float(any(_holds(passage, span) for passage in best for span in places))
            for places in asked.quotes
        ),
        covered=mean(max(_share(span, read) for span in places) for places in asked.quotes),
        answered=answered,
    )


def read_of(ranked: Sequence[Passage], *, tokens: int) -> list[Span]:
    """Take what the best `tokens` hold; the last passage is cut where they end.

    What two passages repeat is paid for twice.
    """
    left, spans = tokens, []
    for each in ranked:
        if left <= 0:
            break
        span = _span(each)
        share = min(1.0, left / max(each.tokens, 1))
        end = span.start + round(share * (span.end - span.start))
        spans.append(Span(document=span.document, start=span.start, end=end))
        left -= each.tokens
    return spans


def _span(passage: Passage) -> Span:
    piece = passage.piece
    return Span(document=passage.document, start=piece.start, end=piece.end)


def _holds(outer: Span, inner: Span) -> bool:
    return (
        outer.document == inner.document and outer.start <= inner.start and inner.end <= outer.end
    )


def _share(span: Span, read: Sequence[Span]) -> float:
    """Tell how much of a span was read."""
    covered, at = 0, span.start
    for each in sorted(read, key=lambda each: each.start):
        if each.document == span.document:
            start, end = max(at, each.start), min(span.end, each.end)
            covered += max(0, end - start)
            at = max(at, end)
    return covered / (span.end - span.start)

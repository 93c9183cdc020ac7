"""Hybrid search: exact BM25 and exact vector search over what is visible, fused by weight."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from roadworthy.core.clock import Laps
from roadworthy.core.errors import Invalid
from roadworthy.core.spaces import QueryVector
from roadworthy.corpus.documents import Corpus
from roadworthy.corpus.scores import KeptScore
from roadworthy.plumbing.database import ReadConnection
from roadworthy.retrieval.filters import Filter, Scope
from roadworthy.retrieval.fusion import Fused, Fusion, Ranking, Rankings, counted, fuse
from roadworthy.retrieval.nearest import Nearest, Path
from roadworthy.retrieval.passages import PassageRow, fetch
from roadworthy.retrieval.visible import count_visible
from roadworthy.retrieval.wording import worded

CANDIDATES = 100  # taken from each ranking, at least
MOST_HITS = 100
LONGEST_QUESTION = 8_000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage found for one question, with what a citation of it needs."""

    rank: int  # 1 is the best
    score: float  # fused, 0 to 1
    fused_rank: int  # what the rank was before reranking
    rerank_score: float | None = None  # as the reranker says; None: it did not read this one
    keyword_rank: int | None
    keyword_score: float | None  # BM25
    # Of what the words of the question tell, the share that it holds, 0 to 1.
    told: Annotated[float, Field(exclude=True)] = 0.0
    vector_rank: int | None
    vector_score: float | None  # cosine, in `space`
    space: str | None  # the embedding space whose vector found it
    vector_path: Path | None = None  # how that space was searched
    passage_id: int
    document_id: uuid.UUID
    document_name: str
    title: str
    version: int
    metadata: dict[str, str | int | float | bool]
    ordinal: int  # among the passages of the document; the first is 0
    start: int  # code points into the document's text
    end: int
    page_first: int | None
    page_last: int | None
    heading: str
    language: str
    text: str
    # Of the guards' classifier, and for them alone: who asks is not told.
    kept_score: Annotated[KeptScore | None, Field(exclude=True)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The hits, best first, and what they were chosen from."""

    hits: Sequence[Hit]
    visible_passages: int
    ms: Mapping[str, float]  # of each step, in their order
    is_cut_short: bool = False  # more passages might be worded as wanted than were looked at
    nearest: Sequence[Nearest] = ()  # what each space found, and by which path

    @property
    def paths(self) -> list[str]:
        """Say for each space by which path it was searched, and how many passages it had."""
        return [each.told for each in self.nearest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """What was found for a question, before it is joined."""

    rankings: Rankings
    visible_passages: int
    ms: Mapping[str, float]  # of each step, in their order
    nearest: Sequence[Nearest]
    told: Mapping[int, float]  # of each passage that was ranked by words; as of Hit
    is_cut_short: bool  # as of Found


async def search(
    conn: ReadConnection,
    question: str,
    *,
    queries: Sequence[QueryVector],
    corpus: Corpus,
    tenant_id: int,
    among: Filter,
    limit: int,
    fusion: Fusion,
) -> Found:
    """Find the best passages that the principal of `conn` may see.

    Whenever `limit` passages are visible and pass the filter, `limit` hits are found, as long as
    there is a vector to search with.

    Args:
        queries: the question in each space that it is compared in; none to search by keywords
            alone. What several spaces find is joined by rank: cosines of two are not comparable.

    Raises:
        Invalid: the limit is out of range, the question is empty or too long, or its vector
            belongs to a space that the corpus is not searched in.
    """
    check_question(question)
    _check(queries=queries, corpus=corpus, limit=limit)
    scope = Scope(tenant_id=tenant_id, corpus_id=corpus.id, among=among)
    ranked = await rank(
        conn, question, queries=queries, scope=scope, candidates=max(CANDIDATES, limit)
    )
    if not ranked.visible_passages:
        return Found(hits=(), visible_passages=0, ms=ranked.ms)
    laps = Laps()
    fused = fuse(ranked.rankings, fusion, limit=limit)
    rows = await fetch(conn, [each.passage_id for each in fused], tenant_id=tenant_id)
    laps.end("fetch")
    cosines = _cosines(ranked, fusion)
    hits = [
        _hit(
            rank,
            each,
            rows[each.passage_id],
            found_by=cosines.get(each.passage_id),
            told=ranked.told.get(each.passage_id, 0.0),
        )
        for rank, each in enumerate(fused, 1)
        if each.passage_id in rows  # else it was replaced between two statements
    ]
    return Found(
        hits=hits,
        visible_passages=ranked.visible_passages,
        ms={**ranked.ms, **laps.ms},
        is_cut_short=ranked.is_cut_short,
        nearest=ranked.nearest,
    )


async def rank(
    conn: ReadConnection,
    question: str,
    *,
    queries: Sequence[QueryVector],
    scope: Scope,
    candidates: int,
) -> Ranked:
    """Rank what the principal of `conn` may see, by words and in each space; nothing is joined.

    Args:
        candidates: the most of each ranking.
    """
    laps = Laps()
    visible = await count_visible(conn, scope)
    laps.end("count")
    visible_passages = sum(count.passages for count in visible)
    nearest_to: Sequence[Nearest] = ()
    keyword: Ranking = []
    told: Mapping[int, float] = {}
    is_cut_short = False
    if visible_passages:
        passages = await worded(conn, scope, visible=visible)
        keyword = await passages.by_keyword(question, limit=candidates)
        laps.end("words")
        nearest_to = [await passages.nearest(query, limit=candidates) for query in queries]
        laps.end("vectors")
        told, is_cut_short = passages.told, passages.are_cut_short
    vector = {each.space: each.ranking for each in nearest_to}
    return Ranked(
        rankings=Rankings(candidates=candidates, keyword=keyword, vector=vector),
        visible_passages=visible_passages,
        ms=laps.ms,
        nearest=nearest_to,
        told=told,
        is_cut_short=is_cut_short,
    )


def check_question(question: str) -> None:
    """Refuse a question that nobody could mean, before anything is spent on it.

    Raises:
        Invalid: it is empty or too long.
    """
    if not question.strip() or "\0" in question:
        raise Invalid("The question is empty.")
    if len(question) > LONGEST_QUESTION:
        raise Invalid(f"A question has at most {LONGEST_QUESTION} characters.")


def check_limit(limit: int) -> None:
    """Refuse to give no hits, or more than anybody reads.

    Raises:
        Invalid: it is not from 1 to MOST_HITS.
    """
    if not 1 <= limit <= MOST_HITS:
        raise Invalid(f"From 1 to {MOST_HITS} hits may be asked for.")


def _check(*, queries: Sequence[QueryVector], corpus: Corpus, limit: int) -> None:
    check_limit(limit)
    for query in queries:
        if query.space_id not in corpus.routing.searched_in():
            raise Invalid(
                f"The corpus {corpus.name!r} is searched in another embedding space than "
                f"{query.space!r}; `roadworthy corpus list` shows which, and `roadworthy corpus "
                "switch` changes it.",
                query_space=query.space_id,
            )


def _cosines(ranked: Ranked, fusion: Fusion) -> dict[int, tuple[float, Nearest]]:
    """Tell which space found a passage, and with what cosine; the first that did counts."""
    by_space = {each.space: each for each in ranked.nearest}
    found: dict[int, tuple[float, Nearest]] = {}
    for space, ranking in counted(ranked.rankings.vector, fusion).items():
        for passage_id, cosine in ranking:
            found.setdefault(passage_id, (cosine, by_space[space]))
    return found


def _hit(
    rank: int,
    fused: Fused,
    row: PassageRow,
    *,
    found_by: tuple[float, Nearest] | None,
    told: float,
) -> Hit:
    cosine, nearest = found_by if found_by and fused.vector_rank else (None, None)
    return Hit(
        rank=rank,
        score=fused.score,
        fused_rank=rank,
        keyword_rank=fused.keyword_rank,
        keyword_score=fused.keyword_score,
        told=told,
        vector_rank=fused.vector_rank,
        vector_score=cosine,
        space=nearest and nearest.space,
        vector_path=nearest and nearest.path,
        passage_id=row.passage_id,
        document_id=row.document_id,
        document_name=row.document_name,
        title=row.title,
        version=row.version,
        metadata=row.metadata,
        ordinal=row.ordinal,
        start=row.start,
        end=row.end,
        page_first=row.page_first,
        page_last=row.page_last,
        heading=row.heading,
        language=row.language,
        text=row.text,
        kept_score=row.kept_score,
    )

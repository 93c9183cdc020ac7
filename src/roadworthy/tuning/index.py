"""A corpus that is cut in one way, in memory: ranked as the product ranks, and never searched."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.core.spaces import Vectors
from roadworthy.corpus.languages import detect_passage
from roadworthy.corpus.lead import to_embed
from roadworthy.corpus.postings import decode_postings, pack_by_term
from roadworthy.corpus.routing import Routing, rules_of
from roadworthy.corpus.terms import query_terms, terms
from roadworthy.corpus.texts import Text
from roadworthy.ingestion.parse import is_markdown
from roadworthy.ingestion.records import Origin, ParsedDocument, Piece
from roadworthy.ingestion.split import TokenCounter, split
from roadworthy.retrieval.bm25 import score, told
from roadworthy.retrieval.fusion import Fused, Fusion, Ranking, Rankings, fuse
from roadworthy.retrieval.keywords import NOTHING, ByWords
from roadworthy.retrieval.search import CANDIDATES, Hit
from roadworthy.tuning.records import Cut

HALF = 2  # bytes of a number in a stored vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A passage of one of the texts."""

    document: int  # position of its text
    piece: Piece
    tokens: int
    led: str  # what stands for it in its space and among its terms
    language: str
    rules: str  # by which its terms are made


def passages_of(
    text: Text, position: int, cut: Cut, *, tokenizer: TokenCounter, routing: Routing
) -> list[Passage]:
    """Cut one text as ingestion would."""
    document = ParsedDocument(
        text=text.text,
        pages=(),
        title=text.title,
        media_type=text.media_type,
        markdown=is_markdown(text.media_type),
        origin=Origin(),
    )
    pieces = split(document, tokenizer=tokenizer, size=cut.size, overlap=cut.overlap)
    counts = tokenizer.count([piece.text for piece in pieces]) if pieces else []
    return [
        _passage(text, position, piece, tokens=tokens, routing=routing)
        for piece, tokens in zip(pieces, counts, strict=True)
    ]


def _passage(text: Text, position: int, piece: Piece, *, tokens: int, routing: Routing) -> Passage:
    language = text.language_told or detect_passage(piece.text, document=text.language)
    return Passage(
        document=position,
        piece=piece,
        tokens=tokens,
        led=to_embed(piece.text, title=text.title, heading=piece.heading),
        language=language,
        rules=rules_of(routing.analysis_of(language), language=language),
    )


class Index:
    """The passages of a cut with their vectors and postings.

    A passage's id is its position, and a document's the position of its text.
    """

    def __init__(
        self, passages: Sequence[Passage], vectors: Vectors, *, texts: Sequence[Text], space: str
    ) -> None:
        """Analyse the passages.

        Args:
            vectors: of `led`, shape (passages, dimension), each of length 1.
            space: the name of the one that the vectors are of.
        """
        self.passages = passages
        self._texts, self._space = texts, space
        self._vectors = vectors
        found = {i: terms(each.led, language=each.rules) for i, each in enumerate(passages)}
        self._postings = pack_by_term(found)
        self._rules = {each.rules for each in passages}
        self._mean_length = sum(map(len, found.values())) / max(len(found), 1)

    @property
    def vector_bytes(self) -> int:
        """Say how much the vectors take as they are stored."""
        return self._vectors.size * HALF

    @property
    def posting_bytes(self) -> int:
        """Say how much the postings take."""
        return sum(map(len, self._postings.values()))

    def search(self, question: str, vector: Vectors, fusion: Fusion) -> list[Hit]:
        """Find passages by words and meaning, joined as a release says; best first.

        Args:
            vector: of the question, shape (dimension,).
        """
        worded = self._by_keyword(question)
        rankings = Rankings(
            candidates=CANDIDATES,
            keyword=worded.ranking,
            vector={self._space: self._nearest(vector)},
        )
        fused = fuse(rankings, fusion, limit=2 * CANDIDATES)
        return [
            self._hit(rank, each, told=worded.told.get(each.passage_id, 0.0))
            for rank, each in enumerate(fused, 1)
        ]

    def _hit(self, rank: int, fused: Fused, *, told: float) -> Hit:
        passage = self.passages[fused.passage_id]
        piece, text = passage.piece, self._texts[passage.document]
        return Hit(
            rank=rank,
            score=fused.score,
            fused_rank=rank,
            keyword_rank=fused.keyword_rank,
            keyword_score=fused.keyword_score,
            told=told,
            vector_rank=fused.vector_rank,
            vector_score=fused.vector_score,
            space=self._space if fused.vector_rank else None,
            passage_id=fused.passage_id,
            document_id=uuid.UUID(int=passage.document),
            document_name=text.name,
            title=text.title,
            version=1,
            metadata={},
            ordinal=piece.ordinal,
            start=piece.start,
            end=piece.end,
            page_first=None,
            page_last=None,
            heading=piece.heading,
            language=passage.language,
            text=piece.text,
        )

    def _nearest(self, vector: Vectors) -> Ranking:
        cosines = self._vectors @ vector
        best = np.argsort(-cosines, kind="stable")[:CANDIDATES]
        return [(int(i), float(cosines[i])) for i in best]

    def _by_keyword(self, question: str) -> ByWords:
        if not self._mean_length:
            return NOTHING  # passages without a single word
        classes = [
            [decode_postings(self._postings[term]) for term in forms if term in self._postings]
            for forms in query_terms(question, self._rules)
        ]
        ids, scores = score(
            classes,
            passage_count=len(self.passages),
            mean_length=self._mean_length,
            limit=CANDIDATES,
        )
        shares = told(classes, passage_count=len(self.passages), of=ids)
        return ByWords(
            ranking=list(zip(ids.tolist(), scores.tolist(), strict=True)),
            told=dict(zip(ids.tolist(), shares.tolist(), strict=True)),
        )

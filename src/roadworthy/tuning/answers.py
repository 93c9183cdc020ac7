"""Answer a question from passages that were never published, and see whether it is the answer."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.answering.context import Context
from roadworthy.answering.extract import ExtractingAnswerer
from roadworthy.answering.reading import read, searched_for
from roadworthy.answering.records import Task, TextPiece
from roadworthy.core.spaces import QueryVector
from roadworthy.corpus.texts import Text
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.releases import Release
from roadworthy.retrieval.search import Hit
from roadworthy.tuning.index import Passage
from roadworthy.tuning.records import Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Quotes as the extractive answerer does; sentences are embedded once for all cuts."""

    answerer: ExtractingAnswerer
    embedder: SpaceEmbedder
    release: Release
    texts: Sequence[Text]

    async def answered(
        self, asked: Asked, query: QueryVector, ranked: Sequence[Passage]
    ) -> float | None:
        """Tell whether the quoted sentences hold the answer: 1 or 0; None: it is not known.

        Raises:
            Unavailable: the model is down.
        """
        if not asked.answers:
            return None
        task = Task(
            release=self.release,
            question=asked.question,
            language=ranked[0].language if ranked else "und",
            query=query,
            context=self._context(ranked),
            embedder=self.embedder,
        )
        written = [each async for each in self.answerer.write(task)]
        said = _plain(" ".join(each.text for each in written if isinstance(each, TextPiece)))
        return float(any(_plain(answer) in said for answer in asked.answers))

    def _context(self, ranked: Sequence[Passage]) -> Context:
        found = [
            self._hit(at, each) for at, each in enumerate(ranked[: searched_for(self.release)])
        ]
        return read(found, self.release)

    def _hit(self, at: int, passage: Passage) -> Hit:
        piece, text = passage.piece, self.texts[passage.document]
        return Hit(
            rank=at + 1,
            score=0,
            fused_rank=at + 1,
            keyword_rank=None,
            keyword_score=None,
            vector_rank=None,
            vector_score=None,
            space=self.embedder.space.name,
            passage_id=at,
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


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()

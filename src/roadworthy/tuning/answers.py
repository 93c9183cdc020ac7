"""Answer a question from passages that were never published, and see whether it is the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.answering.context import Context
from roadworthy.answering.extract import ExtractingAnswerer
from roadworthy.answering.reading import read, searched_for
from roadworthy.answering.records import Degraded, Task, TextPiece
from roadworthy.answering.relevance import relevance
from roadworthy.core.errors import Unavailable
from roadworthy.core.spaces import QueryVector
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.releases import Release
from roadworthy.retrieval.search import Hit
from roadworthy.tuning.questions import Located, words

CONTEXT_TOKENS = 1024  # that are read where the release does not say; larger passages win nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Reads and quotes as the product does; sentences are embedded once for all cuts."""

    answerer: ExtractingAnswerer
    embedder: SpaceEmbedder
    release: Release

    @property
    def context_tokens(self) -> int:
        """Say how much is read, by the estimate of answering/context.py."""
        return self.release.context_tokens or CONTEXT_TOKENS

    def read(self, found: Sequence[Hit]) -> Context:
        """Choose what is read of the hits, best first."""
        bounded = self.release.model_copy(update={"context_tokens": self.context_tokens})
        return read(found[: searched_for(bounded)], bounded)

    async def answered(self, asked: Located, query: QueryVector, context: Context) -> float | None:
        """Tell whether the quoted sentences hold the answer: 1 or 0; None: it is not known.

        Raises:
            Unavailable: the model is down; an answer without it says nothing of the passages.
        """
        if not asked.answers:
            return None
        if relevance(context.hits) < self.release.least_relevance:
            return 0.0  # by the first estimate the product abstains then
        task = Task(
            release=self.release,
            question=asked.question,
            language=context.hits[0].language if context.hits else "und",
            query=query,
            context=context,
            embedder=self.embedder,
        )
        written = [each async for each in self.answerer.write(task)]
        if any(isinstance(each, Degraded) for each in written):
            raise Unavailable(
                "Without embeddings nothing is measured; `roadworthy doctor` says what is wrong."
            )
        said = " ".join(each.text for each in written if isinstance(each, TextPiece))
        return float(any(words(answer).search(said) for answer in asked.answers))

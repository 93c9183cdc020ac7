"""Score texts against a question by a reranker behind HTTP: a cross-encoder, or the local engine.

Two protocols are in use. Cohere, Jina, vLLM, Voyage and others take a model and `documents`; Text
Embeddings Inference, which serves one model, takes `texts`. The answers differ in names alone.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AliasChoices, BaseModel, Field, FiniteFloat, TypeAdapter, ValidationError

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.endpoint import Endpoint
from roadworthy.gateway.uses import RERANK, OnUse, told_tokens, use_of
from roadworthy.plumbing.breaker import Breaker

MOST_TEXTS = 32  # of one request to a server of one model, by that server's default
MOST_BYTES = 4_000_000  # of an answer: some servers send the texts back


class _Scored(BaseModel):
    index: int
    score: Annotated[FiniteFloat, Field(validation_alias=AliasChoices("relevance_score", "score"))]


class _Results(BaseModel):
    usage: object = None
    meta: object = None  # Cohere's
    results: Annotated[list[_Scored], Field(validation_alias=AliasChoices("results", "data"))]

    @property
    def tokens(self) -> int | None:
        """Give how many were read; None: it is not told."""
        of_cohere = self.meta.get("tokens") if isinstance(self.meta, Mapping) else None
        told = told_tokens(self.usage)
        return told_tokens(of_cohere) if told is None else told


ANSWER = TypeAdapter(list[_Scored] | _Results)


class Reranker:
    """A reranker at an endpoint; without a model's name, the only one that is served there."""

    def __init__(self, endpoint: Endpoint, *, model: str) -> None:
        self.endpoint = endpoint
        # By texts and milliseconds: too slow for some, it may do for fewer, or in more.
        self.breakers: defaultdict[tuple[int, int], Breaker] = defaultdict(Breaker)
        self._model = model

    async def score(
        self, question: str, texts: Sequence[str], *, on_use: OnUse = lambda _: None
    ) -> list[float]:
        """Tell how well each text answers the question: the higher, the better.

        Args:
            on_use: told what each request took that was answered.

        Raises:
            Unavailable: the endpoint is down, or what it answers is not one finite number a text.
            Invalid, Busy: it refuses the request, or is at its limit.
        """
        if self._model:
            asked = {"model": self._model, "query": question, "documents": list(texts)}
            return await self._scores(asked, question, texts, on_use=on_use)
        parts = [texts[i : i + MOST_TEXTS] for i in range(0, len(texts), MOST_TEXTS)]
        try:
            async with asyncio.TaskGroup() as group:  # where one fails, no other goes on
                scored = [
                    group.create_task(
                        self._scores(
                            {"query": question, "texts": list(part), "truncate": True},
                            question,
                            part,
                            on_use=on_use,
                        )
                    )
                    for part in parts
                ]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [score for scores in scored for score in scores.result()]

    async def _scores(
        self,
        asked: dict[str, object],
        question: str,
        texts: Sequence[str],
        *,
        on_use: OnUse,
    ) -> list[float]:
        reply = await self.endpoint.post("/rerank", asked, most_bytes=MOST_BYTES)
        try:
            read = ANSWER.validate_json(reply.body)
        except ValidationError as error:
            raise self._wrong("is no list of scores") from error
        told = read.tokens if isinstance(read, _Results) else None
        asked_of_each = [f"{question}{text}" for text in texts]
        on_use(use_of(RERANK, self._model, asked_of_each, tokens=told))
        scored = read.results if isinstance(read, _Results) else read
        if sorted(each.index for each in scored) != list(range(len(texts))):
            raise self._wrong("does not score each text once")
        return [each.score for each in sorted(scored, key=lambda each: each.index)]

    def _wrong(self, what: str) -> Unavailable:
        return Unavailable(f"What {self.endpoint.address.url}/rerank answers {what}.")

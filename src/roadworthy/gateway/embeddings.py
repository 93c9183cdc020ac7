"""Embeddings in one space, checked whenever a new connection may have led to another model."""

import asyncio
import base64
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ValidationError

from roadworthy.core.errors import Unavailable
from roadworthy.core.spaces import (
    EmbeddingSpace,
    QueryVector,
    SpaceDeclaration,
    Vectors,
    check_declaration,
    check_probes,
)
from roadworthy.gateway.endpoint import Endpoint

MOST_TEXTS = 64  # of one request


class _Embedding(BaseModel):
    index: int
    embedding: str | list[float]


class _Embeddings(BaseModel):
    data: list[_Embedding]


class _Model(BaseModel):
    id: str
    revision: str = ""


class _Models(BaseModel):
    data: list[_Model]


async def embed(endpoint: Endpoint, texts: Sequence[str], *, model: str) -> Vectors:
    """Embed texts as they are, without any prefix; shape (len(texts), dimension).

    Raises:
        Unavailable: the endpoint is down or answers nonsense.
    """
    batches = [texts[i : i + MOST_TEXTS] for i in range(0, len(texts), MOST_TEXTS)]
    # One after the other: the endpoint is the bottleneck, and others wait for it too.
    return np.concatenate([await _embed_batch(endpoint, batch, model) for batch in batches])


async def model_revision(endpoint: Endpoint, model: str) -> str:
    """Ask the endpoint for its model's revision; "" when it does not tell.

    Raises:
        Unavailable: it is down, or has no such model.
    """
    try:
        listed = _Models.model_validate_json(await endpoint.get("/models"))
    except ValidationError as error:
        raise Unavailable(f"{endpoint.address.url}/models is not OpenAI's protocol.") from error
    for known in listed.data:
        if known.id == model:
            return known.revision
    raise Unavailable(
        f"{endpoint.address.url} has no model {model!r} (setting embeddings_model); it has "
        f"{', '.join(sorted(known.id for known in listed.data)[:20])}."
    )


class SpaceEmbedder:
    """Embeds questions and passages in one space, or refuses.

    The stored probes are embedded and compared at the first use and once for every new connection
    to the endpoint. A vector that was made before its connection was checked is not handed out.
    """

    def __init__(
        self, endpoint: Endpoint, *, space: EmbeddingSpace, declared: SpaceDeclaration
    ) -> None:
        check_declaration(space, declared)
        self.space = space
        self._endpoint = endpoint
        self._checked_connections = -1
        self._checking = asyncio.Lock()

    async def embed_question(self, question: str) -> QueryVector:
        """Embed what somebody asks.

        Raises:
            Unavailable: the endpoint is down, or no longer gives vectors of this space.
        """
        [vector] = await self._embed([self.space.query_prefix + question])
        return QueryVector(space_id=self.space.id, vector=vector)

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed what is to be found; shape (len(texts), dimension); raises as above."""
        if not texts:
            return np.empty((0, self.space.dimension), dtype=np.float32)
        return await self._embed([self.space.passage_prefix + text for text in texts])

    async def check(self) -> None:
        """Embed the probes and compare them.

        Raises:
            Unavailable: the endpoint is down, or gives vectors of another space.
        """
        async with self._checking:
            await self._check()

    async def _embed(self, texts: Sequence[str]) -> Vectors:
        vectors = await embed(self._endpoint, texts, model=self.space.model)
        if self._checked_connections != self._endpoint.connections:
            async with self._checking:
                if self._checked_connections != self._endpoint.connections:
                    await self._check()
        return vectors

    async def _check(self) -> None:
        prefixed = [self.space.passage_prefix + text for text in self.space.probe_texts]
        check_probes(self.space, await embed(self._endpoint, prefixed, model=self.space.model))
        self._checked_connections = self._endpoint.connections


async def _embed_batch(endpoint: Endpoint, texts: Sequence[str], model: str) -> Vectors:
    body = {"model": model, "input": list(texts), "encoding_format": "base64"}
    try:
        answer = _Embeddings.model_validate_json(await endpoint.post("/embeddings", body))
    except ValidationError as error:
        raise Unavailable(f"{endpoint.address.url}/embeddings is not OpenAI's protocol.") from error
    rows = sorted(answer.data, key=lambda row: row.index)
    if len(rows) != len(texts):
        raise Unavailable(
            f"{endpoint.address.url} gave {len(rows)} embeddings for {len(texts)} texts."
        )
    vectors = [_decode(row.embedding) for row in rows]
    if len({vector.shape for vector in vectors}) != 1 or not np.isfinite(vectors).all():
        raise Unavailable(f"{endpoint.address.url} gave embeddings that are no vectors.")
    return np.stack(vectors)


def _decode(embedding: str | list[float]) -> Vectors:
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding), dtype="<f4").astype(np.float32)
    return np.array(embedding, dtype=np.float32)

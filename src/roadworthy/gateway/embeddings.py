"""Embeddings in one space, checked whenever a new connection may have led to another model."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from roadworthy.gateway.batching import Batcher
from roadworthy.gateway.endpoint import Endpoint
from roadworthy.gateway.trying import tried
from roadworthy.gateway.uses import EMBEDDINGS, OnUse, Use, shares, told_tokens, use_of
from roadworthy.plumbing.breaker import Breaker

MOST_TEXTS = 64  # of one request
# Of clients that want vectors: so many at once, and more than a few texts let all others go first.
CLIENTS_AT_ONCE, FEW_TEXTS = 2, 4
# Of questions: what comes while as many are under way goes together in the next one.
CALLS_AT_ONCE, MOST_TOGETHER = 2, 32
MOST_CHARACTERS = 12_000  # together; two of the longest would wait behind passages in the engine
# In haste: who asks would rather have what is found by words than wait.
QUESTION_S = 5.0  # of one call
LATE_S = 1.0  # of one that its askers left: many times as long as a model takes that is well
LONGEST_REST_S = 10.0  # each question meanwhile is searched by words alone
# Of an answer, for each text: 16,384 numbers of 25 characters, and what is around them.
MOST_BYTES_A_TEXT = 500_000
LEAST_LENGTH = 1e-6  # of a vector that has a direction
MOST_CONNECTIONS = 8  # of one process: a model computes no faster for more, and idle ones cost


class _Embedding(BaseModel):
    index: int
    embedding: str | list[float]


class _Embeddings(BaseModel):
    data: list[_Embedding]
    usage: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Embedded:
    vectors: Vectors
    tokens: int | None  # that were read for it, probes included; None: nobody told


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch(_Embedded):
    connection: int


_Row = tuple[Vectors, Use]


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
    return _joined(endpoint, await _embed_all(endpoint, texts, model=model)).vectors


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

    Questions that are asked in haste have connections of their own, and never wait for one that
    passages hold. They are asked for once, for some seconds; a model that fails them is left alone
    for a while. It has failed, too, when all who waited for a call left after a second or more:
    whose deadlines are short leave before those seconds are over, each of them. Who leaves sooner
    says nothing of the model; a slow one that is well is left alone for some seconds at worst.
    """

    def __init__(
        self, endpoint: Endpoint, *, space: EmbeddingSpace, declared: SpaceDeclaration
    ) -> None:
        check_declaration(space, declared)
        self.space = space
        self._endpoint = endpoint
        self._quick = endpoint.beside(timeout_s=QUESTION_S, tries=1, most_connections=CALLS_AT_ONCE)
        self._patient = endpoint.beside(most_connections=MOST_CONNECTIONS, is_background=True)
        self._breaker = Breaker(longest_rest_s=LONGEST_REST_S)
        self._checked: set[tuple[Endpoint, int]] = set()  # and the numbers of its connections
        self._questions = Batcher(
            self._rows, calls=CALLS_AT_ONCE, most=MOST_TOGETHER, most_characters=MOST_CHARACTERS
        )
        self._in_haste = Batcher(
            self._rows_in_haste,
            calls=CALLS_AT_ONCE,
            most=MOST_TOGETHER,
            most_characters=MOST_CHARACTERS,
        )

    async def embed_question(
        self, question: str, *, in_haste: bool = False, on_use: OnUse = lambda _: None
    ) -> QueryVector:
        """Embed what somebody asks, as a vector of length 1.

        Args:
            in_haste: who asks would rather go on without than wait.
            on_use: told what that took, of a request that was answered; others may share it.

        Raises:
            Unavailable: the endpoint is down, late or left alone, or no longer gives vectors of
                this space.
            Busy, Invalid: it is at its limit, or refuses the question.
        """
        asking = self._in_haste if in_haste else self._questions
        vector, use = await asking.ask(self.space.query_prefix + question)
        on_use(use)
        self._check_directions(vector)
        return QueryVector(space_id=self.space.id, space=self.space.name, vector=vector)

    async def embed_passages(
        self,
        texts: Sequence[str],
        *,
        is_background: bool = False,
        on_use: OnUse = lambda _: None,
    ) -> Vectors:
        """Embed what is to be found; shape (len(texts), dimension); raises as above.

        Each vector has length 1, or 0 where the model gives no direction.

        Args:
            is_background: nobody waits for it; all others go first.
            on_use: told what it took.
        """
        if not texts:
            return np.empty((0, self.space.dimension), dtype=np.float32)
        prefixed = [self.space.passage_prefix + text for text in texts]
        endpoint = self._patient if is_background else self._endpoint
        found = await self._embed(endpoint, prefixed)
        on_use(use_of(EMBEDDINGS, self.space.model, prefixed, tokens=found.tokens))
        return found.vectors

    async def embed_for_client(self, texts: Sequence[str], *, as_questions: bool) -> Vectors:
        """Embed what a client of ours wants the vectors of; shape and failures as above.

        More than a few texts have other connections than questions, and let all others go first.
        """
        endpoint = self._endpoint if len(texts) <= FEW_TEXTS else self._patient
        prefix = self.space.query_prefix if as_questions else self.space.passage_prefix
        vectors = (await self._embed(endpoint, [prefix + text for text in texts])).vectors
        if as_questions:
            self._check_directions(vectors)
        return vectors

    async def check(self) -> None:
        """Embed the probes and compare them.

        Raises:
            Unavailable: the endpoint is down, or gives vectors of another space.
        """
        await self._embed_beside_probes(self._endpoint, [])

    def _check_directions(self, vectors: Vectors) -> None:
        if not vectors.any(axis=-1).all():
            raise Unavailable(f"The model {self.space.model!r} gave a vector without direction.")

    async def _rows(self, questions: Sequence[str]) -> Sequence[_Row]:
        return self._apart(await self._embed(self._endpoint, questions), questions)

    async def _rows_in_haste(self, questions: Sequence[str]) -> Sequence[_Row]:
        with tried(self._breaker, what=f"The model {self.space.model!r}", late_s=LATE_S):
            return self._apart(await self._embed(self._quick, questions), questions)

    def _apart(self, found: _Embedded, questions: Sequence[str]) -> Sequence[_Row]:
        told: Sequence[int | None] = [None] * len(questions)
        if found.tokens is not None:
            told = shares(found.tokens, questions)
        uses = [
            use_of(EMBEDDINGS, self.space.model, [question], tokens=tokens, among=len(questions))
            for question, tokens in zip(questions, told, strict=True)
        ]
        return list(zip(found.vectors, uses, strict=True))

    async def _embed(self, endpoint: Endpoint, texts: Sequence[str]) -> _Embedded:
        found = await self._embed_checked(endpoint, texts)
        if found.vectors.shape[1] != self.space.dimension:
            raise _no_vectors(endpoint)
        lengths = np.linalg.norm(found.vectors, axis=1, keepdims=True)
        vectors = found.vectors / np.where(lengths > LEAST_LENGTH, lengths, np.inf)
        return _Embedded(vectors=vectors.astype(np.float32), tokens=found.tokens)

    async def _embed_checked(self, endpoint: Endpoint, texts: Sequence[str]) -> _Embedded:
        unchecked = await _embed_all(endpoint, texts, model=self.space.model)
        if {(endpoint, batch.connection) for batch in unchecked} <= self._checked:
            return _joined(endpoint, unchecked)
        # A check of its own could take another connection, to another server. What is embedded
        # in one request with the probes is what the probes vouch for.
        found = [
            await self._embed_beside_probes(endpoint, texts[i : i + MOST_TEXTS])
            for i in range(0, len(texts), MOST_TEXTS)
        ]
        return replace(_joined(endpoint, found), tokens=_told([*unchecked, *found]))

    async def _embed_beside_probes(self, endpoint: Endpoint, texts: Sequence[str]) -> _Batch:
        probes = [self.space.passage_prefix + text for text in self.space.probe_texts]
        model = self.space.model
        found = await _embed_batch(endpoint, [*probes, *texts], model)
        check_probes(self.space, found.vectors[: len(probes)])
        self._checked.add((endpoint, found.connection))
        return replace(found, vectors=found.vectors[len(probes) :])


async def _embed_all(endpoint: Endpoint, texts: Sequence[str], *, model: str) -> list[_Batch]:
    # One after the other: the endpoint is the bottleneck, and others wait for it too.
    return [
        await _embed_batch(endpoint, texts[i : i + MOST_TEXTS], model)
        for i in range(0, len(texts), MOST_TEXTS)
    ]


def _joined(endpoint: Endpoint, batches: Sequence[_Batch]) -> _Embedded:
    if len({batch.vectors.shape[1] for batch in batches}) != 1:
        raise _no_vectors(endpoint)
    vectors = np.concatenate([batch.vectors for batch in batches])
    return _Embedded(vectors=vectors, tokens=_told(batches))


def _told(batches: Sequence[_Batch]) -> int | None:
    told = [batch.tokens for batch in batches if batch.tokens is not None]
    return sum(told) if len(told) == len(batches) else None


async def _embed_batch(endpoint: Endpoint, texts: Sequence[str], model: str) -> _Batch:
    body = {"model": model, "input": list(texts), "encoding_format": "base64"}
    most = MOST_BYTES_A_TEXT * len(texts)
    reply = await endpoint.post("/embeddings", body, most_bytes=most)
    try:
        answer = _Embeddings.model_validate_json(reply.body)
    except ValidationError as error:
        raise Unavailable(f"{endpoint.address.url}/embeddings is not OpenAI's protocol.") from error
    rows = sorted(answer.data, key=lambda row: row.index)
    if [row.index for row in rows] != list(range(len(texts))):
        raise Unavailable(
            f"{endpoint.address.url} gave {len(rows)} embeddings for {len(texts)} texts."
        )
    try:
        vectors = np.stack([_decode(row.embedding) for row in rows])
    except ValueError as error:  # no base64, odd length, or vectors of several lengths
        raise _no_vectors(endpoint) from error
    if not vectors.size or not np.isfinite(vectors).all():
        raise _no_vectors(endpoint)
    return _Batch(vectors=vectors, tokens=told_tokens(answer.usage), connection=reply.connection)


def _no_vectors(endpoint: Endpoint) -> Unavailable:
    return Unavailable(f"{endpoint.address.url} gave embeddings that are no vectors.")


def _decode(embedding: str | list[float]) -> Vectors:
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding), dtype="<f4").astype(np.float32)
    with np.errstate(over="ignore"):  # an infinity is refused above
        return np.array(embedding, dtype=np.float32)

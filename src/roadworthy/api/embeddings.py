"""POST /v1/embeddings: vectors of a space, as documents and questions are embedded here."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi import Body as FromBody
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from roadworthy.api.bodies import CLEAN, Name, Whole
from roadworthy.api.openapi import problems
from roadworthy.api.streams import unless_gone
from roadworthy.api.visits import KnownVisit, Visit
from roadworthy.core.errors import Invalid, Missing, Unavailable
from roadworthy.core.spaces import Vectors
from roadworthy.gateway.embeddings import SpaceEmbedder

router = APIRouter(tags=["openai"])
MOST_TEXTS = 2048  # as OpenAI bounds it
WRITTEN_AT_ONCE = 64  # vectors; 2,048 would keep everybody waiting for a quarter of a second
DEFAULT = "default"
Text = Annotated[str, Field(min_length=1, max_length=100_000, pattern=CLEAN)]


class EmbeddingsBody(BaseModel):
    """Texts to embed. Further fields are left aside."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    model: Name = Field(description="The name of an embedding space, or default.")
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=MOST_TEXTS)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Whole | None = Field(default=None, ge=1, description="Only the space's own.")
    input_type: Literal["query", "passage"] = Field(
        default="passage", description="An extension: which prefix of the space is put before."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """One vector; little-endian 32-bit floats when it is base64."""

    index: int
    embedding: Sequence[float] | str
    object: Literal["embedding"] = "embedding"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingUsage:
    """Here because clients look for it; tokens of embeddings are not counted."""

    prompt_tokens: Literal[0] = 0
    total_tokens: Literal[0] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """The vectors, in the order of the texts."""

    data: Sequence[Embedding]
    model: str
    usage: EmbeddingUsage
    object: Literal["list"] = "list"


SOME = TypeAdapter(Sequence[Embedding])
EMBEDDINGS = TypeAdapter(Embeddings)


@router.post(
    "/v1/embeddings", response_model=Embeddings, responses=problems(400, 404, 413, 422, 429)
)
async def embed_texts(
    visit: Visit, request: Request, body: Annotated[EmbeddingsBody, FromBody()]
) -> Response:
    """Embed texts in a space, with the prefix that they need there."""
    embedder = _embedder(visit, body.model)
    if body.dimensions not in {None, embedder.space.dimension}:
        raise Invalid(f"Vectors of this space have {embedder.space.dimension} dimensions.")
    vectors = await unless_gone(request.receive, _embed(visit, embedder, body))
    return await response_of(vectors, model=embedder.space.name, encoding=body.encoding_format)


async def response_of(vectors: Vectors, *, model: str, encoding: str) -> Response:
    """Write vectors, some at a time: others have their turns in between."""
    written: list[bytes] = []
    for start in range(0, len(vectors), WRITTEN_AT_ONCE):
        some = [
            Embedding(index=index, embedding=_encoded(vector, encoding))
            for index, vector in enumerate(vectors[start : start + WRITTEN_AT_ONCE], start)
        ]
        written.append(SOME.dump_json(some)[1:-1])
        await asyncio.sleep(0)
    none = Embeddings(data=(), model=model, usage=EmbeddingUsage())
    before, nothing, after = EMBEDDINGS.dump_json(none).partition(b"[]")
    content = b"".join((before, nothing[:1], b",".join(written), nothing[1:], after))
    return Response(content, media_type="application/json")


def _embedder(visit: KnownVisit, name: str) -> SpaceEmbedder:
    services = visit.services
    if name == DEFAULT:
        name = services.default_space.name
    if name in services.embedders:
        return services.embedders[name]
    if name in services.refused_spaces:
        raise Unavailable(services.refused_spaces[name])
    known = ", ".join(sorted(services.embedders))
    raise Missing(f"There is no embedding space {name!r}; there are {known}, and {DEFAULT!r}.")


async def _embed(visit: KnownVisit, embedder: SpaceEmbedder, body: EmbeddingsBody) -> Vectors:
    bounds, tenant_id = visit.services.bounds, visit.principal.tenant_id
    texts = [body.input] if isinstance(body.input, str) else body.input
    async with bounds.deadline().bounding(), bounds.embeddings.place(tenant_id=tenant_id):
        return await embedder.embed_for_client(texts, as_questions=body.input_type == "query")


def _encoded(vector: Vectors, encoding: str) -> Sequence[float] | str:
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    return vector.tolist()

"""The OpenAI protocol: what a request may hold, and how an answer looks."""

import base64
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from roadworthy.gateway.engine.catalogue import (
    CONVERSION,
    EMBEDDING_MODELS,
    SMOLLM2,
    ClassifierModel,
    EmbeddingModel,
    Head,
)
from roadworthy.gateway.engine.classifier import Scored
from roadworthy.gateway.engine.embedder import Embedded
from roadworthy.gateway.protocol import JsonObject

MOST_TEXTS = 256
MOST_CHARACTERS = 20_000  # of one text; a model reads about 2,000 of them
MOST_MESSAGES = 200
MOST_COMPLETION_TOKENS = 2048
USUAL_COMPLETION_TOKENS = 512
MOST_TOP_LOGPROBS = 20
_MOST_STOPS = 4


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Text = Annotated[str, StringConstraints(min_length=1, max_length=MOST_CHARACTERS)]


class EmbeddingRequest(BaseModel):
    """The body of `POST /v1/embeddings`."""

    model: str
    input: Annotated[
        list[_Text], Field(min_length=1, max_length=MOST_TEXTS), BeforeValidator(_listed)
    ]  # one text may stand alone
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None


class ClassificationRequest(BaseModel):
    """The body of `POST /v1/classify`: a head, and either texts or pairs of texts."""

    model: str
    input: (
        Annotated[list[_Text], Field(min_length=1, max_length=MOST_TEXTS), BeforeValidator(_listed)]
        | None
    ) = None
    pairs: (
        Annotated[list[tuple[_Text, _Text]], Field(min_length=1, max_length=MOST_TEXTS)] | None
    ) = None
    background: bool = False  # nobody waits for it


class RerankRequest(BaseModel):
    """The body of `POST /v1/rerank`, as Cohere and Jina have it."""

    model: str
    query: _Text
    documents: Annotated[list[_Text], Field(min_length=1, max_length=MOST_TEXTS)]
    top_n: Annotated[int, Field(ge=1)] | None = None


class ChatRequest(BaseModel):
    """The body of `POST /v1/chat/completions`; what it does not name is not passed on."""

    model_config = ConfigDict(extra="ignore")

    model: str
    messages: Annotated[list[JsonObject], Field(min_length=1, max_length=MOST_MESSAGES)]
    stream: bool = False
    stream_options: JsonObject | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MOST_COMPLETION_TOKENS)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=MOST_COMPLETION_TOKENS)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: int | None = None
    stop: str | Annotated[list[str], Field(max_length=_MOST_STOPS)] | None = None
    response_format: JsonObject | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MOST_TOP_LOGPROBS)] | None = None
    tools: list[JsonObject] | None = None
    tool_choice: str | JsonObject | None = None

    def passed_on(self) -> JsonObject:
        """Return the body for the model, with a limit on the answer's length in any case."""
        body = self.model_dump(exclude_none=True, exclude={"max_completion_tokens"})
        asked = self.max_completion_tokens or self.max_tokens
        return body | {"max_tokens": asked or USUAL_COMPLETION_TOKENS}


def embeddings(model: EmbeddingModel, found: Sequence[Embedded], *, encoding: str) -> JsonObject:
    """Write the answer to an embedding request.

    `usage.truncated_texts` is ours: how many texts were longer than the model reads.
    """
    tokens = sum(one.tokens for one in found)
    return {
        "object": "list",
        "model": model.name,
        "data": [
            {"object": "embedding", "index": index, "embedding": _encoded(one, encoding)}
            for index, one in enumerate(found)
        ],
        "usage": {
            "prompt_tokens": tokens,
            "total_tokens": tokens,
            "truncated_texts": sum(one.is_truncated for one in found),
        },
    }


def _encoded(one: Embedded, encoding: str) -> str | list[float]:
    if encoding == "base64":
        return base64.b64encode(one.vector.astype("<f4").tobytes()).decode("ascii")
    return one.vector.astype(np.float32).tolist()


def classification(
    model: ClassifierModel, head: Head, found: Sequence[Scored], *, threshold: float
) -> JsonObject:
    """Write the answer to a classification request: scores from 0 to 1, in order.

    `truncated` says which texts were not read to their end: their scores say little.
    """
    return {
        "object": "classification",
        "model": head.name,
        "version": model.version,
        "threshold": threshold,
        "scores": [one.score for one in found],
        "truncated": [one.is_truncated for one in found],
        "usage": {"truncated_texts": sum(one.is_truncated for one in found)},
    }


def ranking(model: EmbeddingModel, scores: Sequence[float], *, top_n: int | None) -> JsonObject:
    """Write the answer to a rerank request: the best first; ties keep their order."""
    best_first = sorted(enumerate(scores), key=lambda each: -each[1])
    return {
        "model": model.name,
        "results": [{"index": at, "relevance_score": score} for at, score in best_first[:top_n]],
    }


def models() -> JsonObject:
    """List what is served; the facts that a space must agree with stand at each encoder."""
    chat = {
        "id": SMOLLM2.name,
        "object": "model",
        "created": 0,
        "owned_by": SMOLLM2.weights.distribution,
        "revision": f"{SMOLLM2.weights.sha256[:12]}-{CONVERSION}",
        "max_tokens": SMOLLM2.context_tokens,
    }
    return {"object": "list", "data": [*map(_described, EMBEDDING_MODELS.values()), chat]}


def _described(model: EmbeddingModel) -> JsonObject:
    return {
        "id": model.name,
        "object": "model",
        "created": 0,
        "owned_by": model.weights.distribution,
        "revision": model.revision,
        "dimension": model.dimension,
        "max_tokens": model.max_tokens,
        "normalised": True,
        "pooling": "mean",
        "prefixes": {"query": model.query_prefix, "passage": model.passage_prefix},
    }

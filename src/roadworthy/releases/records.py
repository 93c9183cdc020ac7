"""What a release says."""

import hashlib
import json
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from roadworthy.core.errors import Invalid

Weight = Annotated[float, Field(ge=0, le=1)]
SpaceName = Annotated[str, Field(min_length=1, max_length=100)]
SpaceWeights = Annotated[
    dict[SpaceName, Weight],
    Field(max_length=20),
    # In one order: the same weights have one hash.
    AfterValidator(lambda weights: dict(sorted(weights.items()))),
]
# These came later: what releases from before mean by saying nothing of it. Such a value is left out
# of what is stored and hashed, so that they keep their hash, whatever the default is now.
LATER = {"fusion": "weighted", "space_weights": {}, "rerank": None, "context_tokens": None}


class Rerank(BaseModel):
    """How many of the best hits a cross-encoder reads again, and for how long it is waited for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidates: int = Field(default=30, ge=2, le=100)
    budget_ms: int = Field(default=500, ge=1, le=60_000)


class Release(BaseModel):
    """All that shapes an answer. Two releases with the same hash answer alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answerer: Literal["extract", "generate"]
    corpus: str = Field(default="main", min_length=1, max_length=100)
    # Left out: as the corpus routes. Named: every question is compared in that space alone.
    space: str | None = Field(default=None, min_length=1, max_length=100)
    # How many passages are searched for, and how much of the rank is by meaning.
    passages: int = Field(default=8, ge=1, le=50)
    vector_weight: float = Field(default=0.5, ge=0, le=1)
    # By stretched scores (weighted), more by the ranking whose best stand out more (standardised),
    # or by ranks alone (reciprocal); and how much each space's ranking counts where a corpus is
    # searched in several: one that is not named, 1.
    fusion: Literal["weighted", "standardised", "reciprocal"] = "standardised"
    space_weights: SpaceWeights = Field(default_factory=dict)
    # Left out: the hits stay as they were joined.
    rerank: Rerank | None = None
    # The most tokens of passages that are read, by estimate; left out: all that are searched for.
    context_tokens: int | None = Field(default=None, ge=300, le=100_000)
    # Below this relevance of the best passage the documents do not say; no model is called.
    least_relevance: float = Field(default=0.15, ge=0, le=1)
    # extract: the most sentences that are quoted.
    sentences: int = Field(default=3, ge=1, le=10)
    # generate: which model, by which prompt.
    model: str | None = Field(default=None, max_length=200)
    prompt: str | None = Field(default=None, max_length=100)
    max_tokens: int = Field(default=400, ge=1, le=8000)
    temperature: float = Field(default=0, ge=0, le=2)

    @property
    def canonical(self) -> str:
        """Give the text that is stored and hashed."""
        unsaid = {name for name, meant in LATER.items() if getattr(self, name) == meant}
        return self.model_dump_json(exclude=unsaid)

    @property
    def hash(self) -> str:
        """Give the SHA-256 of the canonical text in hexadecimal."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()


BUILT_IN = {
    "extract": Release(answerer="extract"),
    "smollm2": Release(answerer="generate", model="smollm2", prompt="answer-1", passages=3),
}
DEFAULT = "extract"


def read_stored(canonical: str) -> Release:
    """Read what `canonical` gave, perhaps in an earlier version."""
    return parse_release(json.dumps(LATER | json.loads(canonical)))


def parse_release(content: str | bytes) -> Release:
    """Read a release from JSON.

    Raises:
        Invalid: a field is unknown, missing or out of range; the sentence names it.
    """
    try:
        release = Release.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise Invalid(f"The release's {field} is wrong: {first['msg']}.") from error
    if release.answerer == "generate" and not (release.model and release.prompt):
        raise Invalid("A release that generates names its model and its prompt.")
    return release

"""What a release says."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
)

from roadworthy.core.errors import Invalid
from roadworthy.core.json_schemas import check_schema
from roadworthy.plumbing.endpoint_settings import CHAT, NAME
from roadworthy.releases.guards import GUARDED, Guards, check_findings, over_defaults

CONVERSATION_TOKENS = 32_000


def _usable(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        check_schema(schema)
    except Invalid as error:
        raise ValueError(error.message) from error
    return schema


def _context_tokens(told: Mapping[str, object]) -> int | None:
    return CONVERSATION_TOKENS if told.get("answerer") == "chat" else None


Weight = Annotated[float, Field(ge=0, le=1)]
JsonSchema = Annotated[dict[str, JsonValue], AfterValidator(_usable)]
SpaceName = Annotated[str, Field(min_length=1, max_length=100)]
SpaceWeights = Annotated[
    dict[SpaceName, Weight],
    Field(max_length=20),
    # In one order: the same weights have one hash.
    AfterValidator(lambda weights: dict(sorted(weights.items()))),
]
# These came later: what releases from before mean by saying nothing of it. Such a value is left out
# of what is stored and hashed, so that they keep their hash, whatever the default is now.
LATER = {
    "fusion": "weighted",
    "space_weights": {},
    "rerank": None,
    "context_tokens": None,
    "route": (),
    "hedge_ms": None,
    "deadline_s": 300,
    "json_schema": None,
    "cache": False,
    "guards": None,
    "first_try": None,
}


class Rerank(BaseModel):
    """How many of the best hits a reranker reads again, and for how long it is waited for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidates: int = Field(default=30, ge=2, le=100)
    budget_ms: int = Field(default=500, ge=1, le=60_000)


class Step(BaseModel):
    """A model that may answer, and the endpoint where it is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str = Field(pattern=NAME)
    model: str = Field(min_length=1, max_length=200)


class FirstTry(BaseModel):
    """A smaller model that answers first; where something speaks against that, it is not told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    route: tuple[Step, ...] = Field(min_length=1, max_length=10)
    # Below this mean probability of its tokens it is not believed, nor where nobody tells that;
    # left out: it is not asked for.
    least_confidence: float | None = Field(default=None, gt=0, le=1)
    deadline_s: float = Field(default=20, gt=0, le=3600)  # of its whole answer


class Release(BaseModel):
    """All that shapes an answer. Two releases with the same hash answer alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Sentences of documents, a model that reads documents, or a model by itself.
    answerer: Literal["extract", "generate", "chat"]
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
    # The most tokens that are read, by estimate: of passages (null: all that are searched for), or
    # of a conversation (null: whatever is sent).
    context_tokens: int | None = Field(default_factory=_context_tokens, ge=300, le=100_000)
    # Below this relevance of the best passage the documents do not say; no model is called.
    least_relevance: float = Field(default=0.15, ge=0, le=1)
    # extract: the most sentences that are quoted.
    sentences: int = Field(default=3, ge=1, le=10)
    # generate, chat: which model, or which models in order, by which prompt.
    model: str | None = Field(default=None, max_length=200)
    route: tuple[Step, ...] = Field(default=(), max_length=10)
    # generate: who answers before those, and is told if nothing speaks against it.
    first_try: FirstTry | None = None
    # After how long without text the next step is asked as well; left out: not before one failed.
    hedge_ms: int | None = Field(default=None, ge=1, le=600_000)
    # Until when the model's whole answer must be there: every step, try and wait.
    deadline_s: float = Field(default=300, gt=0, le=3600)
    prompt: str | None = Field(default=None, max_length=100)
    # That the answer fits, as JSON; left out: it is text. The order of its fields is kept, since
    # models write them in that order.
    json_schema: JsonSchema | None = None
    max_tokens: int = Field(default=400, ge=1, le=8000)
    temperature: float = Field(default=0, ge=0, le=2)
    # generate: whether its answers are given again to who asks the same and reads the same.
    cache: bool = Field(default_factory=lambda told: told.get("answerer") == "generate")
    # Which guards look, and what holds where one cannot; null: none looks.
    guards: Guards | None = GUARDED

    @property
    def steps(self) -> tuple[Step, ...]:
        """Give the models that may answer, in order; none where no model is asked."""
        alone = () if self.model is None else (Step(endpoint=CHAT, model=self.model),)
        return self.route or alone

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Name every endpoint that may be asked for an answer."""
        first = self.first_try.route if self.first_try else ()
        return tuple(step.endpoint for step in (*first, *self.steps))

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
    "smollm2": Release(answerer="generate", model="smollm2", prompt="answer-2", passages=3),
}
DEFAULT = "extract"


def read_stored(canonical: str) -> Release:
    """Read what `canonical` gave, perhaps in an earlier version."""
    return _parsed(json.dumps(LATER | json.loads(canonical)))


def parse_release(content: str | bytes) -> Release:
    """Read a release from JSON; guards that it does not name are as by default.

    Raises:
        Invalid: a field is unknown, missing or out of range; the sentence names it.
    """
    release = _parsed(_with_guards(content))
    check_findings(release.guards)
    return release


def _with_guards(content: str | bytes) -> str | bytes:
    try:
        told = json.loads(content)
    except ValueError:
        return content  # refused below, with its reason
    if isinstance(told, dict) and isinstance(told.get("guards"), dict):
        return json.dumps(told | {"guards": over_defaults(told["guards"])})
    return content


def _parsed(content: str | bytes) -> Release:
    try:
        release = Release.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise Invalid(f"The release's {field} is wrong: {first['msg']}.") from error
    if release.answerer == "generate" and not (release.steps and release.prompt):
        raise Invalid("A release that generates names its model and its prompt; or a route.")
    if release.model is not None and release.route:
        raise Invalid("A release names either a model or a route; a route names its models.")
    if release.hedge_ms is not None and len(release.route) < 2:
        raise Invalid("A release that sets hedge_ms has a route of two steps or more.")
    _check_first_try(release)
    if release.answerer != "generate" and release.cache:
        raise Invalid("Only what a model wrote from documents is given again; leave cache out.")
    if release.answerer == "chat" and (not release.steps or release.json_schema is not None):
        raise Invalid("A release that chats names its model, or a route, and no json_schema.")
    return release


def _check_first_try(release: Release) -> None:
    if release.first_try is None:
        return
    if release.answerer != "generate":
        raise Invalid("Only a release that generates tries a smaller model; leave first_try out.")
    if release.json_schema is not None and release.first_try.least_confidence is None:
        raise Invalid(
            "JSON that fits its schema may still be wrong: a first_try beside a json_schema needs "
            "least_confidence."
        )

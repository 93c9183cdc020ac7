"""What a fake model does stands in its name: `fake-latency=200ms-rate=50-error=0.1-text=cite`."""

import re
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from roadworthy.core.errors import Missing

GRAMMAR = (
    "A fake model is called `fake`, then what it shall do, each part at most once: "
    "-latency=200ms (or 1.5s; until the first token), -rate=50 (tokens a second), -tokens=120 (the "
    "length of an answer), -text=fixed, echo, cite, refuse or json, -confidence=0.4 (the "
    "probability of each token, where logprobs are asked for), -error=0.1 (the share of calls that "
    "go wrong), -kind=500, 503, 429, hang or cut (how they do), -dimension=384 (of embeddings)."
)
# What /v1/models lists: some of the many.
EXAMPLES = (
    "fake",
    "fake-latency=200ms-rate=50-text=cite",
    "fake-latency=200ms-rate=50-error=0.1-kind=cut",
)
DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(ms|s)")

Kind = Literal["500", "503", "429", "hang", "cut"]
Text = Literal["fixed", "echo", "cite", "refuse", "json"]


def _seconds(told: str) -> float:
    found = DURATION.fullmatch(told)
    if found is None:
        raise ValueError("it is no duration such as 200ms or 1.5s")
    return float(found[1]) / (1000 if found[2] == "ms" else 1)


class Behaviour(BaseModel):
    """How the calls of one model go. The fields are the parts of its name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency: Annotated[float, Field(ge=0, le=600), BeforeValidator(_seconds)] = 0  # seconds
    rate: Annotated[float, Field(gt=0, le=1_000_000)] | None = None  # None: as fast as can be
    tokens: Annotated[int, Field(ge=1, le=100_000)] | None = None  # None: what it says, once
    text: Text = "fixed"
    confidence: Annotated[float, Field(gt=0, le=1)] = 1
    error: Annotated[float, Field(ge=0, le=1)] = 0
    kind: Kind = "500"
    dimension: Annotated[int, Field(ge=1, le=8192)] = 384

    def writing_s(self, tokens: int) -> float:
        """Tell how long so many tokens take after the first."""
        return (tokens - 1) / self.rate if self.rate else 0


@lru_cache(1000)
def behaviour_of(model: str) -> Behaviour:
    """Read a model's name.

    Raises:
        Missing: it is no name of a fake model; the sentence says the grammar.
    """
    fake, *parts = model.split("-")
    told = dict(part.split("=", 1) for part in parts if "=" in part)
    if fake != "fake" or len(told) != len(parts):
        raise Missing(GRAMMAR)
    try:
        return Behaviour.model_validate(told)
    except ValidationError as error:
        part = error.errors(include_url=False, include_input=False)[0]["loc"][0]
        raise Missing(f"What the name says of {part} is wrong. {GRAMMAR}") from error

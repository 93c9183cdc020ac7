"""What a release asks of the guards: which look, and what holds where one cannot."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
)

from roadworthy.core.errors import Invalid

LONGEST_TURN = 200_000  # characters; a longer one is refused before any guard
# Of what they find a part may be told by then: a key has many lines, a prompt many sentences.
BLOCK_ALONE = ("secrets", "leakage")
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]


class _Said(BaseModel):
    """A record that is written without what it does not say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_serializer(mode="wrap")
    def _said(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {name: value for name, value in write(self).items() if value is not None}


class Guard(_Said):
    """A guard that looks."""

    # What holds when it cannot look: the answer goes on and says `degraded`, or is blocked.
    on_failure: Literal["open", "closed"]


class SizeGuard(Guard):
    """How long a question may be."""

    most_characters: int | None = Field(default=None, ge=1, le=LONGEST_TURN)


class LanguageGuard(Guard):
    """In which languages may be asked; none named: in any."""

    languages: Annotated[tuple[LanguageCode, ...], Field(max_length=50)] = ()


class JudgedGuard(Guard):
    """A guard by rules and, where there is one, by a classifier."""

    # From which score of the classifier on; left out: as measured with it.
    threshold: float | None = Field(default=None, ge=0, le=1)
    # Closed unless rules and classifier have both looked.
    second_opinion: bool = False


class AnswerGuard(Guard):
    """A guard of what is written: a finding is taken out, or ends the answer."""

    on_finding: Literal["redact", "block"]


class ScoredAnswerGuard(AnswerGuard):
    """A guard of what is written, by a classifier alone."""

    threshold: float | None = Field(default=None, ge=0, le=1)


class Guards(_Said):
    """The guards of a release. One that is not named does not look."""

    size: SizeGuard | None = None
    language: LanguageGuard | None = None
    injection: JudgedGuard | None = None  # a question that gives orders to the model
    probing: Guard | None = None  # one for secrets, or for personal data of others
    pretexts: Guard | None = None  # one that claims a right that nobody has here
    abuse: JudgedGuard | None = None
    passages: JudgedGuard | None = None  # instructions to a model in what was found
    personal_data: AnswerGuard | None = None  # that is not in what the asker may read
    secrets: AnswerGuard | None = None
    leakage: AnswerGuard | None = None  # of the prompt
    links: AnswerGuard | None = None  # that the documents do not have
    toxicity: ScoredAnswerGuard | None = None
    grounding: ScoredAnswerGuard | None = None  # of each sentence, in what it cites


# A release that says nothing. What needs a model that may be down fails open: the rules have
# looked. What is rules alone fails closed: only a fault of ours can stop it.
GUARDED = Guards(
    size=SizeGuard(on_failure="closed"),
    language=LanguageGuard(on_failure="open"),
    injection=JudgedGuard(on_failure="open"),
    probing=Guard(on_failure="closed"),
    pretexts=Guard(on_failure="closed"),
    abuse=JudgedGuard(on_failure="open"),
    passages=JudgedGuard(on_failure="open"),
    personal_data=AnswerGuard(on_failure="closed", on_finding="redact"),
    secrets=AnswerGuard(on_failure="closed", on_finding="block"),
    leakage=AnswerGuard(on_failure="closed", on_finding="block"),
    links=AnswerGuard(on_failure="closed", on_finding="block"),
)


def check_findings(guards: Guards | None) -> None:
    """Refuse what no guard does with what it finds; a stored release may still say it.

    Raises:
        Invalid: a guard that can only block shall redact.
    """
    for name in BLOCK_ALONE:
        guard = getattr(guards, name, None)
        if isinstance(guard, AnswerGuard) and guard.on_finding == "redact":
            raise Invalid(
                f"The release's guards.{name}.on_finding is wrong: this guard can only block, "
                "since what it finds has many lines, and some would be told."
            )


def doubting(guards: Guards | None, *, grounded: bool) -> Guards:
    """Let each guard of answers speak against one by whatever it finds, and if it fails.

    Args:
        grounded: each sentence is to be grounded, whether the release asks for that or not.
    """
    asked = {name: guard for name, guard in guards or Guards() if isinstance(guard, AnswerGuard)}
    if grounded:
        asked.setdefault("grounding", ScoredAnswerGuard(on_failure="closed", on_finding="block"))
    strict = {"on_failure": "closed", "on_finding": "block"}
    return Guards.model_validate(
        {name: guard.model_copy(update=strict) for name, guard in asked.items()}
    )


def over_defaults(told: Mapping[str, object]) -> dict[str, object]:
    """Lay what somebody writes of some guards over the defaults; null turns a guard off.

    A release that names one guard to change it must not lose the others by that.
    """
    default: dict[str, object] = GUARDED.model_dump(mode="json")
    return default | {
        name: before | said
        if isinstance(said, dict) and isinstance(before := default.get(name), dict)
        else said
        for name, said in told.items()
    }

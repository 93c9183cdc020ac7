"""What is known of an interaction when it begins, and when it has ended."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

WRITE, FIRST_TRY = "write", "first try"
OF_CHAT = frozenset({WRITE, FIRST_TRY})  # stages that ask chat models, as SQL's asks_chat says
QUOTE = "quote"  # the stage that answers without one
LONGEST_TEXT = 20_000  # characters of a question, a problem or an answer that are kept


def _kept(text: object) -> object:
    """Cut a text, and replace what neither JSON nor PostgreSQL can hold."""
    if not isinstance(text, str):
        return text
    return text[:LONGEST_TEXT].replace("\0", "\ufffd").encode(errors="replace").decode()


Kept = Annotated[str, BeforeValidator(_kept)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Begun(_Record):
    """Somebody asked."""

    id: uuid.UUID
    tenant_id: int
    pseudonym: str  # keyed hash of the user id
    surface: str  # answers, chat, search, cli
    question: Kept
    started_at: datetime
    key_id: uuid.UUID | None = None  # of the API key that asked; None: by command


class SearchedFor(_Record):
    """How a question was read. An earlier question that it leans on stands before it."""

    text: Kept  # what is embedded and looked up
    filters: tuple[Kept, ...] = ()  # which documents it is looked for in: all must hold


class Stage(_Record):
    """One step on the way to the answer."""

    name: str
    ms: float
    note: str = ""  # such as by which path it went
    calls: int = 0  # of models
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = None  # of the calls whose price is known; None: of none
    unpriced: int = 0  # calls whose price, or tokens, are not known


class Avoided(_Record):
    """A model's answer that was not needed, and what it would have taken."""

    why: Literal["cached", "unanswerable", "blocked", "smaller model"]
    # Of the answer that was given again, or that the smaller model wrote; else what would have been
    # read, by estimate, and 0: nobody knows.
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None = None  # None: no price is known


class Reading(_Record):
    """What an answerer read of what was found."""

    pieces: tuple[tuple[int, ...], ...]  # of neighbouring passages, by their ids, in this order
    tokens: int  # estimated
    copies: int  # hits that say the same as better ones
    cut: int  # hits that the budget had no room for


class GuardVerdict(_Record):
    """What a guard says, by one of its detectors, of a question, of passages or of an answer.

    Invariant: status is checked only where it has looked at all of it: of an answer, at all that
    was given to the asker.
    """

    guard: str  # such as injection, links
    of: Literal["question", "passages", "answer"]
    by: Literal["rules", "classifier"]
    version: str = ""  # of the detector; "": none was asked
    status: Literal["checked", "skipped", "failed"]
    reason: str = ""  # why it did not look at all of it; what was found, by names of ours
    # What came of it; None: it said nothing, and nothing came of that.
    outcome: Literal["pass", "blocked", "dropped", "redacted"] | None = None
    threshold: float | None = None  # of the score, from which on it is a finding
    score: float | None = None  # the worst that was given, from 0 to 1
    passages: tuple[int, ...] = ()  # that were dropped
    ms: float = 0.0


class ScoredPassage(_Record):
    """What a classifier said of a passage that had no score yet."""

    passage_id: int
    digest: str  # hexadecimal: of what was scored
    score: float
    threshold: float
    version: str


class TraceHit(_Record):
    """A passage that was found."""

    document_id: uuid.UUID
    passage_id: int
    score: float
    keyword_score: float | None = None
    vector_score: float | None = None
    cited: bool


class Reusable(_Record):
    """What an answer is found again by, when somebody asks the same and reads the same."""

    space_id: int
    vector: str  # of the question in that space: base64 of little-endian float16
    cited: tuple[tuple[int, int], ...]  # number as in [1], and passage


class Trace(_Record):
    """A whole interaction, however it ended."""

    begun: Begun
    ended_at: datetime | None = None  # None: the process died
    outcome: str  # answered, abstained, blocked, found, refused, failed, cancelled, interrupted
    problem: Kept | None = None
    release_name: str | None = None
    release_hash: str | None = None
    language: str = "und"
    searched_for: SearchedFor | None = None  # None: it was not read
    stages: tuple[Stage, ...] = ()
    hits: tuple[TraceHit, ...] = ()
    reading: Reading | None = None
    verdicts: tuple[GuardVerdict, ...] = ()
    scored: tuple[ScoredPassage, ...] = ()  # kept with the passages, not with the trace
    answer: Kept | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    degraded: tuple[str, ...] = ()
    cached_from: uuid.UUID | None = None  # the trace whose answer was given again
    reusable: Reusable | None = None  # None: the answer is given to nobody else
    avoided: Avoided | None = None  # None: no model was spared
    # What came of a smaller model's answer; counted and not stored, where its stage tells it.
    first_tried: str | None = Field(default=None, exclude=True)


def interrupted(begun: Begun) -> Trace:
    """Say of an interaction that it began and that its process died."""
    return Trace(begun=begun, ended_at=None, outcome="interrupted")


def wordless(trace: Trace) -> Trace:
    """Leave out what may quote documents: the answer, and what a model said when it failed."""
    return trace.model_copy(update={"answer": None, "problem": None, "reusable": None})


def anonymous(trace: Trace) -> Trace:
    """Leave out who asked, what was asked and what was answered."""
    begun = trace.begun.model_copy(update={"pseudonym": "", "question": "", "key_id": None})
    return wordless(trace).model_copy(update={"begun": begun, "searched_for": None})

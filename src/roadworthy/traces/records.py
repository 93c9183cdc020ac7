"""What is known of an interaction when it begins, and when it has ended."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

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


class SearchedFor(_Record):
    """How a question was read. An earlier question that it leans on stands before it."""

    text: Kept  # what is embedded and looked up
    filters: tuple[Kept, ...] = ()  # which documents it is looked for in: all must hold


class Stage(_Record):
    """One step on the way to the answer."""

    name: str
    ms: float
    note: str = ""  # such as by which path it went


class Reading(_Record):
    """What an answerer read of what was found."""

    pieces: tuple[tuple[int, ...], ...]  # of neighbouring passages, by their ids, in this order
    tokens: int  # estimated
    copies: int  # hits that say the same as better ones
    cut: int  # hits that the budget had no room for


class TraceHit(_Record):
    """A passage that was found."""

    document_id: uuid.UUID
    passage_id: int
    score: float
    keyword_score: float | None = None
    vector_score: float | None = None
    cited: bool


class Trace(_Record):
    """A whole interaction, however it ended."""

    begun: Begun
    ended_at: datetime | None = None  # None: the process died
    outcome: str  # answered, abstained, found, refused, failed, cancelled, interrupted
    problem: Kept | None = None
    release_name: str | None = None
    release_hash: str | None = None
    language: str = "und"
    searched_for: SearchedFor | None = None  # None: it was not read
    stages: tuple[Stage, ...] = ()
    hits: tuple[TraceHit, ...] = ()
    reading: Reading | None = None
    answer: Kept | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    degraded: tuple[str, ...] = ()


def interrupted(begun: Begun) -> Trace:
    """Say of an interaction that it began and that its process died."""
    return Trace(begun=begun, ended_at=None, outcome="interrupted")


def wordless(trace: Trace) -> Trace:
    """Leave out what may quote documents: the answer, and what a model said when it failed."""
    return trace.model_copy(update={"answer": None, "problem": None})


def anonymous(trace: Trace) -> Trace:
    """Leave out who asked, what was asked and what was answered."""
    begun = trace.begun.model_copy(update={"pseudonym": "", "question": ""})
    return wordless(trace).model_copy(update={"begun": begun, "searched_for": None})

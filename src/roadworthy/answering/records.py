"""What is asked, what is answered, and what is told on the way."""

import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from roadworthy.answering.context import Context
from roadworthy.answering.copies import place_of
from roadworthy.core.spaces import QueryVector
from roadworthy.gateway.calls import Call
from roadworthy.gateway.chat import Message
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.uses import OnUse
from roadworthy.plumbing.deadlines import Deadline
from roadworthy.releases import Release
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.search import Hit
from roadworthy.traces.records import GuardVerdict, Reading, SearchedFor, Stage

ANSWERED, ABSTAINED, BLOCKED = "answered", "abstained", "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with the turns before it. Invariant: the last turn is the user's."""

    turns: Sequence[Message]
    surface: str  # answers, chat, cli
    release: str | None = None  # None: the live one
    language: str | None = None  # of the question; None: it is detected
    among: Filter = field(default_factory=Filter)
    timeout_s: float | None = None  # None: the limit of the installation
    key_id: uuid.UUID | None = None  # of the API key that asks; None: by command
    cache: bool = True  # False: no kept answer is given, and this one is not kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """Another passage that holds the same words."""

    passage_id: int
    document_id: uuid.UUID
    document_name: str
    title: str
    version: int
    page_first: int | None
    page_last: int | None
    start: int  # of the same words, in code points of its document's text
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Where a statement of the answer comes from."""

    number: int  # as in [1]
    passage_id: int
    document_id: uuid.UUID
    document_name: str
    title: str
    version: int
    page_first: int | None
    page_last: int | None
    heading: str
    start: int  # code points into the document's text
    end: int
    quote: str  # the document's text from start to end
    copies: Sequence[Copy] = ()  # where it stands too, of what was found


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The whole outcome of a question."""

    id: uuid.UUID  # of the trace too
    outcome: str  # answered, abstained, blocked
    text: str
    language: str
    searched_for: SearchedFor | None  # None: no documents are read
    citations: Sequence[Citation]
    release: str
    release_hash: str
    relevance: float | None  # of the best passage, 0 to 1; None: no documents are read
    reading: Reading | None  # what was read; None: nothing was found
    verdicts: Sequence[GuardVerdict]
    stages: Sequence[Stage]
    degraded: Sequence[str]
    model_ms: float  # spent waiting for models
    input_tokens: int
    output_tokens: int
    invented_citations: int  # removed, because no passage had that number
    cached_from: uuid.UUID | None = None  # the trace whose answer was given again
    made_from: Sequence[int] = ()  # passages: who may not read them all may not read the answer
    warnings: Sequence[str] = ()  # such as of a budget that is nearly spent
    first_tried: str | None = None  # believed, or why not; None: no smaller model was asked


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPiece:
    """The next piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCalled:
    """What a call of a model took that is not asked to write: those are told to `Task.on_call`."""

    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CitationInvented:
    """A model cited a passage that it was not given; the mark was removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Degraded:
    """The answer is poorer than it could be: `what` was down, or cut the answer off."""

    what: str  # embeddings, full length


@dataclass(frozen=True, slots=True, kw_only=True)
class NotInDocuments:
    """The answerer read the passages and says that the answer is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What an answerer gets: a question and what may be used for it, and nothing else."""

    release: Release
    question: str
    language: str
    query: QueryVector | None  # None: the embedding model is down, or serves not this language
    context: Context
    embedder: SpaceEmbedder | None  # of the query's space; None: nothing is compared
    deadline: Deadline | None = None  # of the whole answer; None: it has as long as it takes
    turns: Sequence[Message] = ()  # the conversation, for an answerer that reads no documents
    mark: str = ""  # drawn for this request: stands in its prompt, and nowhere else
    asks_confidence: bool = False  # how sure the model is of its words, where that can be told
    # Told of each call of a chat model, however it ended: also when nobody reads what is written.
    on_call: Callable[[Call], None] = lambda _: None
    on_use: OnUse = lambda _: None  # the same of models that write nothing


Written = TextPiece | Citation | ModelCalled | CitationInvented | Degraded | NotInDocuments


class Answerer(Protocol):
    """Writes an answer from the context of a task."""

    def write(self, task: Task) -> AsyncGenerator[Written]:
        """Write piece by piece; a Citation follows the piece that its mark ends.

        So it is told with the sentence of that mark, and never with one before. One may come
        again: it is told once.

        Raises:
            Unavailable: a model is down, breaks off, or says nothing.
        """
        ...


Event = Stage | TextPiece | Citation | Answer


def cite(
    hit: Hit, number: int, *, context: Context, start: int = 0, end: int | None = None
) -> Citation:
    """Cite a hit, or the run of its text from `start` to `end`, with where that stands too."""
    end = len(hit.text) if end is None else end
    quote = hit.text[start:end]
    return Citation(
        number=number,
        passage_id=hit.passage_id,
        document_id=hit.document_id,
        document_name=hit.document_name,
        title=hit.title,
        version=hit.version,
        page_first=hit.page_first,
        page_last=hit.page_last,
        heading=hit.heading,
        start=hit.start + start,
        end=hit.start + end,
        quote=quote,
        copies=tuple(
            _copy(other, *held)
            for other in context.copies.get(hit.passage_id, ())
            if (held := place_of(quote, other))
        ),
    )


def _copy(hit: Hit, start: int, end: int) -> Copy:
    return Copy(
        passage_id=hit.passage_id,
        document_id=hit.document_id,
        document_name=hit.document_name,
        title=hit.title,
        version=hit.version,
        page_first=hit.page_first,
        page_last=hit.page_last,
        start=hit.start + start,
        end=hit.start + end,
    )

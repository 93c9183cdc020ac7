"""What is known of an interaction so far, and what is told and recorded of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from roadworthy.answering.cached import Cache
from roadworthy.answering.context import NOTHING, Context
from roadworthy.answering.in_flight import Making
from roadworthy.answering.records import (
    Answer,
    Citation,
    CitationInvented,
    Degraded,
    ModelCalled,
    NotInDocuments,
    TextPiece,
    Written,
)
from roadworthy.answering.searching import trace_hits
from roadworthy.answering.spending import Spent, avoided
from roadworthy.core.clock import now
from roadworthy.gateway.calls import OVERTAKEN, Call
from roadworthy.gateway.prices import PriceBook
from roadworthy.gateway.uses import Use
from roadworthy.guardrails.answers import AnswerGuards
from roadworthy.guardrails.looking import degraded
from roadworthy.plumbing.deadlines import Deadline
from roadworthy.releases.store import StoredRelease
from roadworthy.traces import (
    Begun,
    GuardVerdict,
    Reading,
    SearchedFor,
    Stage,
    Trace,
    TraceHit,
)
from roadworthy.traces.records import Avoided, Reusable, ScoredPassage
from roadworthy.traces.reuse import KeptAnswer


@dataclass(slots=True, kw_only=True)
class Progress:
    """What is known of an interaction so far."""

    begun: Begun
    deadline: Deadline
    prices: PriceBook
    on_call: Callable[[Call], None] = lambda _: None
    outcome: str = "cancelled"
    problem: str | None = None
    release: StoredRelease | None = None
    language: str = "und"
    searched_for: SearchedFor | None = None
    relevance: float = 0.0
    verdicts: list[GuardVerdict] = field(default_factory=list)
    scored: list[ScoredPassage] = field(default_factory=list)  # to be kept
    guards: AnswerGuards | None = None  # of what is written
    stages: list[Stage] = field(default_factory=list)
    making: Making | None = None
    context: Context = NOTHING
    reading: Reading | None = None
    text: str = ""
    citations: list[Citation] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    waited_s: float = 0.0  # for a place
    model_ms: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    invented_citations: int = 0
    cache: Cache | None = None
    cached: KeptAnswer | None = None
    reusable: Reusable | None = None
    warnings: list[str] = field(default_factory=list)
    avoided: Avoided | None = None  # by a smaller model
    first_tried: str | None = None  # what came of the smaller model's answer
    spent: Spent = field(init=False)  # in the stage that runs

    def __post_init__(self) -> None:
        self.spent = Spent(prices=self.prices)

    def wait(self, seconds: float) -> None:
        """Note that a place was waited for, if it was."""
        if seconds:
            self.waited_s += seconds
            self.stages.append(Stage(name="wait", ms=seconds * 1000))

    @property
    def said(self) -> tuple[GuardVerdict, ...]:
        """What the guards said so far."""
        return (*self.verdicts, *(self.guards.verdicts() if self.guards else ()))

    @property
    def lacking(self) -> tuple[str, ...]:
        """What was down, or could not look."""
        return (*self.degraded, *degraded(self.said))

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Time a step, and note what it spent; what is added to the list is its note."""
        notes: list[str] = []
        outer, self.spent = self.spent, Spent(prices=self.prices)
        try:
            with self.spent.timed(name, into=self.stages, notes=notes):
                yield notes
        finally:
            self.spent = outer

    def called(self, call: Call) -> None:
        """Note a call of a chat model that has ended; one that was not taken up has none."""
        if call.outcome != OVERTAKEN:  # beside another
            self.model_ms += call.ms
        self.spent.calls.append(call)
        self.on_call(call)
        self.input_tokens += call.input_tokens or 0
        self.output_tokens += call.output_tokens or 0

    def used(self, use: Use) -> None:
        """Note what a model took that writes nothing."""
        self.spent.uses.append(use)

    def note(self, written: Written) -> TextPiece | Citation | None:
        """Keep what was written; gives what is told of it."""
        match written:
            case TextPiece():
                self.text += written.text
                return written
            case Citation():
                self.citations.append(written)
                return written
            case ModelCalled():
                self.model_ms += written.ms
            case CitationInvented():
                self.invented_citations += 1
            case Degraded():
                self.degraded.append(written.what)
            case NotInDocuments():
                pass
        return None

    def answer(self) -> Answer:
        """Give the whole answer."""
        assert self.release is not None
        return Answer(
            id=self.begun.id,
            outcome=self.outcome,
            text=self.text,
            language=self.language,
            searched_for=self.searched_for,
            citations=tuple(self.citations),
            release=self.release.name,
            release_hash=self.release.hash,
            relevance=self.relevance if self.searched_for else None,
            reading=self.reading,
            verdicts=self.said,
            stages=tuple(self.stages),
            degraded=self.lacking,
            model_ms=self.model_ms,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            invented_citations=self.invented_citations,
            cached_from=self.cached.trace_id if self.cached else None,
            warnings=tuple(self.warnings),
            first_tried=self.first_tried,
            made_from=tuple(sorted({hit.passage_id for hit in self._all_hits()})),
        )

    def trace(self) -> Trace:
        """Give what is recorded, however it ended."""
        return Trace(
            begun=self.begun,
            ended_at=now(),
            outcome=self.outcome,
            problem=self.problem,
            release_name=self.release.name if self.release else None,
            release_hash=self.release.hash if self.release else None,
            language=self.language,
            searched_for=self.searched_for,
            stages=tuple(self.stages),
            hits=tuple(self._all_hits()),
            reading=self.reading,
            verdicts=self.said,
            scored=tuple(self.scored),
            answer=self.text or None,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            degraded=self.lacking,
            cached_from=self.cached.trace_id if self.cached else None,
            reusable=self.reusable,
            first_tried=self.first_tried,
            avoided=self.avoided
            or avoided(
                release=self.release.release if self.release else None,
                outcome=self.outcome,
                stages=self.stages,
                question=self.searched_for.text if self.searched_for else self.begun.question,
                reading=self.reading,
                cached=self.cached,
            ),
        )

    def _all_hits(self) -> list[TraceHit]:
        """Name what the answer was made from."""
        cited = frozenset(citation.passage_id for citation in self.citations)
        return [*trace_hits(self.context.named, cited=cited), *self._further_hits()]

    def _further_hits(self) -> list[TraceHit]:
        """Name what a kept answer was made from besides: with one of these it goes, too."""
        if self.cached is None:
            return []
        found = {hit.passage_id for hit in self.context.named}
        return [
            TraceHit(document_id=document_id, passage_id=passage_id, score=0, cited=False)
            for passage_id, document_id in self.cached.sources
            if passage_id not in found
        ]

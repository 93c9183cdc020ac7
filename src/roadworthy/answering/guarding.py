"""The guards on the request path: of the question, of what was found, of what is written."""

from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from roadworthy.answering.neighbours import screen_neighbours
from roadworthy.answering.records import Citation, Task, TextPiece, Written
from roadworthy.core.scores import Score, digest_of
from roadworthy.corpus.lead import to_embed
from roadworthy.gateway.classifying import Text
from roadworthy.gateway.recalling import Recalling, Remembering
from roadworthy.guardrails.answer_checks import Known, checks
from roadworthy.guardrails.answers import AnswerGuards
from roadworthy.guardrails.passages import dropped, screen_passages
from roadworthy.guardrails.questions import Question, screen_question
from roadworthy.guardrails.records import Classifier
from roadworthy.prompts import find_prompt
from roadworthy.releases import Release
from roadworthy.retrieval.search import Hit
from roadworthy.traces import GuardVerdict
from roadworthy.traces.records import ScoredPassage

Verdicts = Sequence[GuardVerdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenedPassages:
    """What the guards of passages left of what was found."""

    hits: list[Hit]  # that may be read
    verdicts: Verdicts
    scored: Sequence[ScoredPassage]  # that no score was kept of


class Guarding:
    """Lets the guards look that a release asks for."""

    def __init__(self, classifier: Classifier | None = None) -> None:
        self._classifier = classifier
        self._of_turns = Remembering(classifier) if classifier else None

    async def of_question(self, question: Question, *, release: Release) -> Verdicts:
        """Look at a question with what it leans on."""
        return await screen_question(question, release.guards, classifier=self._of_turns)

    async def of_passages(self, found: Sequence[Hit], *, release: Release) -> ScreenedPassages:
        """Look at each hit, then at neighbours together; what is scored already is not again."""
        texts = {hit.passage_id: _read_of(hit) for hit in found}
        recalling = self._recalling(found, texts)
        verdicts = await screen_passages(texts, release.guards, classifier=recalling)
        out = dropped(verdicts)
        left = [hit for hit in found if hit.passage_id not in out]
        together = await screen_neighbours(left, release.guards)
        out = dropped(together)
        fresh = recalling.fresh if recalling else {}
        return ScreenedPassages(
            hits=[hit for hit in left if hit.passage_id not in out],
            verdicts=(*verdicts, *together),
            scored=[_scored(of, text, fresh[text]) for of, text in texts.items() if text in fresh],
        )

    def _recalling(self, found: Sequence[Hit], texts: Mapping[int, str]) -> Recalling | None:
        if self._classifier is None:
            return None
        kept: dict[Text, Score] = {
            text: score
            for hit in found
            if hit.kept_score and (score := hit.kept_score.of(text := texts[hit.passage_id]))
        }
        return Recalling(self._classifier, kept)

    def of_answer(self, task: Task) -> AnswerGuards:
        """Make the guards of one answer."""
        prompt = task.release.prompt
        known = Known(
            question="\n".join((task.question, *(turn.content for turn in task.turns))),
            has_documents=task.release.answerer != "chat",
            passages=[hit.text for hit in task.context.hits],
            read=task.context.text,
            mark=task.mark,
            prompt=find_prompt(prompt).text if prompt else "",
            is_text=task.release.json_schema is None,
        )
        return AnswerGuards(
            checks(task.release.guards, known, classifier=self._classifier),
            is_whole=task.release.json_schema is not None,
        )


def _read_of(hit: Hit) -> str:
    return to_embed(hit.text, title=hit.title, heading=hit.heading)


def _scored(passage_id: int, text: str, score: Score) -> ScoredPassage:
    return ScoredPassage(
        passage_id=passage_id,
        digest=digest_of(text).hex(),
        score=score.value,
        threshold=score.threshold,
        version=score.version,
    )


async def guarded(
    written: AsyncGenerator[Written], guards: AnswerGuards
) -> AsyncGenerator[Written]:
    """Hold text with its citations until its sentence was looked at; a citation is told once.

    It ends where a guard blocks: the answerer is stopped, and nothing more is told.
    """
    holding = _Holding(guards)
    async with aclosing(written) as pieces:
        async for each in pieces:
            if guards.is_blocked:
                return
            for released in await holding.take(each):
                yield released
    for released in holding.released(await guards.end()):
        yield released


class _Holding:
    """Text that is not decided about, and the citations whose marks stand in it."""

    def __init__(self, guards: AnswerGuards) -> None:
        self._guards = guards
        self._written = 0  # characters
        self._waiting = deque[tuple[int, Citation]]()  # with what was written before each
        self._told = list[Citation]()

    async def take(self, written: Written) -> list[Written]:
        """Take what was written next; gives what may be told by now."""
        match written:
            case TextPiece():
                self._written += len(written.text)
                return self.released(await self._guards.take(written.text))
            case Citation():
                self._waiting.append((self._written, written))
                return self.released("")
            case _:
                return [written]

    def released(self, text: str) -> list[Written]:
        """Give a text that may be told, and the citations whose marks it bears."""
        told: list[Written] = [TextPiece(text=text)] if text else []
        while self._waiting and self._waiting[0][0] <= self._guards.decided:
            behind_mark, citation = self._waiting.popleft()
            if citation not in self._told and not self._guards.is_taken_out(behind_mark - 1):
                self._told.append(citation)
                told.append(citation)
        return told

"""Screen a question before anything is searched for or asked of a model.

Whether it is about the documents at all is not judged here: that is the relevance of what was found
for it (answering/relevance.py).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from roadworthy.core.locales import UNDETERMINED
from roadworthy.corpus.languages import spoken
from roadworthy.detectors.injection import instructions
from roadworthy.detectors.question_rules import ABUSE, ORDERS, PRETEXTS, PROBING, VERSION
from roadworthy.detectors.rules import named
from roadworthy.guardrails.looking import Look, by_classifier, by_rules, run, scored
from roadworthy.guardrails.records import (
    INJECTION,
    PASSAGE_INJECTION,
    QUESTION,
    TOXICITY,
    Classifier,
    Found,
    Looked,
    NotLooked,
)
from roadworthy.releases import Guard, Guards, JudgedGuard, LanguageGuard, SizeGuard
from roadworthy.traces import GuardVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, with what it leans on."""

    text: str  # all of it
    turn: str  # the last one alone
    asked: str  # in the last one, without its filters
    said: Sequence[str]  # by the user, each to be judged by itself
    written: Sequence[str] = ()  # by the assistant, or so the client says


async def screen_question(
    question: Question, guards: Guards | None, *, classifier: Classifier | None
) -> tuple[GuardVerdict, ...]:
    """Let the guards of a release look: rules, then the classifier."""
    if guards is None:
        return ()
    return await run(_looks(question, guards, classifier), of=QUESTION)


def _looks(question: Question, guards: Guards, classifier: Classifier | None) -> list[Look]:
    text = question.text

    def ruled(guard: str, asked: Guard | None, find: Callable[[], Iterable[str]]) -> list[Look]:
        return by_rules(guard, asked, lambda: _found(find()), size=len(text))

    def judged(guard: str, asked: JudgedGuard | None, head: str) -> list[Look]:
        threshold = asked.threshold if asked else None
        ask = partial(scored, classifier, head, threshold=threshold)

        async def see() -> Looked:
            # The user's turns first: an attack there is found though time runs out behind.
            said = await ask(question.said)
            if not isinstance(said, Found) or said.names:
                return said
            written = await _doubtful(question.written, classifier)
            return await ask([*question.said, *written]) if written else said

        return by_classifier(guard, asked, see)

    return [
        *by_rules("size", guards.size, lambda: _size(question.turn, guards.size)),
        *by_rules("language", guards.language, lambda: _language(question, guards.language)),
        *ruled("injection", guards.injection, lambda: instructions(text, ORDERS)),
        *ruled("probing", guards.probing, lambda: named(text, PROBING)),
        *ruled("pretexts", guards.pretexts, lambda: named(text, PRETEXTS)),
        *ruled("abuse", guards.abuse, lambda: named(text, ABUSE)),
        *judged("injection", guards.injection, INJECTION),
        *judged("abuse", guards.abuse, TOXICITY),
    ]


async def _doubtful(written: Sequence[str], classifier: Classifier | None) -> Sequence[str]:
    """Give the texts of an assistant that hold what does not belong there, as a passage might.

    Made for questions, a head takes one in twenty genuine answers for an attack.
    """
    if not written:
        return ()
    said = await scored(classifier, PASSAGE_INJECTION, written, threshold=None)
    return [written[at] for at in said.passages] if isinstance(said, Found) else written


def _found(names: Iterable[str]) -> Looked:
    return Found(version=VERSION, names=list(names))


def _size(text: str, asked: SizeGuard | None) -> Looked:
    assert asked is not None
    if asked.most_characters is None:
        return NotLooked(reason="no size is named")
    too_long = len(text) > asked.most_characters
    return _found(["too_long"] if too_long else [])


def _language(question: Question, asked: LanguageGuard | None) -> Looked:
    assert asked is not None
    if not asked.languages:
        return NotLooked(reason="no languages are named")
    # Not what the client says: it could say anything.
    said = spoken(question.asked)
    if not said.is_certain or said.language == UNDETERMINED:
        return NotLooked(reason="the language is not certain")
    return _found([] if said.language in asked.languages else ["other_language"])

"""What is looked for in each sentence of an answer."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Literal

from roadworthy.core.sentences import LONGEST, MARKS
from roadworthy.detectors.leaks import Runs, runs, squeezed
from roadworthy.detectors.links import Known as KnownLinks
from roadworthy.detectors.links import links
from roadworthy.detectors.patterns import SECRETS, Sighting, sightings
from roadworthy.guardrails.looking import apart, has_head, scored
from roadworthy.guardrails.records import (
    CLASSIFIER,
    GROUNDING,
    NO_CLASSIFIER,
    RULES,
    TOXICITY,
    Classifier,
    Found,
    Looked,
    NotLooked,
    Run,
)
from roadworthy.releases import AnswerGuard, Guards, ScoredAnswerGuard

VERSION = "rules-3"  # changes when a sentence could be judged otherwise
BEFORE = 400  # characters before a sentence that are looked at with it: keys have several lines
BLANKS = re.compile(r"(\s)\s{7,}")  # no number of them hides what stands before
BLANK = re.compile(r"\s")


@dataclass(kw_only=True)
class Sentence:
    """What is looked at."""

    text: str
    before: str  # the end of what was looked at before

    @cached_property
    def whole(self) -> str:
        """Give it with what stands before it."""
        return self.before + self.text

    @cached_property
    def sightings(self) -> Sequence[Sighting]:
        """Find personal data and secrets that end in it."""
        return [each for each in sightings(self.whole) if each.end > len(self.before)]

    def run(self, start: int, end: int, name: str) -> Run:
        """Name a run of both texts, as far as it is of the sentence."""
        at = len(self.before)
        return Run(start=max(0, start - at), end=end - at, name=name)

    def all_of_it(self, name: str) -> Run:
        """Name the whole sentence."""
        return Run(start=0, end=len(self.text), name=name)


def end_of(looked_at: str) -> str:
    """Give the end of what was looked at, that the next sentence is looked at with."""
    return BLANKS.sub(r"\1", looked_at)[-BEFORE:]


@dataclass(kw_only=True)
class Known:
    """What the asker has said or may read, and what nobody may."""

    question: str
    passages: Sequence[str] = ()
    read: str = ""  # by the answerer: passages with titles and headings
    mark: str = ""  # of this request alone, in its prompt
    prompt: str = ""  # without its inputs
    has_documents: bool = True  # False: the model answers by itself
    is_text: bool = True  # False: JSON

    @cached_property
    def squeezed(self) -> str:
        """Give letters and digits of what he may read."""
        return squeezed(self._readable)

    @cached_property
    def links(self) -> KnownLinks:
        """Give the addresses that he may read."""
        return KnownLinks(self._readable)

    @cached_property
    def runs(self) -> Runs:
        """Give the runs of words that he may read."""
        return runs(self._readable)

    @cached_property
    def size(self) -> int:
        """Count the characters that he may read."""
        return len(self._readable)

    @property
    def _readable(self) -> str:
        return "\n".join((self.question, self.read, *self.passages))


Look = Callable[[Sentence], Awaitable[Looked]]
Find = Callable[[Sentence, Known], Awaitable[Sequence[Run]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A detector of a guard of answers."""

    guard: str
    asked: AnswerGuard  # by the release
    by: Literal["rules", "classifier"]
    look: Look = field(repr=False)


def checks(guards: Guards | None, known: Known, *, classifier: Classifier | None) -> list[Check]:
    """Make the checks that a release asks for, the cheap ones first."""
    if guards is None:
        return []
    by_rules = (
        ("personal_data", guards.personal_data, _personal_data),
        ("secrets", _blocking(guards.secrets), _secrets),
        ("leakage", _blocking(guards.leakage), _leakage),
        ("links", guards.links, _links),
    )
    judged = (("toxicity", guards.toxicity, _toxicity), ("grounding", guards.grounding, _grounding))
    return [
        *(
            Check(guard=guard, asked=asked, by=RULES, look=_ruled(find, known))
            for guard, asked, find in by_rules
            if asked is not None
        ),
        *(
            Check(guard=guard, asked=asked, by=CLASSIFIER, look=judge(asked, known, classifier))
            for guard, asked, judge in judged
            if asked is not None
        ),
    ]


def _blocking(asked: AnswerGuard | None) -> AnswerGuard | None:
    """Let a guard block, also where a release from before it could only do that says otherwise."""
    return asked and asked.model_copy(update={"on_finding": "block"})


def _ruled(find: Find, known: Known) -> Look:
    async def look(sentence: Sentence) -> Looked:
        if find in AGAINST_DOCUMENTS and not known.has_documents:
            return NotLooked(reason="no documents are read")
        found = await find(sentence, known)
        return Found(version=VERSION, names=[run.name for run in found], runs=found)

    return look


async def _personal_data(sentence: Sentence, known: Known) -> Sequence[Run]:
    """Find what reaches, pays or names a person and stands in nothing that the asker may read."""
    private = [each for each in await _sightings(sentence) if each.kind.group != SECRETS]

    def unknown() -> list[Run]:
        values = ((each, squeezed(sentence.whole[each.start : each.end])) for each in private)
        return [
            sentence.run(each.start, each.end, each.kind.name)
            for each, value in values
            if value not in known.squeezed
        ]

    return await apart(unknown, size=len(sentence.whole) + known.size) if private else []


async def _secrets(sentence: Sentence, _known: Known) -> Sequence[Run]:
    """Find what opens something, wherever it stands: who may read it, reads it in its document."""
    return [
        sentence.run(each.start, each.end, each.kind.name)
        for each in await _sightings(sentence)
        if SECRETS in each.groups
    ]


async def _sightings(sentence: Sentence) -> Sequence[Sighting]:
    return await apart(lambda: sentence.sightings, size=len(sentence.whole))


async def _leakage(sentence: Sentence, known: Known) -> Sequence[Run]:
    """Find words of the prompt, and the mark that was made for this request alone.

    It blocks: so what stands before a sentence has none of them, unless it could not be looked at.
    """

    def words() -> Runs:
        return runs(sentence.whole) & _runs_of(known.prompt)

    whole = sentence.whole
    if known.mark and known.mark in await apart(lambda: squeezed(whole), size=len(whole)):
        return [sentence.all_of_it("mark")]
    said = await apart(words, size=len(whole)) if known.prompt else frozenset()
    if said and await apart(lambda: said - known.runs, size=known.size):
        return [sentence.all_of_it("prompt")]
    return []


@lru_cache(maxsize=64)
def _runs_of(prompt: str) -> Runs:
    return runs(prompt)


async def _links(sentence: Sentence, known: Known) -> Sequence[Run]:
    """Find addresses that lead where no document leads, and pictures that could carry data out."""
    whole, begin = sentence.whole, len(sentence.before)
    is_cut = known.is_text and len(sentence.text) >= LONGEST
    there = await apart(
        lambda: [link for link in links(whole) if link.end > begin], size=len(whole)
    )

    def unknown() -> list[Run]:
        # What was cut in the middle of a word may go on.
        return [
            sentence.run(link.start, link.end, "picture" if link.is_picture else "link")
            for link in there
            if (is_cut and not BLANK.search(whole, link.end)) or not known.links.allows(link)
        ]

    return await apart(unknown, size=len(whole) + known.size) if there else []


AGAINST_DOCUMENTS = (_personal_data, _links)


def _toxicity(asked: ScoredAnswerGuard, _known: Known, classifier: Classifier | None) -> Look:
    async def look(sentence: Sentence) -> Looked:
        said = await scored(classifier, TOXICITY, [sentence.text], threshold=asked.threshold)
        if isinstance(said, NotLooked) or not said.names:
            return said
        return replace(said, runs=[sentence.all_of_it(TOXICITY)])

    return look


def _grounding(asked: ScoredAnswerGuard, known: Known, classifier: Classifier | None) -> Look:
    """A sentence is grounded in the passage that says it best.

    Without its citations: no passage says those. What is left without a letter or digit claims
    nothing.
    """

    async def look(sentence: Sentence) -> Looked:
        if classifier is None or not has_head(classifier, GROUNDING):
            return NotLooked(reason=NO_CLASSIFIER)
        if not known.is_text:
            return NotLooked(reason="JSON holds no sentences")
        if not known.passages:
            return NotLooked(reason="no passages")
        said = MARKS.sub("", sentence.text).strip()
        if not any(map(str.isalnum, said)):
            return Found(version=classifier.version(GROUNDING))
        pairs = [(said, passage) for passage in known.passages]
        scores = await classifier.score(GROUNDING, pairs)
        least = scores.threshold if asked.threshold is None else asked.threshold
        best = max(scores.values)
        found = [] if best >= least else [sentence.all_of_it("ungrounded")]
        return Found(
            version=scores.version,
            names=[run.name for run in found],
            score=best,
            threshold=least,
            runs=found,
        )

    return look

"""Ways of cutting are tried one after the other, within the time."""

import itertools
import uuid

import pytest

from roadworthy.answering.extract import ExtractingAnswerer
from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Invalid
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus.routing import Routing
from roadworthy.corpus.texts import Text
from roadworthy.ingestion.split import load_tokenizer
from roadworthy.releases import BUILT_IN
from roadworthy.retrieval.fusion import Fusion
from roadworthy.tuning.answers import Judge
from roadworthy.tuning.records import Asked, Cut, Span
from roadworthy.tuning.service import Trial, tune
from tests.command_line import tokenizer_file
from tests.doubles.embedder import WordsEmbedder

pytestmark = pytest.mark.anyio

SPACE = EmbeddingSpace(
    id=1,
    name="words",
    model="words",
    revision="1",
    dimension=32,
    normalised=True,
    query_prefix="",
    passage_prefix="",
    languages=[],
    probe_texts=[],
    probe_vectors=b"",
    created_at=now(),
)
CUTS = [Cut(size=64, overlap=0), Cut(size=32, overlap=0), Cut(size=32, overlap=16)]
LINES = [f"The boat number{n} has a sail of kind{n} and lies at pier{n}." for n in range(24)]


@pytest.fixture
def trial():
    texts = [
        Text(
            document_id=uuid.UUID(int=n),
            name=f"{n}.txt",
            title="boats",
            media_type="text/plain",
            language="en",
            language_told=None,
            text=line,
        )
        for n, line in enumerate(LINES)
    ]
    embedder = WordsEmbedder(SPACE)
    asked = [
        Asked(
            question=f"Where does number{n} lie?",
            grades={n: 1.0},
            quotes=[[Span(document=n, start=0, end=len(line))]],
            answers=[f"pier{n}"],
        )
        for n, line in enumerate(LINES)
    ]
    release = BUILT_IN["extract"]
    return Trial(
        texts=texts,
        asked=asked,
        routing=Routing(space_id=1),
        fusion=Fusion(vector_weight=0.3),
        context_tokens=300,
        tokenizer=load_tokenizer(tokenizer_file()),
        embedder=embedder,
        judge=Judge(answerer=ExtractingAnswerer(), embedder=embedder, release=release, texts=texts),
    )


def quiet(stage, done, total):
    assert 0 <= done <= total


async def test_words_and_meaning_find_the_line(trial):
    tuned = await tune(trial, CUTS, has_time=lambda: True, report=quiet)
    assert [each.cut for each in tuned.tried] == CUTS
    assert tuned.untried == []
    for each in tuned.tried:
        assert each.figures["whole5"] == 1
        assert each.figures["answered"] > 0.5
    assert tuned.choice.gains[0].high == 0


async def test_progress_ends_where_it_said(trial):
    told = []
    await tune(trial, CUTS, has_time=lambda: True, report=lambda *each: told.append(each))
    assert told[-1][1] == told[-1][2]
    assert {stage for stage, _, _ in told} == {"cutting", "trying"}


async def test_what_there_is_no_time_for_is_named(trial):
    steps = itertools.count()
    first = len(LINES) * 2 + 5  # the questions, and the present way with them
    tuned = await tune(trial, CUTS, has_time=lambda: next(steps) < first, report=quiet)
    assert [each.cut for each in tuned.tried] == CUTS[:1]
    assert tuned.untried == CUTS[1:]
    assert not tuned.choice.is_better


async def test_without_time_for_the_present_way_nothing_is_said(trial):
    with pytest.raises(Invalid, match="no time"):
        await tune(trial, CUTS, has_time=lambda: False, report=quiet)


async def test_too_few_questions_are_refused_before_anything_is_embedded(trial):
    few = Trial(**{name: getattr(trial, name) for name in trial.__slots__} | {"asked": []})
    with pytest.raises(Invalid, match="Too few"):
        await tune(few, CUTS, has_time=lambda: True, report=quiet)
    assert trial.embedder.asked == []


async def test_whoever_is_told_of_progress_may_end_it(trial):
    def report(stage, done, total):
        if stage == "trying":
            raise Conflict("gone")

    with pytest.raises(Conflict, match="gone"):
        await tune(trial, CUTS, has_time=lambda: True, report=report)
    assert trial.embedder.asked == []


async def test_ranks_are_those_of_the_product(trial):
    """The answer of no model is needed to be right: words alone rank as BM25 does."""
    by_words = Trial(
        **{name: getattr(trial, name) for name in trial.__slots__}
        | {"fusion": Fusion(vector_weight=0)}
    )
    tuned = await tune(by_words, CUTS[:1], has_time=lambda: True, report=quiet)
    assert tuned.tried[0].figures["covered"] == 1

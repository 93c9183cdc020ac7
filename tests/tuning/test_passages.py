"""Ways of cutting are tried one after the other, within the time."""

import dataclasses
import itertools
import uuid

import pytest

from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Invalid, Unavailable
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus.routing import Routing
from roadworthy.corpus.texts import Text
from roadworthy.ingestion.split import load_tokenizer
from roadworthy.releases import BUILT_IN
from roadworthy.releases.store import StoredRelease
from roadworthy.tuning.passages import Trial, compare, measure_of
from roadworthy.tuning.questions import Located, Span
from roadworthy.tuning.records import Cut
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
        Located(
            question=f"Where does number{n} lie?",
            grades={n: 1.0},
            quotes=[[Span(document=n, start=0, end=len(line))]],
            answers=[f"pier{n}"],
        )
        for n, line in enumerate(LINES)
    ]
    return Trial(
        texts=texts,
        asked=asked,
        visible=len(asked),
        routing=Routing(space_id=1),
        stored=stored(vector_weight=0.3, context_tokens=300),
        tokenizer=load_tokenizer(tokenizer_file()),
        embedder=embedder,
    )


def stored(**changes):
    release = BUILT_IN["extract"].model_copy(update=changes)
    content = release.canonical
    return StoredRelease(
        name="tried", hash=release.hash, content=content, created_at=now(), is_live=True
    )


def quiet(stage, done, total):
    assert 0 <= done <= total


async def test_words_and_meaning_find_the_line(trial):
    tried = await compare(trial, CUTS, has_time=lambda: True, report=quiet)
    assert [each.cut for each in tried] == CUTS
    for each in tried:
        assert each.figures["whole5"] == 1
        assert each.figures["answered"] > 0.5


async def test_progress_is_told_by_stages(trial):
    told = []
    await compare(trial, CUTS[:2], has_time=lambda: True, report=lambda *each: told.append(each))
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    first = ["asking", "cutting 1 of 2", "embedding 1 of 2", "searching 1 of 2", "cutting 2 of 2"]
    assert stages[:5] == first  # the same passages are not embedded again
    assert all(0 <= done < total for _, done, total in told)


async def test_what_there_is_no_time_for_is_left_out(trial):
    steps = itertools.count()
    first = len(LINES) * 3 + 5  # the questions, the texts, and the present way with them
    tried = await compare(trial, CUTS, has_time=lambda: next(steps) < first, report=quiet)
    assert [each.cut for each in tried] == CUTS[:1]


async def test_without_time_for_the_present_way_nothing_is_said(trial):
    with pytest.raises(Invalid, match="no time"):
        await compare(trial, CUTS, has_time=lambda: False, report=quiet)


async def test_texts_are_not_cut_before_there_is_time_for_their_way(trial):
    """What cutting takes counts as time, and no way is cut before the one before it is tried."""
    told = []
    ends = len(LINES) + 3
    with pytest.raises(Invalid, match="no time"):
        await compare(
            trial,
            CUTS,
            has_time=lambda: len(told) < ends,
            report=lambda *each: told.append(each),
        )
    assert [stage for stage, _, _ in told[-3:]] == ["cutting 1 of 3"] * 3


def test_questions_about_too_few_documents_are_refused(trial):
    assert measure_of(trial.asked) == "covered"
    without = [dataclasses.replace(each, quotes=[]) for each in trial.asked]
    assert measure_of([*trial.asked[:19], *without[19:]]) == "ndcg10"
    with pytest.raises(Invalid, match="Too few"):
        measure_of(trial.asked[:19] * 10)


async def test_whoever_is_told_of_progress_may_end_it(trial):
    def report(stage, done, total):
        raise Conflict("gone")

    with pytest.raises(Conflict, match="gone"):
        await compare(trial, CUTS, has_time=lambda: True, report=report)
    assert trial.embedder.asked == []


async def test_ranks_are_those_of_the_product(trial):
    """The answer of no model is needed to be right: words alone rank as BM25 does."""
    by_words = dataclasses.replace(trial, stored=stored(vector_weight=0, context_tokens=300))
    [tried] = await compare(by_words, CUTS[:1], has_time=lambda: True, report=quiet)
    assert tried.figures["covered"] == 1


async def test_a_model_that_is_down_is_no_wrong_answer(trial):
    right = trial.embedder.embed_passages

    async def down(texts, **how):
        if any(text in LINES for text in texts):  # sentences; passages are led by their title
            raise Unavailable("it is gone")
        return await right(texts, **how)

    trial.embedder.embed_passages = down
    with pytest.raises(Unavailable, match="nothing is measured"):
        await compare(trial, CUTS[:1], has_time=lambda: True, report=quiet)

"""A search gives what a slow search over the visible passages gives, and knows of no others."""

import asyncio
import math
from collections import Counter
from dataclasses import dataclass
from statistics import pstdev

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from roadworthy.core.errors import Invalid
from roadworthy.corpus.access import access
from roadworthy.corpus.terms import query_terms, terms
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.fusion import Fusion
from roadworthy.retrieval.search import CANDIDATES, search
from tests.world import words_vector

pytestmark = pytest.mark.anyio

GROUPS = ["hr", "legal", "board"]
WORDS = ["pump", "valve", "oil", "price", "pumps", "leave", "days", "annual", "heron", "lyon"]
EPSILON = 0.01  # a stored vector has half precision
SAME = 1e-6  # and one passage is no better than another by the last digits of a sum
FUSION = Fusion(method="weighted", vector_weight=0.6)


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A document of a random corpus; its number makes its content its own."""

    number: int
    readers: tuple[frozenset[str], int]  # groups (none: everyone) and clearance
    passages: tuple[tuple[str, ...], ...]

    @property
    def name(self):
        return f"{'even' if self.number % 2 == 0 else 'odd'}/{self.number}.txt"

    @property
    def texts(self):
        return [f"{' '.join(words)} n{self.number}" for words in self.passages]

    @property
    def access(self):
        return access(groups=self.readers[0], clearance=self.readers[1])


readers = st.tuples(st.frozensets(st.sampled_from(GROUPS), max_size=2), st.integers(0, 2))
passage = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(tuple)
corpora = st.lists(
    st.tuples(readers, st.lists(passage, min_size=1, max_size=3, unique=True).map(tuple)),
    min_size=1,
    max_size=6,
).map(lambda some: [Paper(number=n, readers=r, passages=p) for n, (r, p) in enumerate(some)])
questions = st.lists(st.sampled_from([*WORDS, "zebra"]), min_size=1, max_size=4).map(" ".join)
people = st.fixed_dictionaries(
    {"groups": st.frozensets(st.sampled_from(GROUPS)), "clearance": st.integers(0, 2)}
)
fusions = st.sampled_from(
    [Fusion(method="standardised", vector_weight=weight) for weight in (0.5, 0.3, 0.8)]
    + [Fusion(method="weighted", vector_weight=weight) for weight in (0.0, 0.6, 1.0)]
)
with_database = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # the corpora are small as they are
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


async def fill(world, papers):
    for paper in papers:
        await world.upload(paper.name, "\n\n".join(paper.texts), readers=paper.access)
    await world.publish_all()


async def ask(world, who, question, *, limit=100, fusion=FUSION, among=None, by_vector=True):
    async with world.database.read_as(who) as conn:
        return await search(
            conn,
            question,
            queries=[world.query(question)] if by_vector else [],
            corpus=world.corpus,
            tenant_id=world.tenant_id,
            among=among or Filter(),
            limit=limit,
            fusion=fusion,
        )


def stretched(scores):
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    same = high - low <= SAME * high
    return {i: 1.0 if same else (s - low) / (high - low) for i, s in scores.items()}


def bm25_by_hand(texts, question):
    """Score texts by the formula, over these texts and nothing else."""
    analysed = {text: Counter(terms(text, language="en")) for text in texts}
    mean = sum(count.total() for count in analysed.values()) / len(texts)
    scores = Counter()
    for forms in query_terms(question, ["en"]):
        holding = {t: sum(c[f] for f in forms) for t, c in analysed.items()}
        holding = {text: n for text, n in holding.items() if n}
        idf = math.log(1 + (len(texts) - len(holding) + 0.5) / (len(holding) + 0.5))
        for text, n in holding.items():
            norm = 1 - 0.75 + 0.75 * analysed[text].total() / mean
            scores[text] += idf * n * 1 / (n + 1.2 * norm)
    return scores


def deviations(scores):
    spread = max(scores) - min(scores)
    return spread / pstdev(scores) if spread > SAME * max(scores) else 0


def share_of_meaning(keyword, vector, fusion):
    if not keyword:
        return 1.0
    by_words, by_meaning = deviations(keyword.values()), deviations(vector.values())
    if fusion.method == "weighted" or not by_words * by_meaning:
        return fusion.vector_weight
    words, meaning = (1 - fusion.vector_weight) * by_words, fusion.vector_weight * by_meaning
    return meaning / (words + meaning)


def by_hand(papers, who, question, *, fusion=FUSION, passes=lambda paper, text: True):
    """Score every passage that `who` may see, as the promise defines it."""
    visible = [text for p in papers if p.access.admits(who) for text in p.texts]
    if not visible:
        return {}
    passing = [text for p in papers if p.access.admits(who) for text in p.texts if passes(p, text)]
    asked = words_vector(question)
    if not passing:
        return {}
    keyword = {t: s for t, s in bm25_by_hand(visible, question).items() if t in passing}
    vector = {text: float(np.dot(asked, words_vector(text))) for text in passing}
    if keyword and fusion.method == "standardised":
        keyword = dict.fromkeys(passing, 0.0) | keyword
    share = share_of_meaning(keyword, vector, fusion)
    keyword, vector = stretched(keyword), stretched(vector)
    return {text: (1 - share) * keyword.get(text, 0.0) + share * vector[text] for text in passing}


@with_database
@given(corpora, people, questions, st.integers(1, 12), fusions)
async def test_the_hits_are_those_of_a_slow_search(
    new_world, papers, person, question, limit, fusion
):
    world = await new_world()
    await fill(world, papers)
    who = world.person(**person)
    expected = by_hand(papers, who, question, fusion=fusion)
    found = await ask(world, who, question, limit=limit, fusion=fusion)
    assert found.visible_passages == len(expected)
    assert len(found.hits) == min(limit, len(expected))  # all that were asked for
    assert len({hit.passage_id for hit in found.hits}) == len(found.hits)
    best = sorted(expected.values(), reverse=True)
    for hit, score in zip(found.hits, best, strict=False):
        assert hit.score == pytest.approx(expected[hit.text], abs=EPSILON)
        assert hit.score == pytest.approx(score, abs=EPSILON)


@with_database
@given(corpora, people, questions, st.sampled_from(["even/", "odd/", "none/"]))
async def test_a_filter_narrows_and_nothing_else(new_world, papers, person, question, prefix):
    world = await new_world()
    await fill(world, papers)
    who = world.person(**person)
    expected = by_hand(papers, who, question, passes=lambda paper, _: paper.name.startswith(prefix))
    found = await ask(world, who, question, among=Filter(name=prefix))
    assert {hit.text for hit in found.hits} == set(expected)
    for hit in found.hits:
        assert hit.score == pytest.approx(expected[hit.text], abs=EPSILON)


@with_database
@given(corpora, people, questions, st.booleans())
async def test_what_is_hidden_has_no_influence(new_world, papers, person, question, by_vector):
    """To the last digit: as if the hidden documents were not there at all."""
    whole, part = await new_world(), await new_world()
    await fill(whole, papers)
    await fill(part, [p for p in papers if p.access.admits(part.person(**person))])
    [told, alone] = [
        await ask(world, world.person(**person), question, by_vector=by_vector)
        for world in (whole, part)
    ]
    assert told.visible_passages == alone.visible_passages
    seen = ("rank", "score", "keyword_score", "told", "vector_score", "text", "title")
    assert [[getattr(hit, s) for s in seen] for hit in told.hits] == [
        [getattr(hit, s) for s in seen] for hit in alone.hits
    ]


@pytest.mark.parametrize("limit", [1, 50, CANDIDATES])
async def test_everybody_gets_his_full_number(world, limit):
    """A few visible passages among many that are nearer and hidden."""
    for number in range(3):
        text = "\n\n".join(f"heron plan {number} {n}" for n in range(60))
        await world.upload(f"{number}.txt", text, readers=access(groups=["board"]))
    text = "\n\n".join(f"canteen menu of day {n}" for n in range(110))
    await world.upload("menu.txt", text)
    await world.publish_all()
    found = await ask(world, world.person(), "heron plan", limit=limit)
    assert len(found.hits) == limit
    assert {hit.document_name for hit in found.hits} == {"menu.txt"}


async def test_a_hit_tells_where_it_stands(world):
    text = "About the pump.\n\nIt costs 40 euros."
    document = await world.add("docs/pump.txt", text, metadata={"site": "lyon"})
    [hit, *_] = (await ask(world, world.person(), "costs euros")).hits
    assert (hit.rank, hit.document_id, hit.document_name) == (1, document, "docs/pump.txt")
    assert text[hit.start : hit.end] == hit.text == "It costs 40 euros."
    assert (hit.title, hit.version, hit.metadata) == ("About the pump.", 1, {"site": "lyon"})


async def test_a_hit_tells_why_it_is_one(world):
    await world.add("pump.txt", "About the pump.\n\nIt costs 40 euros.")
    found = await ask(world, world.person(), "costs euros")
    [best, other] = found.hits
    assert (best.keyword_rank, best.vector_rank, best.score) == (1, 1, 1)
    assert (best.space, best.vector_path) == (world.space.name, "exact")
    assert (other.keyword_rank, other.keyword_score, other.vector_rank) == (None, None, 2)
    assert (best.told, other.told) == (1, 0)
    assert list(found.ms) == ["count", "words", "vectors", "fetch"]
    assert all(ms > 0 for ms in found.ms.values())
    by_words = await ask(world, world.person(), "costs euros", by_vector=False)
    assert (by_words.hits[0].space, by_words.hits[0].vector_path) == (None, None)


@pytest.mark.parametrize(
    ("among", "names"),
    [
        (Filter(metadata={"site": "lyon"}), ["a.txt"]),
        (Filter(metadata={"site": "lyon", "year": 2025}), []),
        (Filter(metadata={"year": 2026}), ["a.txt", "b.txt"]),
        (Filter(name="b"), ["b.txt"]),
        (Filter(name="%"), []),
        (Filter(language="en"), ["a.txt", "b.txt"]),
        (Filter(language="fr"), []),
        (Filter(media_type="text/plain", name="a"), ["a.txt"]),
        (Filter(name="x' OR true --"), []),
    ],
    ids=str,
)
async def test_every_condition_of_a_filter_holds(world, among, names):
    await world.upload("a.txt", "Pump A.", metadata={"site": "lyon", "year": 2026})
    await world.upload("b.txt", "Pump B.", metadata={"site": "nantes", "year": 2026})
    await world.publish_all()
    found = await ask(world, world.person(), "pump", among=among)
    assert sorted(hit.document_name for hit in found.hits) == names


def version_text(version, name):
    return "\n\n".join(f"version {version} pump {n} {name}" for n in range(6))


async def rewrite(world, names, stop):
    for version in range(2, 12):
        for name in names:
            await world.add(name, version_text(version, name))
    stop.set()


async def test_searching_while_somebody_publishes_meets_whole_versions(world):
    names, stop, seen = ["a.txt", "b.txt"], asyncio.Event(), set()
    for name in names:
        await world.add(name, version_text(1, name))

    async def read():
        while not stop.is_set():
            found = await ask(world, world.person(), "pump version", limit=12)
            assert found.visible_passages == len(found.hits) == 12
            assert all(hit.text.startswith(f"version {hit.version} ") for hit in found.hits)
            seen.update(hit.version for hit in found.hits)

    async with asyncio.TaskGroup() as group:
        for job in (read(), read(), rewrite(world, names, stop)):
            group.create_task(job)
    assert len(seen) > 2


async def test_a_passage_without_any_word_is_no_obstacle(world):
    await world.add("rule.txt", "* * *")
    assert len((await ask(world, world.person(), "pump")).hits) == 1


@pytest.mark.parametrize(
    "question", ["", "   ", "a\0b", "x" * 8001], ids=["empty", "blank", "nul", "long"]
)
async def test_what_nobody_could_mean_is_refused(world, question):
    await world.add("plan.txt", "The plan.")
    with pytest.raises(Invalid):
        await ask(world, world.person(), question)


@pytest.mark.parametrize("question", ["'", "\\", "%", "pump'; DROP TABLE passage --", "???", "🚗"])
async def test_any_other_question_is_answered(world, question):
    await world.add("plan.txt", "The plan.")
    assert len((await ask(world, world.person(), question)).hits) == 1


@pytest.mark.parametrize("limit", [0, -1, 101])
async def test_an_unusable_limit_is_refused(world, limit):
    with pytest.raises(Invalid):
        await ask(world, world.person(), "pump", limit=limit)


async def test_without_a_vector_words_alone_decide(world):
    await world.add("a.txt", "Pump.\n\nValve.")
    found = await ask(world, world.person(), "pump", by_vector=False)
    assert [hit.text for hit in found.hits] == ["Pump."]
    assert found.hits[0].vector_score is None

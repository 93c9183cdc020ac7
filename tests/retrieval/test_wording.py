"""Every hit holds the phrases that are asked for, and none of the words that are excluded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.corpus.access import access
from roadworthy.corpus.terms import terms, terms_of_words, words, words_in_a_row
from roadworthy.retrieval import wording
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.keywords import holders
from tests.retrieval.test_search import (
    EPSILON,
    WORDS,
    ask,
    by_hand,
    corpora,
    fill,
    people,
    questions,
    with_database,
)

pytestmark = pytest.mark.anyio

rows = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join)
wordings = st.builds(
    lambda phrases, without: Filter(phrases=tuple(phrases), without=tuple(without)),
    st.lists(rows, max_size=2),
    st.lists(rows, max_size=2),
).filter(lambda among: among.phrases or among.without)


def is_worded(text, among):
    def holds(row):
        return f" {row} " in f" {text} "

    return all(map(holds, among.phrases)) and not any(map(holds, among.without))


@with_database
@given(corpora, people, questions, wordings, st.integers(1, 5))
async def test_the_hits_are_those_of_a_slow_search(
    new_world, papers, person, question, among, limit
):
    """And what is hidden from a person changes nothing: the slow search knows nothing of it."""
    world = await new_world()
    await fill(world, papers)
    who = world.person(**person)
    expected = by_hand(papers, who, question, passes=lambda _, text: is_worded(text, among))
    found = await ask(world, who, question, among=among, limit=limit)
    assert len(found.hits) == min(limit, len(expected))
    best = sorted(expected.values(), reverse=True)
    for hit, score in zip(found.hits, best, strict=False):
        assert hit.score == pytest.approx(expected[hit.text], abs=EPSILON)
        assert hit.score == pytest.approx(score, abs=EPSILON)
    assert not found.is_cut_short


@pytest.mark.parametrize(
    ("phrase", "text", "holds"),
    [
        ("boat rental", "A Boat\nRENTAL.", True),
        ("boat rental", "boat rentals", False),
        ("boat rental", "boat and rental", False),
        ("oat", "boat", False),
        ("cafe", "the Café", True),
        ("Café", "the cafe", True),
        ("AX-200", "the ax 200 pump", True),
        ("ax 200", "the AX200/b pump", True),
        ("200", "1,200", False),
        ("200", "1200", False),
        ("c", "C++", False),
        ("C++", "the foo-c++ way", True),
        ("jane@acme", "jane@acme.com", True),
        ("to be or not to be", "To be, or not to be!", True),
        ("the boat", "of the boats", False),
        ("年度", "北京年度报告", True),
        ("年", "北京年度报告", True),
        ("度年", "北京年度报告", False),
        ("report 北京", "report 北京年度", True),
        ("report 北京 now", "report 北京年度 now", False),
    ],
)
async def test_words_in_a_row_are_found_in_the_text(new_world, phrase, text, holds):
    """And the passage is among those that postings name."""
    assert (words_in_a_row(phrase) in words(text)) == holds
    if holds:
        for language in ("en", "fr", "und"):
            held = terms(f"{text} pump", language=language)
            assert terms_of_words(phrase, language=language) <= set(held)
    world = await new_world()
    await world.add("a.txt", f"{text}\n\nSomething else.")
    for among, expected in (
        (Filter(phrases=(phrase,)), [text] if holds else []),
        (Filter(without=(phrase,)), ["Something else."] if holds else [text, "Something else."]),
    ):
        found = await ask(world, world.person(), "something", among=among)
        assert sorted(hit.text for hit in found.hits) == sorted(expected)


@given(st.text(max_size=30), st.text(max_size=12))
def test_any_words_have_the_terms_that_any_text_with_them_has(before, phrase):
    text = f"{before} {phrase} pump"
    assert words_in_a_row(phrase) in words(text)
    assert terms_of_words(phrase, language="en") <= set(terms(text, language="en"))


@pytest.fixture
async def crowd(new_world):
    """Many passages, most of them alike."""
    world = await new_world()
    await world.upload("snakes.txt", "\n\n".join(f"python snake {n}" for n in range(230)))
    text = "\n\n".join([*(f"oil python code {n}" for n in range(5)), "code of oil"])
    await world.upload("code.txt", text)
    await world.upload("secret.txt", "python oil code", readers=access(groups=["board"]))
    await world.publish_all()
    return world


async def test_behind_many_that_are_excluded_the_others_are_found(crowd):
    found = await ask(crowd, crowd.person(), "python", among=Filter(without=("snake",)), limit=9)
    assert {hit.document_name for hit in found.hits} == {"code.txt"}
    assert (len(found.hits), found.is_cut_short) == (6, False)


async def test_only_what_may_hold_a_phrase_is_looked_at(crowd):
    found = await ask(crowd, crowd.person(), "python", among=Filter(phrases=("code of oil",)))
    assert [hit.text for hit in found.hits] == ["code of oil"]
    assert found.paths == ["words: exact of 6"]  # those with code and oil


async def test_where_too_many_do_not_pass_it_is_told(crowd, monkeypatch):
    monkeypatch.setattr(wording, "MOST_READ", 100)
    without = Filter(without=("snake",))
    assert (await ask(crowd, crowd.person(), "python snake", among=without)).is_cut_short
    found = await ask(crowd, crowd.person(), "python", among=Filter(phrases=("python snake 7",)))
    assert ([hit.text for hit in found.hits], found.is_cut_short) == (["python snake 7"], False)


async def test_a_long_phrase_is_found_by_some_of_its_terms(world, monkeypatch):
    said = " ".join(f"word{n}" for n in range(60))
    document_id = await world.add("a.txt", f"Before {said} after.")
    await world.add("b.txt", " ".join(reversed(said.split())))
    asked_for = []

    async def counted(conn, terms, scope):
        asked_for.append(len(terms))
        return await holders(conn, terms, scope)

    monkeypatch.setattr(wording, "holders", counted)
    found = await ask(world, world.person(), "word7", among=Filter(phrases=(said,)))
    assert [hit.document_id for hit in found.hits] == [document_id]
    assert asked_for == [wording.MOST_TERMS]

"""A question meets vectors of its own space alone, whatever the languages and the routing."""

import dataclasses

import pytest

from roadworthy.core.spaces import QueryVector
from roadworthy.corpus import reembedding, switching
from roadworthy.corpus.access import access
from roadworthy.corpus.documents import find_corpus
from roadworthy.corpus.publishing import publish, read_pending
from roadworthy.plumbing import jobs
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.fusion import Fusion, across
from roadworthy.retrieval.search import search
from roadworthy.retrieval.visible import visible_languages
from tests.world import embedded, extract, make_other_space, turned_vector, words_vector

pytestmark = pytest.mark.anyio

HALF = Fusion(vector_weight=0.5)
TEXTS = {"en": "The pump needs oil.", "fr": "La pompe veut huile."}


@pytest.fixture
async def english(world):
    space = await make_other_space(world.database, languages=["en"])
    async with world.database.as_worker(world.tenant_id) as conn:
        asked = {"tenant_id": world.tenant_id, "name": "main"}
        await reembedding.keep_beside(conn, **asked, space=space, language="en")
    return space


async def publish_in_both(world, language, english, **upload):
    """Publish a text, in the English space too when it is English."""
    await world.upload(f"{language}.txt", TEXTS[language], **upload)
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    async with world.database.as_worker(world.tenant_id) as conn:
        text = (await read_pending(conn, lease)).content.decode()
        read = extract(text, world.space, language=language)
        if language == "en":
            further = embedded(read.passages, english, turned_vector)
            read = dataclasses.replace(read, vectors=[*read.vectors, further])
        await publish(conn, lease, read)
        await jobs.complete(conn, lease)


@pytest.fixture
async def routed(world, english):
    """A corpus whose English is searched in a space of its own."""
    for language in TEXTS:
        await publish_in_both(world, language, english)
    async with world.database.as_worker(world.tenant_id) as conn:
        asked = {"tenant_id": world.tenant_id, "name": "main"}
        await switching.switch(conn, **asked, space=english, language="en")
        return await find_corpus(conn, **asked)


def both(world, english, question):
    return [
        QueryVector(
            space_id=world.space.id,
            space="words",
            vector=words_vector(question),
            languages=frozenset({"fr"}),
        ),
        QueryVector(
            space_id=english.id,
            space=english.name,
            vector=turned_vector(question),
            languages=frozenset({"en"}),
        ),
    ]


async def ask(world, corpus, question, queries, fusion=HALF):
    async with world.database.read_as(world.person()) as conn:
        return await search(
            conn,
            question,
            queries=queries,
            corpus=corpus,
            tenant_id=world.tenant_id,
            among=Filter(),
            limit=10,
            fusion=fusion,
        )


async def test_each_hit_is_found_in_the_space_of_its_language(world, english, routed):
    found = await ask(world, routed, "pump oil", both(world, english, "pump oil"))
    assert {hit.language: hit.space for hit in found.hits} == {"en": english.name, "fr": "words"}


async def test_the_cosine_of_a_hit_is_that_of_its_own_space(world, english, routed):
    queries = both(world, english, TEXTS["en"].lower())
    [hit] = [h for h in (await ask(world, routed, "pump", queries)).hits if h.language == "en"]
    assert hit.vector_score == pytest.approx(1, abs=0.01)


async def test_one_space_alone_finds_only_what_it_is_compared_with(world, english, routed):
    [_, query] = both(world, english, "zebra")
    found = await ask(world, routed, "zebra", [query])
    assert [hit.language for hit in found.hits] == ["en"]


async def test_the_languages_that_are_seen_are_those_that_may_be_read(world, english):
    await publish_in_both(world, "en", english, readers=access(groups=["hr"]))
    await publish_in_both(world, "fr", english)
    asked = {"tenant_id": world.tenant_id, "corpus_id": world.corpus.id}
    async with world.database.read_as(world.person()) as conn:
        assert await visible_languages(conn, **asked) == ["fr"]
    async with world.database.read_as(world.person(groups=["hr"])) as conn:
        assert await visible_languages(conn, **asked) == ["en", "fr"]


async def test_a_hidden_passage_is_found_in_no_space(world, english):
    await publish_in_both(world, "en", english, readers=access(groups=["hr"]))
    await publish_in_both(world, "fr", english)
    async with world.database.as_worker(world.tenant_id) as conn:
        asked = {"tenant_id": world.tenant_id, "name": "main"}
        await switching.switch(conn, **asked, space=english, language="en")
        corpus = await find_corpus(conn, **asked)
    found = await ask(world, corpus, "pump oil", both(world, english, "pump oil"))
    assert [hit.language for hit in found.hits] == ["fr"]


EQUAL = Fusion(vector_weight=1)
IN_TWO = {"left": [(1, 0.99), (2, 0.98)], "right": [(3, 0.1), (4, 0.05)]}


def test_one_ranking_stays_as_it_is():
    ranking = [(3, 0.9), (1, 0.2)]
    assert across({"words": ranking}, EQUAL) is ranking


def test_ranks_count_across_spaces_and_scores_do_not():
    joined = across(IN_TWO, EQUAL)
    assert [passage for passage, _ in joined] == [1, 3, 2, 4]
    assert joined[0][1] == joined[1][1] > joined[2][1]


def test_a_space_counts_as_much_as_its_weight():
    weighted = Fusion(vector_weight=1, space_weights={"left": 0.5})
    joined = across(IN_TWO | {"right": [(3, 0.1), (2, 0.05)]}, weighted)
    assert joined == [
        (2, pytest.approx(0.5 / 62 + 1 / 62)),
        (3, pytest.approx(1 / 61)),
        (1, pytest.approx(0.5 / 61)),
    ]


def test_a_space_without_weight_is_left_out():
    none = Fusion(vector_weight=1, space_weights={"left": 0})
    assert across(IN_TWO, none) is IN_TWO["right"]


def test_weights_say_nothing_where_only_spaces_without_one_found_anything():
    none = Fusion(vector_weight=1, space_weights={"left": 0, "right": 0})
    assert across({"left": IN_TWO["left"]}, none) is IN_TWO["left"]
    assert across(IN_TWO, none) == across(IN_TWO, EQUAL)
    assert across(IN_TWO | {"middle": []}, none) == across(IN_TWO, EQUAL)


async def test_a_hit_is_of_a_space_that_counts(world, english, routed):
    """Both spaces hold it; what is said of it is said of the one that was compared."""
    queries = [dataclasses.replace(q, languages=None) for q in both(world, english, "pump oil")]
    words_alone = Fusion(vector_weight=1, space_weights={english.name: 0})
    turned_alone = Fusion(vector_weight=1, space_weights={"words": 0})
    assert {h.space for h in (await ask(world, routed, "x", queries, words_alone)).hits} == {
        "words"
    }
    assert {h.space for h in (await ask(world, routed, "x", queries, turned_alone)).hits} == {
        english.name
    }


async def test_a_question_without_known_words_finds_what_a_space_without_weight_holds(
    world, english, routed
):
    nothing_weighs = Fusion(vector_weight=1, space_weights={"words": 0, english.name: 0})
    queries = both(world, english, "pump oil")
    found = await ask(world, routed, "x", queries, nothing_weighs)
    assert len(found.hits) == found.visible_passages > 0
    assert all(hit.vector_score is not None for hit in found.hits)

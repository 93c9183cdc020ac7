"""A question is embedded in the space of its language, told or detected."""

import pytest

from roadworthy.answering.embedding import aim, embed_or_degrade
from roadworthy.core.errors import Unavailable
from roadworthy.corpus import switching
from roadworthy.corpus.documents import find_corpus
from roadworthy.corpus.languages import Spoken
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.releases import BUILT_IN, add_release, find_release
from tests.world import DECLARED, OTHER, make_other_space, turned_vector

pytestmark = pytest.mark.anyio


@pytest.fixture
async def english(world):
    """A space of its own for English; nothing is published yet, so it is whole."""
    space = await make_other_space(world.database, languages=["en"])
    async with world.database.as_worker(world.tenant_id) as conn:
        asked = {"tenant_id": world.tenant_id, "name": "main"}
        await switching.switch(conn, **asked, space=space, language="en")
        await add_release(
            conn, tenant_id=world.tenant_id, name="routed", release=BUILT_IN["extract"]
        )
    return space


@pytest.fixture
def embedders(desk, world, english):
    desk.models.further = {english.name: turned_vector}
    endpoint = desk.embedders["words"]._endpoint
    declared = {"languages": ("en",), "name": english.name, "model": english.name}
    other = type(OTHER)(**{f: getattr(OTHER, f) for f in OTHER.__slots__} | declared)
    return {
        "words": SpaceEmbedder(endpoint, space=world.space, declared=DECLARED),
        english.name: SpaceEmbedder(endpoint, space=english, declared=other),
    }


async def aimed(world, embedders, *, language, release="routed", held=("en", "fr")):
    async with world.database.as_worker(world.tenant_id) as conn:
        for each in held:
            await conn.execute(
                "INSERT INTO passage_count (tenant_id, corpus_id, acl_id, language, passages,"
                " terms) SELECT tenant_id, %s, id, %s, 1, 1 FROM acl",
                (world.corpus.id, each),
            )
    async with world.database.read_as(world.person()) as conn:
        asked = {"tenant_id": world.tenant_id}
        return await aim(
            conn,
            **asked,
            corpus=await find_corpus(conn, **asked, name="main"),
            stored=await find_release(conn, **asked, name=release),
            spoken=Spoken(language=language, is_certain=True),
            embedders=embedders,
        )


@pytest.fixture
async def readable(world):
    """A class of readers that everybody belongs to, to count passages in."""
    await world.upload("x.txt", "The pump.")


async def embedded(world, embedders, **asked):
    return await embed_or_degrade(await aimed(world, embedders, **asked), "Which pump?")


def spaces(found):
    return [query.space for query in found.queries]


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", ["words", "turned-en"]), ("fr", ["words"]), ("und", ["words"])],
)
async def test_its_language_decides(world, embedders, readable, language, expected):
    found = await embedded(world, embedders, language=language)
    assert (spaces(found), found.degraded) == (expected, [])


async def test_the_space_that_holds_everything_needs_no_look_at_languages(
    world, embedders, readable
):
    [query] = (await embedded(world, embedders, language="fr")).queries
    assert query.languages is None


async def test_a_release_that_names_a_space_is_searched_there_alone(world, embedders, readable):
    assert spaces(await embedded(world, embedders, language="en", release="extract")) == ["words"]


@pytest.fixture
async def pinned(world, english):
    release = BUILT_IN["extract"].model_copy(update={"space": english.name})
    async with world.database.as_worker(world.tenant_id) as conn:
        await add_release(conn, tenant_id=world.tenant_id, name="english", release=release)


async def test_a_release_cannot_name_a_space_that_holds_some_passages(
    world, embedders, readable, pinned
):
    with pytest.raises(Unavailable, match="every passage of the corpus 'main'"):
        await aimed(world, embedders, language="en", release="english")


async def test_nor_is_it_compared_with_languages_that_its_space_does_not_serve(
    world, embedders, readable, pinned, english
):
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("DELETE FROM corpus_route")
        await conn.execute("UPDATE corpus SET space_id = %s", (english.id,))
    found = await embedded(world, embedders, language="en", release="english")
    assert [query.languages for query in found.queries] == [frozenset({"en"})]
    found = await embedded(world, embedders, language="fr", release="english", held=())
    assert (spaces(found), found.degraded) == ([], ["embeddings"])


async def test_a_routed_space_that_is_not_served_is_told(world, embedders, readable):
    del embedders["turned-en"]
    found = await embedded(world, embedders, language="en")
    assert (spaces(found), found.degraded) == (["words"], ["routed space"])


class Down(SpaceEmbedder):
    async def embed_question(self, question, **how):
        raise Unavailable("It is down.")


async def test_while_a_routed_space_is_down_the_fallback_answers_for_it(world, embedders, readable):
    embedders["turned-en"].__class__ = Down
    found = await embedded(world, embedders, language="en")
    assert (spaces(found), found.degraded) == (["words"], ["routed space"])
    assert found.queries[0].languages is None
    found = await embedded(world, embedders, language="en", held=())
    assert spaces(found) == ["words"]


async def test_while_the_fallback_is_down_its_languages_are_found_by_words(
    world, embedders, readable
):
    embedders["words"].__class__ = Down
    found = await embedded(world, embedders, language="en")
    assert (spaces(found), found.degraded) == (["turned-en"], ["embeddings"])
    assert found.queries[0].languages == {"en"}
    assert found.embedder.space.name == "turned-en"


async def test_without_the_space_that_holds_everything_nothing_is_answered(
    world, embedders, readable
):
    del embedders["words"]
    with pytest.raises(Unavailable, match="doctor"):
        await aimed(world, embedders, language="en")

"""A question is embedded in the space of its language, told or detected."""

import pytest

from roadworthy.answering.embedding import aim
from roadworthy.core.errors import Unavailable
from roadworthy.corpus import switching
from roadworthy.corpus.documents import find_corpus
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.releases import BUILT_IN, add_release, find_release
from tests.world import DECLARED, OTHER, make_other_space

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
    endpoint = desk.answering._embedders["words"]._endpoint
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
            language=language,
            embedders=embedders,
        )


@pytest.fixture
async def readable(world):
    """A class of readers that everybody belongs to, to count passages in."""
    await world.upload("x.txt", "The pump.")


@pytest.mark.parametrize(
    ("language", "spaces"), [("en", ["words", "turned-en"]), ("fr", ["words"]), ("und", ["words"])]
)
async def test_its_language_decides(world, embedders, readable, language, spaces):
    found = await aimed(world, embedders, language=language)
    assert [each.space.name for each in found.embedders] == spaces
    assert found.degraded == ()


async def test_the_space_that_holds_everything_needs_no_look_at_languages(
    world, embedders, readable
):
    assert (await aimed(world, embedders, language="fr")).languages == {}


async def test_a_release_that_names_a_space_is_searched_there_alone(world, embedders, readable):
    found = await aimed(world, embedders, language="en", release="extract")
    assert [each.space.name for each in found.embedders] == ["words"]


async def test_a_routed_space_that_is_not_served_is_told(world, embedders, readable):
    del embedders["turned-en"]
    found = await aimed(world, embedders, language="en")
    assert [each.space.name for each in found.embedders] == ["words"]
    assert found.degraded == ("routed space",)


async def test_without_the_space_that_holds_everything_nothing_is_answered(
    world, embedders, readable
):
    del embedders["words"]
    with pytest.raises(Unavailable, match="doctor"):
        await aimed(world, embedders, language="en")

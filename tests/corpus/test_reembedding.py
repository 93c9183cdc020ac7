"""A corpus goes into another space while it is searched, in one step, and back."""

import dataclasses

import numpy as np
import pytest

from roadworthy.core.errors import Conflict, Invalid, Missing, Unavailable
from roadworthy.corpus import reembedding, switching
from roadworthy.corpus.access import access
from roadworthy.corpus.documents import find_corpus
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.corpus.publishing import publish, read_pending
from roadworthy.corpus.reindex_jobs import enqueue_reindex
from roadworthy.corpus.reindexing import add_vectors, lacking, read_published
from roadworthy.plumbing import jobs
from tests.world import embedded, extract, make_other_space, turned_vector

pytestmark = pytest.mark.anyio


@pytest.fixture
async def other(world):
    return await make_other_space(world.database)


async def change(world, verb, **asked):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await verb(conn, tenant_id=world.tenant_id, name="main", **asked)


async def corpus(world):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await find_corpus(conn, tenant_id=world.tenant_id, name="main")


async def beside(world, space, language="*"):
    return await change(world, reembedding.keep_beside, space=space, language=language)


async def switch(world, space, language="*"):
    await change(world, switching.switch, space=space, language=language)


async def fill(world, space):
    """Do the waiting jobs: add what lacks in a space."""
    async with world.database.as_worker(world.tenant_id) as conn:
        await enqueue_reindex(conn, tenant_id=world.tenant_id, corpus_id=world.corpus.id)
    while True:
        async with world.database.as_worker() as conn:
            lease = await jobs.claim(conn)
        if lease is None:
            return
        async with world.database.as_worker(world.tenant_id) as conn:
            published = await read_published(conn, lease)
            texts = {each.id: each.text for each in published.passages}
            left = await lacking(
                conn, tenant_id=world.tenant_id, space_id=space.id, ids=list(texts)
            )
            vectors = np.stack([turned_vector(texts[i]) for i in left]) if left else None
            if vectors is not None:
                await add_vectors(conn, lease, space=space, ids=left, vectors=vectors)
            await jobs.complete(conn, lease)


async def vectors(world, space):
    count = "SELECT count(*) FROM embedding WHERE space_id = %s"
    async with world.database.as_worker(world.tenant_id) as conn:
        [[found]] = await (await conn.execute(count, (space.id,))).fetchall()
    return found


async def test_a_corpus_is_switched_and_back_without_embedding_again(world, other):
    await world.add("a.txt", "The pump.\n\nThe valve.")
    await beside(world, other)
    await fill(world, other)
    await switch(world, other)
    assert (await corpus(world)).space_id == other.id
    await switch(world, world.space)
    found = await corpus(world)
    assert found.space_id == world.space.id
    assert found.routing.searched_in() == {world.space.id, other.id}
    assert await vectors(world, other) == 2


async def test_nothing_is_searched_in_a_space_that_lacks_a_passage(world, other):
    await world.add("a.txt", "The pump.\n\nThe valve.")
    with pytest.raises(Conflict, match=r"lacks 2 passages.*reembed main"):
        await switch(world, other)
    await beside(world, other)
    with pytest.raises(Conflict):
        await switch(world, other)
    assert (await corpus(world)).routing.searched_in() == {world.space.id}


async def test_an_empty_corpus_is_switched_at_once(world, other):
    await switch(world, other)
    assert (await corpus(world)).space_id == other.id


async def test_one_language_is_routed_and_back(world):
    english = await make_other_space(world.database, languages=["en"])
    await world.add("a.txt", "The pump.")
    await beside(world, english, "en")
    await fill(world, english)
    await switch(world, english, "en")
    routing = (await corpus(world)).routing
    assert (routing.space_of("en"), routing.space_of("fr")) == (english.id, world.space.id)
    await switch(world, world.space, "en")
    routing = (await corpus(world)).routing
    assert routing.is_plain
    assert routing.wanted_by("en") == {world.space.id, english.id}


async def test_a_space_of_other_languages_is_refused(world):
    english = await make_other_space(world.database, languages=["en"])
    with pytest.raises(Invalid, match="is for en"):
        await beside(world, english, "fr")
    await world.add("a.txt", "Une pompe.")
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("UPDATE passage SET language = 'fr'")
        await conn.execute("UPDATE passage_count SET language = 'fr'")
    with pytest.raises(Invalid, match="passages in fr"):
        await switch(world, english)


async def test_a_searched_space_is_not_dropped_and_a_kept_one_is(world, other):
    await world.add("a.txt", "The pump.\n\nThe valve.")
    await beside(world, other)
    await fill(world, other)
    with pytest.raises(Conflict, match="switch it"):
        await change(world, reembedding.forget_space, space=world.space)
    await change(world, reembedding.forget_space, space=other)
    dropped = await change(world, reembedding.drop_vectors, space=other)
    assert (dropped, await vectors(world, other), await vectors(world, world.space)) == (2, 0, 2)


async def test_too_many_spaces_are_refused(world):
    for languages in (["en"], ["fr"], ["de"]):
        await beside(world, await make_other_space(world.database, languages=languages))
    with pytest.raises(Invalid, match="at most 4 spaces"):
        await beside(world, await make_other_space(world.database, languages=["es"]))


async def test_too_many_spaces_are_refused_by_a_switch_too(world):
    for number, language in enumerate(("en", "fr", "de", "es")):
        space = await make_other_space(world.database, languages=[language])
        if number == 3:
            with pytest.raises(Invalid, match="at most 4 spaces"):
                await switch(world, space, language)
        else:
            await switch(world, space, language)


async def test_rules_of_a_language_that_are_not_those_of_the_fallback_stay(world):
    english = await make_other_space(world.database, languages=["en"])

    async def rules(language, name):
        await change(world, switching.set_text_search, language=language, rules=name)

    await rules("*", "und")
    await rules("en", "auto")
    assert (await corpus(world)).routing.text_search_of("en") == "auto"
    await switch(world, english, "en")
    await switch(world, world.space, "en")
    assert (await corpus(world)).routing.text_search_of("en") == "auto"
    await rules("en", "und")
    assert (await corpus(world)).routing.is_plain


async def test_a_corpus_that_is_not_there_is_missing(world, other):
    with pytest.raises(Missing):
        async with world.database.as_worker(world.tenant_id) as conn:
            await switching.switch(
                conn, tenant_id=world.tenant_id, name="none", space=other, language="*"
            )


async def claimed(world):
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    async with world.database.as_worker(world.tenant_id) as conn:
        return lease, (await read_pending(conn, lease)).content.decode()


async def publish_as(world, lease, read):
    async with world.database.as_worker(world.tenant_id) as conn:
        await publish(conn, lease, read)
        await jobs.complete(conn, lease)


async def test_what_was_prepared_before_a_space_came_gets_a_job_for_it(world, other):
    await world.upload("late.txt", "The pump.")
    lease, text = await claimed(world)
    await beside(world, other)
    await publish_as(world, lease, extract(text, world.space))
    await fill(world, other)
    assert await vectors(world, other) == 1


async def test_what_is_published_meanwhile_is_embedded_in_both(world, other):
    await beside(world, other)
    await world.upload("new.txt", "The pump.")
    lease, text = await claimed(world)
    own = extract(text, world.space)
    both = [*own.vectors, embedded(own.passages, other, turned_vector)]
    await publish_as(world, lease, dataclasses.replace(own, vectors=both))
    assert (await vectors(world, world.space), await vectors(world, other)) == (1, 1)
    async with world.database.as_worker() as conn:
        assert await jobs.claim(conn) is None


async def test_what_was_prepared_for_the_space_before_a_switch_is_not_published(world, other):
    """Vectors of one space would stand in another of the same dimension, and nothing would fail."""
    await world.upload("late.txt", "The pump.")
    lease, text = await claimed(world)
    await switch(world, other)
    with pytest.raises(Unavailable, match="switched to another space"):
        await publish_as(world, lease, extract(text, world.space))
    assert await vectors(world, other) == 0


async def test_a_vector_gets_the_readers_that_its_passage_has_now(world, other):
    """They may change between embedding and storing; a stale class would show it to others."""
    document = await world.add("a.txt", "The pump.")
    await beside(world, other)
    asked = {"tenant_id": world.tenant_id, "document_id": document}
    async with world.database.as_worker(world.tenant_id) as conn:
        await enqueue_reindex(
            conn, tenant_id=world.tenant_id, corpus_id=world.corpus.id, document_id=document
        )
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    async with world.database.as_worker(world.tenant_id) as conn:
        [passage] = (await read_published(conn, lease)).passages
    async with world.database.as_worker(world.tenant_id) as conn:
        await reshare(conn, **asked, wanted=access(groups=["hr"]), by=None)
    async with world.database.as_worker(world.tenant_id) as conn:
        vectors = turned_vector(passage.text)[None, :]
        await add_vectors(conn, lease, space=other, ids=[passage.id], vectors=vectors)
    same = """
    SELECT count(*) FROM embedding JOIN passage ON passage.id = passage_id
     WHERE embedding.acl_id = passage.acl_id
    """
    async with world.database.as_worker(world.tenant_id) as conn:
        assert await (await conn.execute(same)).fetchall() == [(2,)]


async def test_a_deleted_document_leaves_no_vector_in_any_space(world, other):
    document = await world.add("a.txt", "The pump.")
    await beside(world, other)
    await fill(world, other)
    async with world.database.as_worker(world.tenant_id) as conn:
        await delete(conn, tenant_id=world.tenant_id, document_id=document, by=None)
    assert (await vectors(world, world.space), await vectors(world, other)) == (0, 0)

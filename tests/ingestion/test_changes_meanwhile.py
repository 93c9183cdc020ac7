"""What a job read may have changed by the time it writes: the newer always stands."""

import asyncio

import numpy as np
import pytest

from roadworthy.core.errors import Conflict, Invalid, Unavailable
from roadworthy.corpus import reembedding, switching
from roadworthy.corpus.documents import find_corpus
from roadworthy.corpus.publishing import publish, read_pending
from roadworthy.corpus.reindex_jobs import enqueue_reindex
from roadworthy.corpus.reindexing import add_vectors
from roadworthy.corpus.space_lock import keep_spaces
from roadworthy.corpus.telling import tell_language
from roadworthy.corpus.terms import METHOD
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from roadworthy.ingestion.reindex import reindex
from roadworthy.plumbing import jobs
from tests.doubles.model_server import KEY
from tests.world import DECLARED, OTHER, extract, make_other_space, turned_vector

pytestmark = pytest.mark.anyio

ENGLISH = "The harbour pump needs fresh oil every month, and somebody writes that into the book."
LABELS = "SELECT language, analysis FROM passage"
HELD = "SELECT count(*) FROM embedding WHERE space_id = %s"


class Pausing(SpaceEmbedder):
    """Embeds, when it is told to go on."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.is_asked, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def embed_passages(self, texts, **kwargs):
        self.is_asked.set()
        await self.may_go_on.wait()
        return await super().embed_passages(texts, **kwargs)


@pytest.fixture
async def turned(world):
    return await make_other_space(world.database)


@pytest.fixture
async def endpoint(models):
    models.further = {"turned": turned_vector}
    endpoint = Endpoint(EndpointAddress(url=models.url, key=KEY, timeout_s=5))
    yield endpoint
    await endpoint.close()


@pytest.fixture
def embedder(endpoint, turned):
    return Pausing(endpoint, space=turned, declared=OTHER)


@pytest.fixture
def own(endpoint, world):
    return {world.space.id: SpaceEmbedder(endpoint, space=world.space, declared=DECLARED)}


async def change(world, verb, **asked):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await verb(conn, tenant_id=world.tenant_id, name="main", **asked)


async def rows(world, query, *values):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await (await conn.execute(query, values)).fetchall()


async def claim(world):
    async with world.database.as_worker() as conn:
        return await jobs.claim(conn)


async def claim_reindex(world):
    async with world.database.as_worker(world.tenant_id) as conn:
        await enqueue_reindex(conn, tenant_id=world.tenant_id, corpus_id=world.corpus.id)
    return await claim(world)


async def bring_in_line(world, lease, embedders):
    await reindex(world.database, lease, embedders=embedders, report=lambda *_: None)


async def bring_all_in_line(world, embedders):
    while lease := await claim(world):
        await bring_in_line(world, lease, embedders)


@pytest.fixture
async def slow_job(world, turned, embedder, own):
    """Begin a job that embeds in a further space, until it comes to embedding."""
    await world.add("a.txt", ENGLISH)

    async def begin(language="*"):
        await change(world, reembedding.keep_beside, space=turned, language=language)
        lease = await claim_reindex(world)
        task = asyncio.create_task(bring_in_line(world, lease, own | {turned.id: embedder}))
        await embedder.is_asked.wait()
        return task

    return begin


async def test_a_slow_job_does_not_bring_older_rules_back(world, slow_job, turned, embedder, own):
    await change(world, switching.set_text_search, language="*", rules="und")
    task = await slow_job()
    await change(world, switching.set_text_search, language="*", rules="auto")
    embedder.may_go_on.set()
    await claim_reindex(world)  # and its worker dies
    await task
    await bring_all_in_line(world, own | {turned.id: embedder})
    assert await rows(world, LABELS) == [("en", METHOD)]


async def test_a_slow_job_does_not_take_back_what_was_told(world, slow_job, turned, embedder, own):
    task = await slow_job()
    [[document]] = await rows(world, "SELECT id FROM document")
    async with world.database.as_worker(world.tenant_id) as conn:
        asked = {"tenant_id": world.tenant_id, "document_id": document, "by": None}
        await tell_language(conn, **asked, language="fr")
    await claim(world)  # the job that this added, and its worker dies
    embedder.may_go_on.set()
    await task
    await bring_all_in_line(world, own | {turned.id: embedder})
    assert await rows(world, LABELS) == [("fr", METHOD)]


async def test_no_passage_comes_to_a_language_whose_space_lacks_it(
    world, slow_job, turned, embedder, own
):
    """English goes to a space of its own while a job finds that this passage is English."""
    english = await make_other_space(world.database, languages=["en"])
    task = await slow_job()
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("UPDATE passage SET language = 'fr'")
        await conn.execute("UPDATE passage_count SET language = 'fr'")
    await change(world, switching.switch, space=english, language="en")
    embedder.may_go_on.set()
    await task
    assert await rows(world, HELD, english.id) == [(0,)]
    assert await rows(world, LABELS) == [("fr", METHOD)]
    assert (await claim(world)).kind == "reindex"


async def test_a_slow_job_adds_nothing_to_a_space_that_is_let_go(world, slow_job, turned, embedder):
    task = await slow_job()
    await change(world, reembedding.forget_space, space=turned)
    embedder.may_go_on.set()
    await task
    assert await rows(world, HELD, turned.id) == [(0,)]


async def test_a_space_that_was_taken_up_again_keeps_its_vectors(world, slow_job, turned, embedder):
    embedder.may_go_on.set()
    await (await slow_job())
    await change(world, reembedding.forget_space, space=turned)
    await change(world, switching.switch, space=turned, language="*")
    with pytest.raises(Conflict, match="taken the space 'turned' up again"):
        await change(world, reembedding.drop_vectors, space=turned)
    assert await rows(world, HELD, turned.id) == [(1,)]


async def test_a_kept_space_that_is_not_served_holds_nobody_up(world, turned, own):
    for space in (turned, world.space):
        await change(world, switching.switch, space=space, language="*")
    await world.upload("a.txt", ENGLISH)
    lease = await claim(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        await publish(conn, lease, extract(ENGLISH, world.space))
        await jobs.complete(conn, lease)
    assert await rows(world, "SELECT is_whole FROM corpus_space") == [(False,)]
    lease = await claim(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("UPDATE document SET language_told = 'fr'")
    with pytest.raises(Unavailable, match="drop-space main --space turned"):
        await bring_in_line(world, lease, own)
    assert await rows(world, LABELS) == [("fr", METHOD)]


async def test_a_kept_space_is_whole_again_when_it_is_seen_to_be(world, turned, embedder, own):
    await world.add("a.txt", ENGLISH)
    await change(world, reembedding.keep_beside, space=turned, language="*")
    await change(world, reembedding.confirm_whole, space=turned)
    assert await rows(world, "SELECT is_whole FROM corpus_space") == [(False,)]
    embedder.may_go_on.set()
    await bring_in_line(world, await claim_reindex(world), own | {turned.id: embedder})
    await change(world, reembedding.confirm_whole, space=turned)
    assert await rows(world, "SELECT is_whole FROM corpus_space") == [(True,)]


async def test_a_vector_without_direction_is_not_stored_in_any_space(world, turned):
    await world.add("a.txt", ENGLISH)
    await change(world, reembedding.keep_beside, space=turned, language="*")
    lease = await claim_reindex(world)
    [[passage]] = await rows(world, "SELECT id FROM passage")
    zero = np.zeros((1, turned.dimension), np.float32)
    with pytest.raises(Invalid, match="does not fit the space 'turned'"):
        async with world.database.as_worker(world.tenant_id) as conn:
            await add_vectors(conn, lease, space=turned, ids=[passage], vectors=zero)


async def test_two_that_change_languages_crosswise_do_not_wait_for_each_other(world, own):
    """One that goes from French to English, beside one that goes from English to French."""
    await world.add("b.txt", "The valve.")
    await world.upload("a.txt", ENGLISH)
    lease = await claim(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        await publish(conn, lease, extract(ENGLISH, world.space, language="fr"))
        await jobs.complete(conn, lease)
    [[document]] = await rows(world, "SELECT id FROM document WHERE name = 'a.txt'")
    async with world.database.as_worker(world.tenant_id) as conn:
        asked = {"tenant_id": world.tenant_id, "corpus_id": world.corpus.id}
        await enqueue_reindex(conn, **asked, document_id=document)
    lease = await claim(world)
    lock = "SELECT FROM passage_count WHERE language = %s FOR UPDATE"
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute(lock, ("en",))
        task = asyncio.create_task(bring_in_line(world, lease, own))
        await asyncio.sleep(0.3)  # it has come to the counts
        await conn.execute(lock, ("fr",))
    await task
    assert await rows(world, LABELS) == [("en", METHOD)] * 2


async def test_a_language_told_while_a_document_is_prepared_gets_a_job(world):
    receipt = await world.upload("a.txt", ENGLISH)
    lease = await claim(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        prepared = extract((await read_pending(conn, lease)).content.decode(), world.space)
        asked = {"tenant_id": world.tenant_id, "document_id": receipt.document_id, "by": None}
        await tell_language(conn, **asked, language="fr")
    async with world.database.as_worker(world.tenant_id) as conn:
        await publish(conn, lease, prepared)
        await jobs.complete(conn, lease)
    assert (await claim(world)).kind == "reindex"


async def test_what_waits_for_a_switch_hears_of_it(world, turned):
    """Not that its document was deleted: then nobody would try again."""
    await world.upload("a.txt", ENGLISH)
    lease = await claim(world)

    async def publishing():
        async with world.database.as_worker(world.tenant_id) as conn:
            await publish(conn, lease, extract(ENGLISH, world.space))

    async with world.database.as_worker(world.tenant_id) as conn:
        asked = {"tenant_id": world.tenant_id, "name": "main"}
        await switching.switch(conn, **asked, space=turned, language="*")
        task = asyncio.create_task(publishing())
        await asyncio.sleep(0.15)  # it has come to the lock
    with pytest.raises(Unavailable, match="switched"):
        await task


async def test_a_switch_has_its_turn_however_much_is_published(world, turned):
    await world.upload("a.txt", ENGLISH)
    lease = await claim(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        await keep_spaces(conn, lease)
        switched = asyncio.create_task(change(world, switching.switch, space=turned, language="*"))
        await asyncio.sleep(0.15)  # it waits

        async def publishing_later():
            async with world.database.as_worker(world.tenant_id) as later:
                await keep_spaces(later, lease)
                asked = {"tenant_id": world.tenant_id, "name": "main"}
                return await find_corpus(later, **asked)

        after = asyncio.create_task(publishing_later())
        await asyncio.sleep(0.15)
        assert not switched.done()
        assert not after.done()
    await switched
    assert (await after).space_id == turned.id

"""A person may say which language a document is in, and take it back."""

import pytest

from roadworthy.core.errors import Invalid, Refused
from roadworthy.corpus.accepting import Upload, accept
from roadworthy.corpus.access import access
from roadworthy.corpus.reindex_jobs import REINDEX
from roadworthy.corpus.telling import tell_language
from roadworthy.plumbing import jobs

pytestmark = pytest.mark.anyio


async def told(world):
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await conn.execute("SELECT language_told FROM document")
        return [row[0] for row in await rows.fetchall()]


async def waiting(world):
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    return lease and lease.kind


async def hand_in(world, text="The pump.", **more):
    upload = Upload(name="a.txt", content=text.encode(), access=access(), owner="operator", **more)
    async with world.database.as_worker(world.tenant_id) as conn:
        return await accept(conn, upload, tenant_id=world.tenant_id, corpus=world.corpus, by=None)


async def tell(world, document, language, by=None):
    async with world.database.as_worker(world.tenant_id) as conn:
        asked = {"tenant_id": world.tenant_id, "document_id": document, "by": by}
        return await tell_language(conn, **asked, language=language)


async def test_what_is_published_gets_a_job(world):
    document = await world.add("a.txt", "The pump.")
    assert await tell(world, document, "fr-CA")
    assert await told(world) == ["fr"]
    assert await waiting(world) == REINDEX
    assert not await tell(world, document, "fr")


async def test_it_may_be_taken_back(world):
    document = await world.add("a.txt", "The pump.")
    await tell(world, document, "fr")
    assert await tell(world, document, None)
    assert await told(world) == [None]


async def test_only_the_owner_may_say_it(world):
    document = await world.add("a.txt", "The pump.")
    with pytest.raises(Refused):
        await tell(world, document, "fr", by="bob")


async def test_an_upload_may_say_it_and_a_later_one_that_says_nothing_leaves_it(world):
    await hand_in(world, language="fr")
    await hand_in(world, text="The valve.")
    assert await told(world) == ["fr"]
    await hand_in(world, text="The valve.", language="de")
    assert await told(world) == ["de"]


async def test_the_same_content_in_another_language_is_an_update(world):
    await world.add("a.txt", "The pump.")
    assert (await hand_in(world, language="fr")).outcome == "updated"
    assert await waiting(world) == REINDEX
    assert (await hand_in(world, language="fr")).outcome == "unchanged"


async def test_what_is_no_language_is_refused(world):
    with pytest.raises(Invalid, match="frensh"):
        await hand_in(world, language="frensh")

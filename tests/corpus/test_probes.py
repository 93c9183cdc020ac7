"""A probe is kept with the words that answer it, and goes with its document."""

import uuid

import psycopg
import pytest

from roadworthy.core.errors import Invalid, Missing
from roadworthy.corpus import probes
from roadworthy.corpus.ownership import delete
from roadworthy.corpus.probes import MOST_GENERATED, add_probe, generate_probes, list_probes
from roadworthy.plumbing import jobs

pytestmark = pytest.mark.anyio

TEXT = "The pump needs oil.\n\nThe valve\n needs nothing."


async def kept(world):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await list_probes(conn, tenant_id=world.tenant_id, corpus_id=world.corpus.id)


async def add(world, document, *, quote=None, question="What of it?"):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await add_probe(
            conn,
            tenant_id=world.tenant_id,
            corpus_id=world.corpus.id,
            document_id=document,
            language="en",
            question=question,
            quote=quote,
        )


async def generate(world, name, sentences):
    """Publish a document as a worker does that makes probes of it."""
    await world.upload(name, f"About {name}.\n\n" + "\n\n".join(sentences.values()))
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    async with world.database.as_worker(lease.tenant_id) as conn:
        await generate_probes(conn, lease, sentences)
    return lease


async def test_a_quote_may_be_written_with_other_blanks(world):
    document = await world.add("a.txt", TEXT)
    await add(world, document, quote="The valve needs\tnothing")
    [probe] = await kept(world)
    assert probe.quote == "The valve\n needs nothing"
    assert len(probe.passages) == 1
    assert (probe.readers, probe.clearance) == (["group:everyone"], 0)


async def test_without_a_quote_each_passage_will_do(world):
    await add(world, await world.add("a.txt", TEXT))
    [probe] = await kept(world)
    assert len(probe.passages) == 2
    assert not probe.is_stale


@pytest.mark.parametrize(
    "told",
    [
        {"quote": "The anchor"},
        {"quote": " "},
        {"quote": "x" * 2_001},
        {"question": ""},
        {"question": "\0"},
        {"question": "x" * 1_001},
    ],
    ids=lambda told: str(told)[:30],
)
async def test_what_cannot_be_asked_is_refused(world, told):
    document = await world.add("a.txt", TEXT)
    with pytest.raises(Invalid):
        await add(world, document, **told)


async def test_a_document_that_is_not_there_is_missing(world):
    with pytest.raises(Missing):
        await add(world, uuid.uuid4())


async def test_there_are_not_too_many(world, monkeypatch):
    monkeypatch.setattr(probes, "MOST_TOLD", 2)
    document = await world.add("a.txt", TEXT)
    await add(world, document)
    await add(world, document)
    with pytest.raises(Invalid, match="at most 2"):
        await add(world, document)


async def test_another_version_without_the_words_makes_it_stale(world):
    await add(world, await world.add("a.txt", TEXT), quote="The valve")
    await world.add("a.txt", "The pump is gone.")
    [probe] = await kept(world)
    assert probe.is_stale


async def test_it_goes_with_its_document(world):
    document = await world.add("a.txt", TEXT)
    await add(world, document)
    async with world.database.as_worker(world.tenant_id) as conn:
        await delete(conn, tenant_id=world.tenant_id, document_id=document, by=None)
    assert await kept(world) == []


async def test_a_few_are_generated_of_each_language(world):
    for number in range(MOST_GENERATED + 3):
        await generate(world, f"{number}.txt", {"en": f"Pump {number} oils.", "fr": f"{number}."})
    found = await kept(world)
    assert {each.language for each in found} == {"en", "fr"}
    assert len(found) == 2 * MOST_GENERATED
    assert all(each.is_generated for each in found)


async def test_a_version_that_is_published_twice_gives_one(world):
    lease = await generate(world, "a.txt", {"en": "The pump."})
    async with world.database.as_worker(lease.tenant_id) as conn:
        await generate_probes(conn, lease, {"en": "The valve."})
    assert [each.question for each in await kept(world)] == ["The pump."]


async def test_people_read_none(world):
    await add(world, await world.add("a.txt", TEXT, owner="ana"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with world.database.read_as(world.person("ana")) as conn:
            await (await conn.execute("SELECT question FROM golden_probe")).fetchone()

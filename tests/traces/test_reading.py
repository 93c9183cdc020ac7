"""A trace is read by the person whom it is about, and its answer while he may read its sources."""

import time

import psycopg
import pytest

from roadworthy.core.errors import Missing
from roadworthy.corpus.access import access
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.traces import list_traces
from roadworthy.traces.store import add_traces
from tests.traces.interactions import ME, answered, begun, passage_of, read
from tests.world import make_world

pytestmark = pytest.mark.anyio


async def recorded(world, *documents, pseudonym=ME, answer="It says so."):
    start = begun(world.tenant_id, pseudonym=pseudonym)
    passages = tuple([await passage_of(world, document) for document in documents])
    await add_traces(world.database, [answered(start, answer=answer, passages=passages)])
    return start.id


async def withdraw(world, document, how):
    async with world.database.as_worker(world.tenant_id) as conn:
        asked = {"tenant_id": world.tenant_id, "document_id": document, "by": None}
        if how == "deleted":
            await delete(conn, **asked)
        else:
            await reshare(conn, wanted=access(groups=["board"]), **asked)


@pytest.mark.parametrize("how", ["revoked", "deleted"])
async def test_answer_and_hit_go_with_any_of_their_documents(world, how):
    kept = await world.add("menu.txt", "Soup.")
    lost = await world.add("plan.txt", "The plan.")
    trace_id = await recorded(world, kept, lost)
    assert (await read(world, trace_id))[0].answer == "It says so."
    await withdraw(world, lost, how)
    trace, hits = await read(world, trace_id)
    assert (trace.answer, [hit.document_id for hit in hits]) == (None, [kept])


async def test_the_answer_goes_with_the_group_and_comes_back_with_it(world):
    document = await world.add("plan.txt", "The plan.", readers=access(groups=["board"]))
    trace_id = await recorded(world, document)
    for groups, answer, hits in (({"board"}, "It says so.", 1), ((), None, 0)):
        trace, seen = await read(world, trace_id, who=world.person(groups=groups))
        assert (trace.answer, len(seen)) == (answer, hits)


async def test_the_list_hides_the_answer_as_well(world):
    document = await world.add("plan.txt", "The plan.")
    await recorded(world, document)
    await withdraw(world, document, "revoked")
    async with world.database.read_as(world.person(), pseudonym=ME) as conn:
        [trace] = await list_traces(conn, tenant_id=world.tenant_id)
    assert trace.answer is None


async def test_an_answer_does_not_outlive_the_content_that_was_taken_away(world):
    """The document came back for everyone with another content; the old one stays the board's."""
    document = await world.add("plan.txt", "Buy Heron.", readers=access(groups=["board"]))
    trace_id = await recorded(world, document, answer="Buy Heron.")
    await world.add("plan.txt", "Nothing to see.", readers=access())
    trace, _ = await read(world, trace_id)
    assert trace.answer is None


async def test_what_a_model_said_when_it_failed_goes_with_what_it_had_read(world):
    document = await world.add("plan.txt", "The plan.")
    start = begun(world.tenant_id)
    source = await passage_of(world, document)
    failed = answered(start, passages=(source,), problem="The plan. is too long")
    await add_traces(world.database, [failed])
    assert (await read(world, start.id))[0].problem == failed.problem
    await withdraw(world, document, "revoked")
    assert (await read(world, start.id))[0].problem is None


async def test_what_was_answered_without_documents_stays(world):
    trace, hits = await read(world, await recorded(world))
    assert (trace.answer, hits) == ("It says so.", [])


@pytest.mark.parametrize("pseudonym", ["b" * 32, "", "' OR true --"])
async def test_nobody_else_reads_a_trace(world, pseudonym):
    trace_id = await recorded(world)
    with pytest.raises(Missing):
        await read(world, trace_id, pseudonym=pseudonym)
    async with world.database.read_as(world.person(), pseudonym=pseudonym) as conn:
        assert await list_traces(conn, tenant_id=world.tenant_id) == []
        for table in ("trace", "trace_hit", "trace_answer"):
            assert await (await conn.execute(f"SELECT FROM {table}")).fetchall() == []


async def test_another_tenant_reads_nothing_under_the_same_pseudonym(world, database):
    trace_id = await recorded(world)
    other = await make_world(database, f"other-{world.tenant_id}")
    with pytest.raises(Missing):
        await read(other, trace_id)


async def test_who_records_reads_no_trace(world):
    await recorded(world)
    async with world.database.as_recorder(world.tenant_id) as conn:
        for table in ("trace", "trace_hit", "trace_answer", "document", "passage"):
            assert await (await conn.execute(f"SELECT FROM {table}")).fetchall() == []


@pytest.mark.parametrize("change", ["UPDATE trace SET question = ''", "DELETE FROM trace"])
async def test_no_service_changes_a_trace(world, urls, change):
    await recorded(world)
    for url in (urls.app, urls.worker):
        with psycopg.connect(url) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(change)


async def test_a_page_begins_where_the_last_one_ended(world):
    ids = [await recorded(world) for _ in range(5)]
    async with world.database.read_as(world.person(), pseudonym=ME) as conn:
        first = await list_traces(conn, tenant_id=world.tenant_id, limit=3)
        rest = await list_traces(conn, tenant_id=world.tenant_id, before=first[-1].id, limit=3)
    assert [trace.id for trace in (*first, *rest)] == ids[::-1]


async def test_a_page_does_not_slow_down_with_the_traces_of_others(world, urls):
    document = await world.add("plan.txt", "The plan.")
    mine = [await recorded(world, document) for _ in range(20)]
    with psycopg.connect(urls.owner, autocommit=True) as conn:
        others = [
            answered(
                begun(world.tenant_id, pseudonym="c" * 32),
                passages=(await passage_of(world, document),),
            )
        ]
        await add_traces(world.database, others)
        for table, columns in (
            ("trace", "{id}, pseudonym, surface, question, language, outcome, stages,"
             " input_tokens, output_tokens, degraded, started_at"),
            ("trace_answer", "{id}, text"),
            ("trace_hit", "{id}, rank, document_id, passage_id, score, cited"),
        ):  # fmt: skip
            key = "id" if table == "trace" else "trace_id"
            named = columns.format(id=key)
            made = columns.format(id="md5('t' || n)::uuid")
            conn.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            conn.execute(
                f"INSERT INTO {table} (tenant_id, {named})"
                f" SELECT tenant_id, {made} FROM {table}, generate_series(1, 20000) AS n"
                f"  WHERE {key} = %s",
                [others[0].begun.id],
            )
            conn.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            conn.execute(f"ANALYZE {table}")
    async with world.database.read_as(world.person(), pseudonym=ME) as conn:
        began = time.perf_counter()
        page = await list_traces(conn, tenant_id=world.tenant_id)
        took_s = time.perf_counter() - began
    assert [trace.id for trace in page] == mine[::-1]
    assert took_s < 0.2

"""Questions that wait: tenants take turns, whatever waits, and no more is kept than may be."""

import psycopg
import pytest
from psycopg.rows import scalar_row

from roadworthy.answering import later, webhooks
from roadworthy.answering.records import Asked
from roadworthy.core.clock import now
from roadworthy.core.errors import Busy
from roadworthy.core.ids import new_id
from roadworthy.gateway.chat import Message
from roadworthy.worker.questions import drop_old_questions
from tests.world import another_world

pytestmark = pytest.mark.anyio

ASKED = Asked(turns=[Message(role="user", content="What is the plan?")], surface="answers")
HOOKS, OTHER_HOOKS = "https://hooks.example", "https://other.example"
COUNT = "SELECT count(*) FROM kept_question WHERE tenant_id = %s"
# Each a second older than the one before.
FINISHED = """
INSERT INTO kept_question (tenant_id, id, user_id, state, run_at, created_at, finished_at)
SELECT %s, gen_random_uuid(), 'ana', 'done', now(), now(), now() - number * interval '1 s'
  FROM generate_series(1, %s) AS number
"""
MANY = """
INSERT INTO kept_question (tenant_id, id, user_id, asked, state, run_at, created_at)
SELECT %s, gen_random_uuid(), 'ana', '{}', 'queued', now() - interval '1 s', now()
  FROM generate_series(1, %s)
"""
PEOPLE = """
INSERT INTO principal (tenant_id, user_id, groups, clearance, updated_at)
SELECT %s, 'person-' || number, '{}', 0, now() FROM generate_series(1, 100) AS number
"""
MANY_PEOPLE = """
INSERT INTO kept_question (tenant_id, id, user_id, asked, state, run_at, created_at)
SELECT %s, gen_random_uuid(), 'person-' || number, '{}', 'queued', now() - interval '1 s', now()
  FROM generate_series(1, 100) AS number
"""
TO_BE_TOLD = """
INSERT INTO webhook (tenant_id, question_id, url, origin, state, run_at)
SELECT tenant_id, id, %s, %s, 'waiting', run_at FROM kept_question
ON CONFLICT DO NOTHING
"""
UNLUCKY = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE 'no'; END $$;
CREATE TRIGGER refuse BEFORE DELETE ON kept_question
    FOR EACH ROW WHEN (OLD.tenant_id = {}) EXECUTE FUNCTION refuse();
"""


@pytest.fixture(autouse=True)
async def _ana(world):
    async with world.database.as_worker() as conn:
        await conn.execute("DELETE FROM kept_question")
    await world.put(world.person())


async def ask(world, times=1, user="ana"):
    who = world.person(user)
    for _ in range(times):
        async with world.database.write_as(who) as conn:
            await later.keep(conn, who, ASKED)


async def claimed(world):
    async with world.database.as_worker() as conn:
        return await later.claim(conn)


async def give_up(world, lease):
    async with world.database.as_worker() as conn:
        await later.put_back(conn, lease, kind="missing")


async def end_to_be_told(world, *, at=HOOKS):
    ana = world.person()
    async with world.database.write_as(ana) as conn:
        question = await later.keep(conn, ana, ASKED)
        await webhooks.keep(conn, ana, question_id=question, url=at, origin=at)
    await give_up(world, await claimed(world))


async def told_next(world, *origins):
    async with world.database.as_worker() as conn:
        lease = await webhooks.claim(conn, origins=origins)
    return lease and (lease.origin, lease.tenant_id)


async def kept(world) -> int:
    async with world.database.as_worker() as conn, conn.cursor(row_factory=scalar_row) as cursor:
        [count] = await (await cursor.execute(COUNT, [world.tenant_id])).fetchall()
    return count


async def test_tenants_take_turns_however_much_one_has_waiting(world):
    await ask(world, times=3)
    other = await another_world(world.database)
    await other.put(other.person())
    await ask(other, times=2)
    order = []
    for _ in range(4):
        lease = await claimed(world)
        order.append(lease.tenant_id)
        await give_up(world, lease)
    assert order == [world.tenant_id, other.tenant_id] * 2


async def test_within_a_tenant_people_take_turns(world):
    await world.put(world.person("ben"))
    await ask(world, times=3)
    await ask(world, times=2, user="ben")
    order = []
    for _ in range(4):
        lease = await claimed(world)
        order.append(lease.user_id)
        await give_up(world, lease)
    assert order == ["ana", "ben"] * 2


async def test_of_a_tenant_who_has_the_fewest_running_has_his_turn(world):
    await world.put(world.person("ben"))
    await ask(world, times=2)
    assert (await claimed(world)).user_id == "ana"
    await ask(world, times=2, user="ben")
    assert [(await claimed(world)).user_id for _ in range(3)] == ["ben", "ana", "ben"]


async def test_one_person_leaves_room_in_the_line_for_others(world, monkeypatch):
    monkeypatch.setattr(later, "MOST_WAITING", 4)
    await world.put(world.person("ben"))
    await ask(world, times=2)
    with pytest.raises(Busy):
        await ask(world)
    await ask(world, user="ben")
    with pytest.raises(Busy):
        await ask(world, user="ben")


async def test_of_what_is_kept_no_person_pushes_out_what_is_anothers(world, monkeypatch):
    monkeypatch.setattr(later, "MOST_KEPT", 2)
    await world.put(world.person("ben"))
    for user in ("ben", *["ana"] * 4):
        await ask(world, user=user)
        await give_up(world, await claimed(world))
    await drop_old_questions(world.database)
    assert await kept(world) == 1 + 2


async def test_who_has_the_fewest_running_has_its_turn(world):
    await ask(world, times=3)
    assert [(await claimed(world)).tenant_id for _ in range(2)] == [world.tenant_id] * 2
    other = await another_world(world.database)
    await other.put(other.person())
    await ask(other)
    assert (await claimed(world)).tenant_id == other.tenant_id


async def test_one_that_waits_for_a_model_lets_the_next_go_first(world):
    await ask(world, times=2)
    first = await claimed(world)
    async with world.database.as_worker() as conn:
        await later.put_back(conn, first, kind="unavailable")
        await conn.execute(
            "UPDATE kept_question SET run_at = now() + interval '1 h' WHERE id = %s", [first.id]
        )
    assert (await claimed(world)).id != first.id
    assert await claimed(world) is None


async def test_a_claim_reads_no_more_where_more_wait(postgres_cluster, urls, world):
    explain = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) " + later.CLAIM.encode()
    pages = []
    with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner)) as conn:
        for more in (500, 9_500):
            conn.execute(MANY, [world.tenant_id, more])
            conn.execute("ANALYZE kept_question")
            told = {"lease": new_id(), "lease_for": later.LEASE}
            [([plan],)] = conn.execute(explain, told).fetchall()
            pages.append(plan["Plan"]["Shared Hit Blocks"])
        conn.rollback()
    assert pages[1] < 2 * pages[0]


async def test_a_claim_reads_no_more_where_more_have_asked_before(postgres_cluster, urls, world):
    explain = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) " + later.CLAIM.encode()
    told, pages = {"lease": new_id(), "lease_for": later.LEASE}, []
    with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner)) as conn:
        conn.execute(PEOPLE, [world.tenant_id])
        for done in (100, 9_900):
            conn.execute(MANY_PEOPLE, [world.tenant_id])
            conn.execute(FINISHED, [world.tenant_id, done])
            conn.execute(later.CLAIM.encode(), told)
            [([plan],)] = conn.execute(explain, told).fetchall()
            pages.append(plan["Plan"]["Shared Hit Blocks"])
        conn.rollback()
    assert pages[1] < 2 * pages[0]


async def test_of_those_that_are_done_the_last_are_kept(world, urls, monkeypatch):
    monkeypatch.setattr(later, "MOST_KEPT", 3)
    await ask(world)
    with psycopg.connect(urls.owner) as conn:
        conn.execute("ALTER TABLE kept_question NO FORCE ROW LEVEL SECURITY")
        conn.execute(FINISHED, [world.tenant_id, 5])
        conn.execute("ALTER TABLE kept_question FORCE ROW LEVEL SECURITY")
    await drop_old_questions(world.database)
    assert await kept(world) == 1 + 3
    monkeypatch.setattr(later, "MOST_KEPT", 4)
    await drop_old_questions(world.database)
    assert await kept(world) == 1 + 3


async def test_who_waits_to_be_told_is_told_before_it_is_dropped(world, monkeypatch):
    monkeypatch.setattr(later, "MOST_KEPT", 1)
    await end_to_be_told(world)
    for _ in range(2):
        await ask(world)
        await give_up(world, await claimed(world))
    await drop_old_questions(world.database)
    assert await kept(world) == 2
    async with world.database.as_worker() as conn:
        lease = await webhooks.claim(conn, origins=[HOOKS])
        await webhooks.finish(conn, lease, state="delivered")
    await drop_old_questions(world.database)
    assert await kept(world) == 1


async def test_at_one_origin_no_tenant_is_held_up_by_the_receivers_of_another(world):
    other = await another_world(world.database)
    await other.put(other.person())
    for each in (*[world] * 4, other):
        await end_to_be_told(each)
    order = [await told_next(world, HOOKS) for _ in range(4)]
    first, second = (HOOKS, world.tenant_id), (HOOKS, other.tenant_id)
    assert order == [first, second, first, None]


async def test_an_origin_of_many_tenants_is_bound_and_takes_its_turn(world, monkeypatch):
    monkeypatch.setattr(webhooks, "AT_ONCE", 2)
    worlds = [world, *[await another_world(world.database) for _ in range(2)]]
    for each in worlds[1:]:
        await each.put(each.person())
    for each in worlds:
        await end_to_be_told(each)
    await end_to_be_told(world, at=OTHER_HOOKS)
    order = [await told_next(world, HOOKS, OTHER_HOOKS) for _ in range(4)]
    assert [turn and turn[0] for turn in order] == [HOOKS, OTHER_HOOKS, HOOKS, None]


async def test_a_message_is_found_without_reading_all_that_wait(postgres_cluster, urls, world):
    explain = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) " + webhooks.CLAIM.encode()
    asked = {"origins": [HOOKS], "at_once": 6, "at_once_of_tenant": 2}
    asked |= {"lease": new_id(), "lease_for": webhooks.LEASE}
    pages = []
    with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner)) as conn:
        for more in (500, 9_500):
            conn.execute(MANY, [world.tenant_id, more])
            conn.execute(TO_BE_TOLD, [HOOKS, HOOKS])
            conn.execute("ANALYZE kept_question")
            conn.execute("ANALYZE webhook")
            [([plan],)] = conn.execute(explain, asked).fetchall()
            pages.append(plan["Plan"]["Shared Hit Blocks"])
        conn.rollback()
    assert pages[1] < 2 * pages[0]


async def test_what_one_tenant_meets_keeps_no_other_from_forgetting(world, urls):
    other = await another_world(world.database)
    await other.put(other.person())
    for each in (world, other):
        await ask(each)
        await give_up(each, await claimed(each))
    async with world.database.as_worker() as conn:
        await conn.execute("UPDATE kept_question SET finished_at = %s", [now() - later.KEPT])
    with psycopg.connect(urls.owner, autocommit=True) as conn:
        conn.execute(UNLUCKY.format(world.tenant_id).encode())
        try:
            await drop_old_questions(world.database)
        finally:
            conn.execute("DROP FUNCTION refuse CASCADE")
    assert [await kept(each) for each in (world, other)] == [1, 0]


async def test_what_was_asked_is_forgotten_when_it_has_ended(world):
    await ask(world)
    await give_up(world, await claimed(world))
    async with world.database.as_worker() as conn:
        rows = await (await conn.execute("SELECT asked FROM kept_question")).fetchall()
    assert rows == [(None,)]

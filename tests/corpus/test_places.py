"""A tenant's vectors move to a partition of its own and back while people read and write."""

import asyncio
import itertools
from contextlib import suppress

import psycopg
import pytest

from roadworthy.core.errors import Busy, Unavailable
from roadworthy.corpus import moving, partitions, places
from roadworthy.corpus.access import access
from roadworthy.corpus.moving import arrange_places
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.corpus.partitions import (
    drop_index,
    drop_partition,
    ensure_index,
    ensure_partition,
)
from roadworthy.corpus.places import (
    SHARED,
    enter_place,
    find_place,
    keep_place,
    leave_place,
    move_some,
    turn_place,
)
from roadworthy.diagnosis.database import check_database
from roadworthy.plumbing.tasks import cancelled
from roadworthy.retrieval.filters import Filter, Scope
from roadworthy.retrieval.nearest import nearest
from roadworthy.retrieval.visible import count_visible
from tests.waiting import until
from tests.world import another_world

pytestmark = pytest.mark.anyio

MANY, FEW = 10**6, 6  # passages, of which a tenant may have no more without moving
CUT_OFF_AFTER_S = [n / 40 for n in (1, 7, 2, 9, 3, 5, 8, 4, 12, 6, 10, 11)]
KEPT = "SELECT tableoid::regclass::text, count(*) FROM embedding GROUP BY 1"
PASSAGES = "SELECT count(*) FROM passage"


async def fill(world, documents=25):
    for number in range(documents):
        await world.upload(f"{number}.txt", f"pump {number}\n\nvalve {number}")
    await world.publish_all()


async def arrange(world, urls, *, most):
    return await arrange_places(
        world.database, owner_url=urls.owner, report=lambda _: None, most=most
    )


def kept(postgres_cluster, urls):
    """Count the vectors by partition, whoever may see them."""
    with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner)) as conn:
        return dict(conn.execute(KEPT).fetchall()), conn.execute(PASSAGES).fetchone()[0]


async def found(conn, world):
    """Tell which passages are found, best first, and how many are visible."""
    scope = Scope(tenant_id=world.tenant_id, corpus_id=world.corpus.id, among=Filter())
    visible = await count_visible(conn, scope)
    query = world.query("pump valve")
    [near] = await nearest(conn, [query], scope, visible=visible, limit=1_000)
    return [passage_id for passage_id, _ in near.ranking], sum(each.passages for each in visible)


async def place_of(world):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await find_place(conn, tenant_id=world.tenant_id)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(partitions, "READERS_S", 0)  # there is no replica
    monkeypatch.setattr(moving, "PAUSE_S", 0.1)
    monkeypatch.setattr(places, "ROWS_AT_ONCE", 20)


@pytest.fixture
async def owner(urls):
    async with await psycopg.AsyncConnection.connect(urls.owner, autocommit=True) as conn:
        yield conn


async def test_a_tenant_that_outgrows_moves_out_and_one_that_shrinks_back(
    world, urls, postgres_cluster
):
    await fill(world)
    assert await arrange(world, urls, most=49)
    assert kept(postgres_cluster, urls) == ({f"embedding_of_{world.tenant_id}": 50}, 50)
    place = await place_of(world)
    assert (place.state, place.indexed) == ("own", [world.space.id])
    await arrange(world, urls, most=100)  # shrunk to the half of it, not below
    assert (await place_of(world)).state == "own"
    await arrange(world, urls, most=102)
    assert kept(postgres_cluster, urls) == ({"embedding_shared": 50}, 50)
    assert await place_of(world) is None


async def test_few_stay_where_they_are(world, urls, postgres_cluster):
    await fill(world)
    await arrange(world, urls, most=50)
    assert kept(postgres_cluster, urls) == ({"embedding_shared": 50}, 50)


async def write(world, stop):
    """Publish new versions, share anew, delete and add."""
    ids = {}
    for number in itertools.count():
        if stop.is_set():
            break
        name = f"{number % 20}.txt"
        ids[name] = await world.add(name, f"pump {number} {name}\n\nvalve {number} {name}")
        readers = access(groups=["hr"]) if number % 2 else access()
        async with world.database.as_worker(world.tenant_id) as conn:
            asked = {"tenant_id": world.tenant_id, "document_id": ids[name], "by": None}
            await reshare(conn, **asked, wanted=readers)
            if number % 7 == 0:
                await delete(conn, **asked)


async def test_nothing_is_lost_or_doubled_while_it_moves(world, urls, postgres_cluster):
    await fill(world)
    who, stop, seen = world.person(groups=["hr"]), asyncio.Event(), []

    async def read():
        while not stop.is_set():
            async with world.database.read_as(who) as conn:
                ids, visible = await found(conn, world)
            assert len(ids) == len(set(ids)) == visible
            seen.append(visible)

    async def move():
        for _ in range(2):
            await arrange(world, urls, most=FEW)
            await arrange(world, urls, most=MANY)
        stop.set()

    async with asyncio.TaskGroup() as group:
        for each in (read(), move(), write(world, stop)):
            group.create_task(each)
    assert len(seen) > 10
    rows, passages = kept(postgres_cluster, urls)
    assert sum(rows.values()) == passages


async def begun(world, owner, *, state, batches=0):
    """Leave a move as a process does that is killed on the way."""
    await ensure_partition(owner, world.tenant_id)
    if state is None:
        return
    back = state == "returning"
    async with world.database.as_worker(world.tenant_id) as conn:
        await enter_place(conn, tenant_id=world.tenant_id)
    async with world.database.as_worker(world.tenant_id) as conn:
        place, to = (SHARED, world.tenant_id)
        after = 0
        for _ in range(99 if back else batches):
            if after is not None:
                after = await move_some(
                    conn, tenant_id=world.tenant_id, place=place, to=to, after=after
                )
    if back:
        async with world.database.as_worker(world.tenant_id) as conn:
            await turn_place(conn, tenant_id=world.tenant_id, before="filling", state=state)
            after = 0
            for _ in range(batches):
                if after is not None:
                    after = await move_some(
                        conn, tenant_id=world.tenant_id, place=to, to=place, after=after
                    )


LEFT = [
    pytest.param({"state": None}, id="only-the-partition"),
    pytest.param({"state": "filling"}, id="nothing-moved"),
    pytest.param({"state": "filling", "batches": 1}, id="some-moved"),
    pytest.param({"state": "filling", "batches": 9}, id="all-moved"),
    pytest.param({"state": "returning", "batches": 1}, id="some-moved-back"),
    pytest.param({"state": "returning", "batches": 9}, id="all-moved-back"),
]


@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("most", [FEW, MANY])
async def test_a_move_that_was_killed_is_ended(world, urls, owner, postgres_cluster, left, most):
    await fill(world)
    await begun(world, owner, **left)
    for _ in range(3):  # at once, or out and back
        await arrange(world, urls, most=most)
    place = f"embedding_of_{world.tenant_id}" if most == FEW else "embedding_shared"
    assert kept(postgres_cluster, urls) == ({place: 50}, 50)
    async with world.database.read_as(world.person()) as conn:
        assert len((await found(conn, world))[0]) == 50


async def test_a_partition_that_nothing_is_kept_in_is_dropped(world, urls, owner):
    await fill(world)
    await begun(world, owner, state="returning", batches=9)
    async with world.database.as_worker(world.tenant_id) as conn:
        await leave_place(conn, tenant_id=world.tenant_id)  # and was killed before it dropped it
    await arrange(world, urls, most=MANY)
    left = await owner.execute("SELECT to_regclass(%s)", [f"embedding_of_{world.tenant_id}"])
    assert await left.fetchone() == (None,)


async def test_it_goes_on_however_often_it_is_cut_off(world, urls, postgres_cluster):
    await fill(world)
    for most, after_s in zip((FEW, MANY) * 6, CUT_OFF_AFTER_S, strict=True):
        moving = asyncio.create_task(arrange(world, urls, most=most))
        await asyncio.wait([moving], timeout=after_s)
        moving.cancel()
        await asyncio.gather(moving, return_exceptions=True)
        async with world.database.read_as(world.person()) as conn:
            assert len((await found(conn, world))[0]) == 50
    async with asyncio.timeout(30):
        while not await arrange(world, urls, most=FEW):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)  # the server notices late that the last one is gone
    await arrange(world, urls, most=FEW)  # what was on its way back only arrived there
    assert kept(postgres_cluster, urls) == ({f"embedding_of_{world.tenant_id}": 50}, 50)


SPOIL = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass"
WHOLE = "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass"


async def test_an_index_that_was_cut_off_is_built_anew(world, urls, owner, postgres_cluster):
    await fill(world)
    await arrange(world, urls, most=FEW)
    name = f"embedding_of_{world.tenant_id}_space_{world.space.id}"
    with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner)) as conn:
        conn.execute(SPOIL, [name])
    await arrange(world, urls, most=FEW)
    assert await (await owner.execute(WHOLE, [name])).fetchall() == [(True,)]
    assert not await ensure_index(owner, world.tenant_id, world.space)
    await drop_index(owner, world.tenant_id, world.space)
    assert await ensure_index(owner, world.tenant_id, world.space)


async def index_of(world, owner):
    name = f"embedding_of_{world.tenant_id}_space_{world.space.id}"
    found = await owner.execute("SELECT %s::regclass::oid", [name])
    return name, (await found.fetchone())[0]


async def test_an_index_whose_builder_was_killed_is_kept(world, urls, owner):
    """The server ends what it has begun; only that it keeps no statistics is left to say."""
    await fill(world)
    await arrange(world, urls, most=FEW)
    name, oid = await index_of(world, owner)
    await owner.execute(f"ALTER INDEX {name} ALTER COLUMN 1 SET STATISTICS -1")
    await owner.execute(f"ANALYZE embedding_of_{world.tenant_id}")
    kept = "SELECT count(*) FROM pg_stats WHERE tablename = %s"
    assert await (await owner.execute(kept, [name])).fetchone() == (1,)
    await arrange(world, urls, most=FEW)
    assert await index_of(world, owner) == (name, oid)
    assert await (await owner.execute(kept, [name])).fetchone() == (0,)
    await owner.execute(f"ANALYZE embedding_of_{world.tenant_id}")
    assert await (await owner.execute(kept, [name])).fetchone() == (0,)


REFUSE_HELPERS = """
CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('max_parallel_maintenance_workers') <> '0' THEN
        RAISE SQLSTATE '53100' USING MESSAGE = 'could not resize shared memory segment';
    END IF;
END $$;
CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN tag IN ('CREATE INDEX')
    EXECUTE FUNCTION refuse();
"""


async def test_where_memory_to_share_is_scarce_an_index_is_built_alone(
    world, urls, postgres_cluster
):
    await fill(world)
    with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner)) as conn:
        conn.execute(REFUSE_HELPERS)
    await arrange(world, urls, most=FEW)
    assert (await place_of(world)).indexed == [world.space.id]


async def test_nobody_looks_for_an_index_while_it_is_built_anew(world, urls, postgres_cluster):
    await fill(world)
    await arrange(world, urls, most=FEW)
    with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner)) as conn:
        conn.execute(SPOIL, [f"embedding_of_{world.tenant_id}_space_{world.space.id}"])
        conn.execute(REFUSE_HELPERS.replace("<> '0'", "IS NOT NULL"))
    with pytest.raises(Unavailable):
        await arrange(world, urls, most=FEW)
    assert (await place_of(world)).indexed == []


async def test_a_space_that_was_emptied_loses_its_index(world, urls):
    await fill(world)
    await arrange(world, urls, most=FEW)
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("DELETE FROM embedding")
    await arrange(world, urls, most=FEW)
    assert (await place_of(world)).indexed == []


async def test_who_began_to_read_before_a_move_sees_all_to_his_end(world, urls):
    await fill(world)
    await arrange(world, urls, most=FEW)
    async with world.database.read_as(world.person()) as conn:
        assert (await found(conn, world))[1] == 50
        moving = asyncio.create_task(arrange(world, urls, most=MANY))
        for _ in range(100):
            await asyncio.sleep(0.02)
            if await place_of(world) is None:  # all is back in the shared partition
                break
        await asyncio.sleep(0.1)
        assert len((await found(conn, world))[0]) == 50
        assert not moving.done()
    assert await moving


async def test_new_vectors_change_their_place_after_those_that_are_being_written(world, owner):
    async def turn():
        async with world.database.as_worker(world.tenant_id) as conn:
            await enter_place(conn, tenant_id=world.tenant_id)

    await ensure_partition(owner, world.tenant_id)
    async with world.database.as_worker(world.tenant_id) as conn:
        assert await keep_place(conn, tenant_id=world.tenant_id) == SHARED
        turning = asyncio.create_task(turn())
        await asyncio.wait([turning], timeout=0.3)
        assert not turning.done()
        assert await keep_place(conn, tenant_id=world.tenant_id) == SHARED
    await turning
    async with world.database.as_worker(world.tenant_id) as conn:
        assert await keep_place(conn, tenant_id=world.tenant_id) == world.tenant_id


WITHDRAW = """
INSERT INTO withdrawn_document (tenant_id, document_id, deletion_id)
SELECT tenant_id, id, id FROM document LIMIT 3
"""


def as_if_deleting(postgres_cluster, urls, statement):
    with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner)) as conn:
        conn.execute("SET session_replication_role = replica")
        conn.execute(statement)


async def test_what_is_being_deleted_moves_too(world, urls, postgres_cluster):
    """For a legal hold may bring it back, and then nobody looks for it in the other place."""
    await fill(world)
    as_if_deleting(postgres_cluster, urls, WITHDRAW)
    await arrange(world, urls, most=FEW)
    assert kept(postgres_cluster, urls) == ({f"embedding_of_{world.tenant_id}": 50}, 50)


async def test_nothing_moves_back_before_what_is_being_deleted_is_erased(
    world, urls, postgres_cluster
):
    await fill(world)
    await arrange(world, urls, most=FEW)
    as_if_deleting(postgres_cluster, urls, WITHDRAW)
    await arrange(world, urls, most=MANY)
    assert (await place_of(world)).state == "own"
    as_if_deleting(postgres_cluster, urls, "DELETE FROM withdrawn_document")
    await arrange(world, urls, most=MANY)
    assert await place_of(world) is None


async def test_a_batch_is_so_many_rows_however_long_a_document_is(
    world, urls, owner, postgres_cluster
):
    await world.add("long.txt", "\n\n".join(f"pump {number}" for number in range(50)))
    await begun(world, owner, state="filling", batches=1)
    rows = {"embedding_shared": 30, f"embedding_of_{world.tenant_id}": 20}
    assert kept(postgres_cluster, urls) == (rows, 50)


async def test_only_documents_that_have_rows_in_the_place_are_walked(world, owner):
    await fill(world)
    await begun(world, owner, state="filling", batches=2)  # 10 of 50 are left
    asked = {"tenant_id": world.tenant_id, "place": SHARED, "to": world.tenant_id}
    async with world.database.as_worker(world.tenant_id) as conn:
        last = await move_some(conn, **asked, after=0)
        assert await move_some(conn, **asked, after=last) is None


async def test_one_process_moves_at_a_time(world, urls, owner):
    await fill(world)
    await owner.execute("SELECT pg_advisory_lock(hashtext('roadworthy partitions'))")
    assert not await arrange(world, urls, most=FEW)
    assert await place_of(world) is None


async def test_whoever_lost_his_turn_changes_nothing_any_more(world, owner, postgres_cluster, urls):
    await fill(world, documents=3)
    await begun(world, owner, state="returning", batches=9)
    asked = {"tenant_id": world.tenant_id}
    late = [
        lambda conn: enter_place(conn, **asked),
        lambda conn: turn_place(conn, **asked, before="filling", state="own"),
        lambda conn: move_some(conn, **asked, place=SHARED, to=world.tenant_id, after=0),
    ]
    for step in late:
        with pytest.raises(Busy):
            async with world.database.as_worker(world.tenant_id) as conn:
                await step(conn)
    assert (await place_of(world)).state == "returning"
    assert kept(postgres_cluster, urls) == ({"embedding_shared": 6}, 6)


async def test_a_place_is_neither_left_nor_dropped_with_a_row_in_it(world, owner):
    await fill(world, documents=3)
    await begun(world, owner, state="returning", batches=0)
    with pytest.raises(Busy):
        async with world.database.as_worker(world.tenant_id) as conn:
            await leave_place(conn, tenant_id=world.tenant_id)

    async def is_left():
        return True

    with pytest.raises(psycopg.errors.CheckViolation):
        await drop_partition(owner, world.tenant_id, is_left=is_left)
    async with world.database.read_as(world.person()) as conn:
        assert len((await found(conn, world))[0]) == 6


async def test_a_partition_that_was_entered_meanwhile_is_not_dropped(world, owner):
    await begun(world, owner, state="filling")

    async def is_left():
        return await place_of(world) is None

    assert not await drop_partition(owner, world.tenant_id, is_left=is_left)


async def test_a_place_is_not_entered_without_a_partition(world):
    with pytest.raises(Busy):
        async with world.database.as_worker(world.tenant_id) as conn:
            await enter_place(conn, tenant_id=world.tenant_id)


END_TURN = """
SELECT pg_terminate_backend(pid)
  FROM pg_stat_activity
 WHERE application_name = 'roadworthy-owner' AND datname = current_database()
"""


async def test_two_that_move_at_once_lose_nothing(world, urls, postgres_cluster):
    """The owner's connection of the first ended, unnoticed, and with it its turn."""
    await fill(world)
    await arrange(world, urls, most=FEW)
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("SELECT FROM document ORDER BY id DESC LIMIT 1 FOR UPDATE")
        first = asyncio.create_task(arrange(world, urls, most=MANY))
        # All move but those of the document that is held.
        await until(lambda: kept(postgres_cluster, urls)[0].get("embedding_shared") == 48)
        with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner)) as superuser:
            superuser.execute(END_TURN)
    for most in (MANY, FEW):
        with suppress(Busy):  # the first was quicker
            await arrange(world, urls, most=most)
    with suppress(Busy, Unavailable):
        await first
    await arrange(world, urls, most=FEW)
    assert kept(postgres_cluster, urls) == ({f"embedding_of_{world.tenant_id}": 50}, 50)
    assert (await place_of(world)).indexed == [world.space.id]


async def test_a_partition_outlasts_whoever_reads_it_on_a_replica(world, urls, owner, monkeypatch):
    monkeypatch.setattr(partitions, "READERS_S", 3_600)
    await fill(world, documents=1)
    await begun(world, owner, state="returning", batches=9)
    moving = asyncio.create_task(arrange(world, urls, most=MANY))
    async with asyncio.timeout(30):
        while await place_of(world):  # noqa: ASYNC110 - a row is waited for
            await asyncio.sleep(0.02)
    await asyncio.wait([moving], timeout=0.5)
    left = await owner.execute("SELECT to_regclass(%s)", [f"embedding_of_{world.tenant_id}"])
    assert await left.fetchone() != (None,)
    await cancelled(moving)


async def test_doctor_finds_nothing_wrong_with_a_partition(world, urls):
    await fill(world)
    await arrange(world, urls, most=FEW)
    assert all(check.ok for check in check_database(urls))


PRIVILEGES = """
SELECT has_table_privilege(%(role)s, %(name)s, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
       OR has_any_column_privilege(%(role)s, %(name)s, 'SELECT, INSERT, UPDATE'),
       (SELECT count(*) FROM pg_policy WHERE polrelid = %(name)s::regclass),
       relrowsecurity AND relforcerowsecurity
  FROM pg_class WHERE oid = %(name)s::regclass
"""


@pytest.mark.parametrize("role", ["roadworthy_app", "roadworthy_worker"])
async def test_a_partition_by_itself_lets_nobody_in(world, urls, owner, role):
    await fill(world)
    await arrange(world, urls, most=FEW)
    asked = {"role": role, "name": f"embedding_of_{world.tenant_id}"}
    rights = await (await owner.execute(PRIVILEGES, asked)).fetchall()
    assert rights == [(False, 0, True)]


async def test_a_full_disk_at_one_tenant_keeps_no_other_from_its_turn(world, urls, monkeypatch):
    other = await another_world(world.database)
    for each in (world, other):
        await fill(each)
    build = partitions._build

    async def build_elsewhere(owner, tenant_id, space):
        if tenant_id == world.tenant_id:
            raise psycopg.errors.DiskFull
        await build(owner, tenant_id, space)

    monkeypatch.setattr(partitions, "_build", build_elsewhere)
    with pytest.raises(Unavailable):
        await arrange(world, urls, most=49)
    assert (await place_of(other)).indexed == [other.space.id]
    assert (await place_of(world)).indexed == []

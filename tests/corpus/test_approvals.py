"""A sensitive operation takes two persons, is done once, and only within a day."""

import asyncio
from datetime import timedelta

import psycopg
import pytest

from roadworthy.core.clock import now
from roadworthy.core.errors import Missing
from roadworthy.corpus import approvals
from roadworthy.corpus.approvals import find_approval, grant, list_approvals, use_or_ask
from tests.shared_database import urls, world
from tests.world import another_world

__all__ = ["urls", "world"]
pytestmark = pytest.mark.anyio


async def ask(world, *, by="operator", subject="extract"):
    async with world.database.as_worker(world.tenant_id) as conn:
        asked = {"operation": "release use", "subject": subject, "by": by}
        return await use_or_ask(conn, tenant_id=world.tenant_id, **asked)


async def granted(world, approval_id, *, user="bo", groups=("approvers",)):
    who = world.person(user, groups=groups)
    async with world.database.write_as(who) as conn:
        return await grant(conn, tenant_id=world.tenant_id, approval_id=approval_id, by=user)


async def test_it_is_asked_for_once_and_done_once_when_it_is_granted(world):
    waiting = await ask(world)
    assert await ask(world) == waiting
    approval = await granted(world, waiting)
    assert (approval.asked_by, approval.granted_by) == ("operator", "bo")
    assert await ask(world) is None
    assert await ask(world) not in {None, waiting}


async def test_those_who_ask_at_once_ask_for_one_thing(world):
    assert len(set(await asyncio.gather(*(ask(world) for _ in range(4))))) == 1


async def test_what_was_done_stays_done(world):
    await granted(world, await ask(world))
    assert await ask(world) is None
    undo = "UPDATE approval SET used_at = NULL WHERE used_at IS NOT NULL"
    async with world.database.as_worker(world.tenant_id) as conn:
        assert (await conn.execute(undo)).rowcount == 0
    assert await ask(world) is not None


async def test_what_somebody_granted_stays_his(world):
    waiting = await ask(world)
    await granted(world, waiting)
    async with world.database.write_as(world.person("eve", groups=("approvers",))) as conn:
        assert (await conn.execute("UPDATE approval SET granted_by = 'eve'")).rowcount == 0
    assert await ask(world) is None


async def test_a_grant_is_for_what_was_asked_and_for_who_asked(world):
    await granted(world, await ask(world))
    assert await ask(world, subject="another") is not None
    assert await ask(world, by="ana") is not None
    assert await ask(world) is None


async def test_nobody_grants_his_own_wish(world):
    waiting = await ask(world, by="bo")
    with pytest.raises(Missing, match="somebody else"):
        await granted(world, waiting)
    assert (await granted(world, waiting, user="cy")).granted_by == "cy"


async def test_only_approvers_see_and_grant(world):
    waiting = await ask(world)
    with pytest.raises(Missing):
        await granted(world, waiting, groups=("costs",))
    async with world.database.read_as(world.person("ana")) as conn:
        assert await list_approvals(conn, tenant_id=world.tenant_id) == []
        with pytest.raises(Missing):
            await find_approval(conn, tenant_id=world.tenant_id, approval_id=waiting)


async def test_nobody_grants_in_the_name_of_another(world):
    waiting = await ask(world, by="bo")
    async with world.database.write_as(world.person("cy", groups=["approvers"])) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await grant(conn, tenant_id=world.tenant_id, approval_id=waiting, by="dee")


async def test_the_operator_grants_nothing(world):
    waiting = await ask(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await grant(conn, tenant_id=world.tenant_id, approval_id=waiting, by="bo")


async def test_nobody_asks_with_a_grant(world):
    waiting = await ask(world)
    copy = """
    INSERT INTO approval (tenant_id, id, operation, subject, asked_by, asked_at, granted_by,
                          granted_at)
    SELECT tenant_id, gen_random_uuid(), operation, subject, asked_by, asked_at, 'bo', asked_at
      FROM approval WHERE id = %s
    """
    async with world.database.as_worker(world.tenant_id) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(copy, [waiting])


async def test_what_is_about_to_expire_is_asked_for_anew(world, monkeypatch):
    waiting, asked_at = await ask(world), now()
    monkeypatch.setattr(approvals, "now", lambda: asked_at + timedelta(hours=22))
    assert await ask(world) == waiting
    monkeypatch.setattr(approvals, "now", lambda: asked_at + timedelta(hours=23, minutes=59))
    anew = await ask(world)
    assert anew not in {None, waiting}
    assert await ask(world) == anew


async def test_after_a_day_it_is_neither_granted_nor_done(world, monkeypatch):
    waiting, another = await ask(world), await ask(world, subject="another")
    await granted(world, another)
    monkeypatch.setattr(approvals, "VALID", timedelta(0))
    with pytest.raises(Missing):
        await granted(world, waiting)
    assert await ask(world, subject="another") not in {None, another}


async def test_another_tenant_sees_nothing_of_it(world):
    waiting = await ask(world)
    with pytest.raises(Missing):
        await granted(await another_world(world.database), waiting)

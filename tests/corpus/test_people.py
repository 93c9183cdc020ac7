"""A key opens what its holder may see now, and nothing once it is revoked or has run out."""

import hashlib
from datetime import timedelta

import psycopg
import pytest

from roadworthy.core.errors import Invalid, Missing, RoadworthyError
from roadworthy.core.ids import new_id
from roadworthy.corpus.access import access
from roadworthy.corpus.documents import list_documents
from roadworthy.corpus.people import (
    LONGEST_KEY,
    create_key,
    ensure_tenant,
    find_principal,
    identify,
    list_keys,
    revoke_key,
    tenant_id,
)
from tests.shared_database import urls, world
from tests.world import make_world

__all__ = ["urls", "world"]
pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
HOSTILE = [
    "x' OR 1=1 --",
    "a,b",
    "{a}",
    'say "a"',
    "back\\slash",
    "NULL",
    "everyone",
    "user:bo",
    "group:everyone",
    " ",
    "two\nlines",
    "%s %(user)s",
    "\u202ebo",
    "Zoë",
    "Zoe\u0308",
    "用户",
    "'; SET ROLE postgres; --",
]


async def key_of(world, person, *, valid_for=DAY, may_ingest=False):
    await world.put(person)
    async with world.database.as_worker(world.tenant_id) as conn:
        return await create_key(conn, person, valid_for=valid_for, may_ingest=may_ingest)


async def caller(world, key):
    async with world.database.as_stranger() as conn:
        return await identify(conn, key)


async def test_a_key_tells_its_holder(world):
    ana = world.person("ana", groups=["hr"], clearance=2)
    _, key = await key_of(world, ana, may_ingest=True)
    found = await caller(world, key)
    assert (found.principal, found.may_ingest) == (ana, True)


async def test_a_key_that_is_not_known_opens_nothing(world):
    _, key = await key_of(world, world.person())
    for wrong in ("", key[:-1], key + "x", key.upper(), "x" * (LONGEST_KEY + 1), "a\0b", "é", "%"):
        assert await caller(world, wrong) is None


async def test_a_revoked_key_opens_nothing_from_the_next_call_on(world):
    key_id, key = await key_of(world, world.person())
    _, other = await key_of(world, world.person())
    async with world.database.as_worker(world.tenant_id) as conn:
        await revoke_key(conn, tenant_id=world.tenant_id, key_id=key_id)
    assert await caller(world, key) is None
    assert await caller(world, other)
    async with world.database.as_worker(world.tenant_id) as conn:
        [first, second] = await list_keys(conn, tenant_id=world.tenant_id)
    assert (first.revoked_at is None, second.revoked_at is None) == (False, True)


async def test_a_key_that_ran_out_opens_nothing(world):
    _, key = await key_of(world, world.person())
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("UPDATE api_key SET expires_at = now() - interval '1 second'")
    assert await caller(world, key) is None


async def test_groups_and_clearance_hold_from_the_next_call_on(world):
    _, key = await key_of(world, world.person(groups=["hr"], clearance=3))
    await world.put(world.person(groups=["legal"], clearance=1))
    principal = (await caller(world, key)).principal
    assert (principal.groups, principal.clearance) == (frozenset({"legal"}), 1)


async def test_only_the_hash_of_a_key_is_stored(world, urls):
    _, key = await key_of(world, world.person())
    with psycopg.connect(urls.worker) as conn:
        conn.execute("SELECT set_config('roadworthy.tenant', %s, true)", [str(world.tenant_id)])
        [stored] = conn.execute("SELECT api_key::text, key_hash FROM api_key").fetchall()
    assert key not in stored[0]
    assert stored[1] == hashlib.sha256(key.encode()).digest()


async def test_who_is_answered_reads_no_key(world, urls):
    await key_of(world, world.person("ana"))
    with psycopg.connect(urls.app) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SELECT FROM api_key")


@pytest.mark.parametrize("change", ["UPDATE api_key SET revoked_at = NULL", "DELETE FROM api_key"])
async def test_who_is_answered_changes_no_key(world, urls, change):
    with psycopg.connect(urls.app) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(change)


async def test_a_key_belongs_to_one_tenant(world, database):
    other = await make_world(database, f"other-{world.tenant_id}")
    key_id, key = await key_of(world, world.person("ana"))
    async with database.as_worker(other.tenant_id) as conn:
        assert await list_keys(conn, tenant_id=world.tenant_id) == []
        with pytest.raises(Missing):
            await revoke_key(conn, tenant_id=other.tenant_id, key_id=key_id)
        with pytest.raises(Missing):
            await find_principal(conn, tenant_id=world.tenant_id, user_id="ana")
    assert (await caller(world, key)).principal.tenant_id == world.tenant_id


async def test_names_are_only_names(world):
    """Each reads what is addressed to him and nothing else, whatever he is called."""
    for name in HOSTILE:
        await world.upload(f"user {name}", f"Of user {name}.", readers=access(users=[name]))
        if name != "everyone":
            group = access(groups=[name])
            await world.upload(f"group {name}", f"Of group {name}.", readers=group)
    for name in HOSTILE:
        groups = [name] if name != "everyone" else []
        await world.put(world.person(name, groups=groups))
        async with world.database.as_worker(world.tenant_id) as conn:
            who = await find_principal(conn, tenant_id=world.tenant_id, user_id=name)
        async with world.database.read_as(who) as conn:
            seen = {d.name for d in await list_documents(conn, tenant_id=world.tenant_id)}
        assert seen == {f"user {name}", *(f"group {g}" for g in groups)}


async def test_everyone_is_no_group_to_be_put_in(world):
    with pytest.raises(Invalid, match="everyone"):
        await world.put(world.person(groups=["everyone"]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": ""},
        {"user": "a\0b"},
        {"user": "x" * 201},
        {"user": "\ud800"},
        {"groups": [""]},
        {"groups": ["a\0b"]},
        {"groups": ["\ud800"]},
        {"groups": ["x" * 201]},
        {"clearance": -1},
        {"clearance": 40_000},
    ],
    ids=[
        "no-name",
        "nul-in-name",
        "long-name",
        "surrogate-in-name",
        "no-group",
        "nul-in-group",
        "surrogate-in-group",
        "long-group",
        "below-0",
        "too-high",
    ],
)
async def test_a_person_who_cannot_be_is_refused(world, wrong):
    with pytest.raises(Invalid):
        await world.put(world.person(**wrong))


@pytest.mark.parametrize("name", ["a\0b", "\ud800"], ids=["nul", "surrogate"])
def test_a_reader_who_cannot_be_is_refused(name):
    with pytest.raises(Invalid):
        access(groups=[name])


def test_whoever_may_own_a_document_may_be_named_its_reader():
    assert access(users=["x" * 200]).subjects == {"user:" + "x" * 200}


@pytest.mark.parametrize("name", ["", "Acme", "a b", "-a", "x" * 64, "a\0", "é"], ids=ascii)
async def test_a_tenant_that_cannot_be_named_so_is_refused(database, name):
    with pytest.raises(Invalid):
        async with database.as_worker() as conn:
            await ensure_tenant(conn, name)


async def test_a_tenant_is_made_once(database):
    async with database.as_worker() as conn:
        made = await ensure_tenant(conn, "twice")
        assert await ensure_tenant(conn, "twice") == await tenant_id(conn, "twice") == made
        with pytest.raises(Missing):
            await tenant_id(conn, "nobody")


async def test_a_key_is_made_for_known_people_alone(world):
    with pytest.raises(RoadworthyError):
        async with world.database.as_worker(world.tenant_id) as conn:
            await create_key(conn, world.person("nobody"), valid_for=DAY, may_ingest=False)


@pytest.mark.parametrize("days", [0, -1, 10_000_000])
async def test_a_key_has_an_end_that_can_be_told(world, days):
    with pytest.raises(Invalid):
        await key_of(world, world.person(), valid_for=timedelta(days=days))


async def test_a_key_that_does_not_exist_is_not_revoked(world):
    with pytest.raises(Missing):
        async with world.database.as_worker(world.tenant_id) as conn:
            await revoke_key(conn, tenant_id=world.tenant_id, key_id=new_id())

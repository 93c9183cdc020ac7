"""A changed permission holds from the next request on, on every surface, also for old answers."""

import pytest

from roadworthy.corpus.access import access
from roadworthy.corpus.ownership import reshare
from roadworthy.corpus.people import list_keys, revoke_key

pytestmark = pytest.mark.anyio
CANARY = "zyqxchangedzyqx"
QUESTION = "Where does the harbour plan keep its canary word?"


async def leave_the_group(world, document):
    await world.put(world.person("bo", groups=["hr"], clearance=2))


async def lose_the_clearance(world, document):
    await world.put(world.person("bo", groups=["legal"], clearance=0))


async def share_with_others(world, document):
    await reshared(world, document, access(groups=["hr"], clearance=1))


async def ask_for_more_clearance(world, document):
    await reshared(world, document, access(groups=["legal"], clearance=3))


async def revoke_the_key(world, document):
    async with world.database.as_worker(world.tenant_id) as conn:
        for key in await list_keys(conn, tenant_id=world.tenant_id):
            await revoke_key(conn, tenant_id=world.tenant_id, key_id=key.id)


async def reshared(world, document, wanted):
    async with world.database.as_worker(world.tenant_id) as conn:
        await reshare(conn, tenant_id=world.tenant_id, document_id=document, wanted=wanted, by=None)


CHANGES = [
    leave_the_group,
    lose_the_clearance,
    share_with_others,
    ask_for_more_clearance,
    revoke_the_key,
]


async def told(client, document, traces=()):
    """Everything that any surface says."""
    asked = {"question": QUESTION}
    chat = {"model": "live", "messages": [{"role": "user", "content": QUESTION}]}
    calls = [
        client.post("/v1/search", json=asked),
        client.post("/v1/answers", json=asked),
        client.post("/v1/answers", json=asked | {"stream": True}),
        client.post("/v1/chat/completions", json=chat),
        client.get("/v1/documents"),
        client.get(f"/v1/documents/{document}"),
        client.get("/v1/traces"),
        *(client.get(f"/v1/traces/{each['id']}") for each in traces),
    ]
    return [(await call).text for call in calls]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_it_holds_from_the_next_request_on(door, world, wait_for_traces, change):
    text = f"The harbour plan keeps its canary word {CANARY} in a drawer."
    readers = access(groups=["legal"], clearance=1)
    document = await world.add(f"{CANARY}.txt", text, readers=readers)
    key = await door.key("bo", groups=["legal"], clearance=2)
    async with door.client(key) as client:
        before = await told(client, document)
        assert [CANARY in each for each in before[:6]] == [True] * 6  # traces come a little later
        traces = await wait_for_traces(client, of=4)
        assert CANARY in (await client.get(f"/v1/traces/{traces[0]['id']}")).text
        await change(world, document)
        after = await told(client, document, traces)
    assert [CANARY in each for each in after] == [False] * len(after)

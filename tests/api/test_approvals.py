"""Who is in the group approvers sees over HTTP what another asked for, and grants it."""

import pytest

from roadworthy.corpus.approvals import use_or_ask

pytestmark = pytest.mark.anyio


async def test_an_approver_sees_and_grants_and_nobody_else(door, world):
    async with world.database.as_worker(world.tenant_id) as conn:
        waiting = await use_or_ask(
            conn,
            tenant_id=world.tenant_id,
            operation="release use",
            subject="extract",
            by="operator",
        )
    path = f"/v1/approvals/{waiting}"
    async with door.client(await door.key("ana")) as client:
        assert (await client.get(path)).status_code == 404
        assert (await client.post(f"{path}/grant")).status_code == 404
    async with door.client(await door.key("bo", groups=["approvers"])) as client:
        assert (await client.get(path)).json()["subject"] == "extract"
        assert (await client.post(f"{path}/grant")).json()["granted_by"] == "bo"
        assert (await client.post(f"{path}/grant")).status_code == 404

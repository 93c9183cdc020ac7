"""Where a second person is asked for, a sensitive command is done when another has granted it."""

import re

import pytest

from roadworthy.deletion.receipts import OPERATOR, TENANT, begin_receipt

pytestmark = pytest.mark.anyio
ASKED_FOR = {"ROADWORTHY_SECOND_PERSON": "true"}
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


@pytest.fixture
async def people(world):
    await world.put(world.person("ana"), world.person("bo", groups=["approvers"]))


@pytest.mark.parametrize(
    "command",
    [
        ("release", "use", "extract"),
        ("budget", "set", "--hard-usd", "900"),
        ("tenant", "delete", "acme", "--yes"),
    ],
    ids=" ".join,
)
async def test_it_is_refused_until_another_has_granted_it(cli, people, command):
    refused = cli.run(*command, environ=ASKED_FOR)
    assert (refused.returncode, "second person" in refused.stderr) == (5, True)
    [approval] = ID.findall(refused.stderr)
    assert "waits" in cli.run("approval", "list").stdout
    assert cli.run("approval", "grant", approval, "--as", "ana").returncode == 3
    granted = cli.run("approval", "grant", approval, "--as", "bo").stdout
    assert granted.startswith(f"Granted `{command[0]} {command[1]}` of ")
    assert cli.run(*command, environ=ASKED_FOR).returncode == 0


async def test_a_deletion_that_was_cut_off_goes_on_without_asking_again(cli, world, people):
    tenant_id = world.tenant_id
    begun = {"scope": TENANT, "subject": str(tenant_id), "by": OPERATOR}
    async with world.database.as_worker(tenant_id) as conn:
        await begin_receipt(conn, tenant_id=tenant_id, **begun)
    assert cli.run("tenant", "delete", "acme", "--yes", environ=ASKED_FOR).returncode == 0


async def test_a_hold_is_lifted_by_two(cli, world, people):
    placed = cli.run("hold", "add", "--person", "ana", "--reason", "Dispute")
    [hold, *_] = ID.findall(placed.stdout)
    refused = cli.run("hold", "remove", hold, environ=ASKED_FOR)
    approval = ID.findall(refused.stderr)[0]
    cli.run("approval", "grant", approval, "--as", "bo")
    assert cli.run("hold", "remove", hold, environ=ASKED_FOR).returncode == 0


async def test_a_grant_for_one_sum_is_none_for_another(cli, people):
    refused = cli.run("budget", "set", "--hard-usd", "9", environ=ASKED_FOR)
    cli.run("approval", "grant", ID.findall(refused.stderr)[0], "--as", "bo")
    assert cli.run("budget", "set", "--hard-usd", "900", environ=ASKED_FOR).returncode == 5


async def test_where_nobody_asks_for_one_it_is_done_at_once(cli, people):
    assert cli.run("release", "use", "extract").returncode == 0
    assert "Nothing was asked for" in cli.run("approval", "list").stdout

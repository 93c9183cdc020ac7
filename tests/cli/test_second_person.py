"""Where a second person is asked for, a sensitive command is done when another has granted it."""

import re

import pytest

from roadworthy.deletion.receipts import CORPUS, OPERATOR, TENANT, begin_receipt
from roadworthy.releases import find_release

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
        ("corpus", "delete", "main", "--yes"),
        ("corpus", "switch", "main", "--space", "words"),
        ("corpus", "route", "main", "--language", "en", "--space", "words"),
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


@pytest.mark.parametrize(
    "command",
    [
        ("release", "use", "spring"),
        ("corpus", "delete", "spring", "--yes"),
        ("corpus", "switch", "main", "--space", "spring"),
        ("corpus", "route", "main", "--language", "en", "--space", "spring"),
    ],
    ids=" ".join,
)
async def test_nobody_is_asked_for_what_is_not_there(cli, people, command):
    assert cli.run(*command, environ=ASKED_FOR).returncode == 3
    assert "Nothing was asked for" in cli.run("approval", "list").stdout


async def test_a_grant_is_for_what_the_release_says_not_for_its_name_alone(cli, world, people):
    refused = cli.run("release", "use", "extract", environ=ASKED_FOR)
    told = cli.run("approval", "grant", ID.findall(refused.stderr)[0], "--as", "bo").stdout
    async with world.database.as_worker(world.tenant_id) as conn:
        release = await find_release(conn, tenant_id=world.tenant_id, name="extract")
        assert f"`release use` of extract ({release.hash})" in told
        await conn.execute("UPDATE release SET hash = 'another' WHERE name = 'extract'")
    assert cli.run("release", "use", "extract", environ=ASKED_FOR).returncode == 5


async def test_no_rules_are_changed_before_it_is_granted(cli, people):
    words = ("corpus", "route", "main", "--language", "*", "--text-search", "und")
    assert cli.run(*words, environ=ASKED_FOR).returncode == 5
    assert "und" not in cli.run("corpus", "list").stdout


@pytest.mark.parametrize(("scope", "name"), [(TENANT, "acme"), (CORPUS, "main")])
async def test_a_deletion_that_was_cut_off_goes_on_without_asking_again(
    cli, world, people, scope, name
):
    tenant_id = world.tenant_id
    subject = tenant_id if scope == TENANT else world.corpus.id
    begun = {"scope": scope, "subject": str(subject), "by": OPERATOR}
    async with world.database.as_worker(tenant_id) as conn:
        await begin_receipt(conn, tenant_id=tenant_id, **begun)
    assert cli.run(scope, "delete", name, "--yes", environ=ASKED_FOR).returncode == 0


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

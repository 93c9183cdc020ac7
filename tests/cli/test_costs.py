"""An operator sees what answers cost, and limits it."""

import json

import pytest

from roadworthy.traces.store import add_traces
from tests.traces.test_ledger import NOT_THERE, PAID, trace

pytestmark = pytest.mark.anyio


async def test_costs_are_told_in_a_table_and_as_json(cli, world):
    assert "Nothing was asked" in cli.run("cost").stdout
    await add_traces(world.database, [trace(world, PAID), trace(world, avoided=NOT_THERE)])
    told = cli.run("cost", "--by", "release", "--stages").stdout
    for said in ("0.0021", "stage write", "spared: the documents do not say", "about 0.0021 USD"):
        assert said in told
    [cost] = json.loads(cli.run("cost", "--by", "tenant", "--json").stdout)
    assert (cost["of"], cost["total"]["times"], cost["total"]["calls"]) == ("all", 2, 1)


async def test_budgets_are_set_listed_and_removed(cli, world):
    assert "no budgets" in cli.run("budget", "list").stdout
    done = cli.run("budget", "set", "--soft-usd", "80", "--hard-usd", "100")
    assert done.stdout == "Set the budget of the tenant for each month.\n"
    of_release = ("--release", "extract", "--period", "day")
    assert cli.run("budget", "set", *of_release, "--hard-tokens", "9000").returncode == 0
    listed = cli.run("budget", "list").stdout
    assert all(said in listed for said in ("extract", "9000", "tenant", "100"))
    assert cli.run("budget", "remove", *of_release).returncode == 0
    assert "extract" not in cli.run("budget", "list").stdout


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), 2, "has a limit"),
        (("--hard-usd", "much"), 2, "no amount"),
        (("--hard-usd", "NaN"), 2, "no amount"),
        (("--hard-usd", "1", "--soft-usd", "2"), 2, "at most"),
        (("--hard-usd", "1", "--key", "mine"), 2, "no id"),
        (("--hard-usd", "1", "--release", "nothing"), 3, "nothing"),
    ],
)
async def test_what_limits_nothing_is_refused(cli, world, options, code, said):
    done = cli.run("budget", "set", *options)
    assert (done.returncode, said in done.stderr) == (code, True)


async def test_nobody_else_sets_a_budget(cli, world):
    assert cli.run("budget", "list", "--as", "ana").returncode == 5

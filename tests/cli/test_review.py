"""On the command line, too: what is kept back is told, listed, released or rejected."""

import json

import pytest

pytestmark = pytest.mark.anyio

ASKED = "Which password does the harbour use?"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "files"
    root.mkdir()
    (root / "access.md").write_text("# Access\n\nThe harbour uses Password: Tr0ub4dor&3zz here.")
    (root / "plan.md").write_text("# Plan\n\nThe harbour opens on Monday at nine in the morning.")
    return root


def listed(cli):
    return json.loads(cli.run("review", "list", "--json").stdout)


def test_what_is_kept_back_is_told_and_listed(cli, folder):
    handed = cli.run("ingest", str(folder))
    assert handed.returncode == 0
    assert tuple(each for each in ("1 searchable", "1 quarantined") if each in handed.stdout) == (
        "1 searchable",
        "1 quarantined",
    )
    (folder / "copy.md").write_text((folder / "access.md").read_text())
    again = cli.run("ingest", str(folder)).stdout
    assert [again.count(each) for each in ("2 quarantined", "1 unchanged", "1 password")] == [
        1,
        1,
        2,
    ]
    [kept] = listed(cli)
    assert kept["document"]["name"] == "files/access.md"
    assert [each["check"] for each in kept["verdicts"]] == ["secrets"]
    # The words of the manual, too.
    assert "secrets" in cli.run("ingest", "review").stdout
    shown = json.loads(cli.run("document", "show", kept["document"]["id"]).stdout)
    assert "secrets" in {each["check"] for each in shown["verdicts"]}


async def test_what_is_released_is_found(cli, world, folder):
    await world.put(world.person("ana"))
    cli.run("ingest", str(folder))
    [kept] = listed(cli)
    released = cli.run("ingest", "review", "release", kept["document"]["id"], "--reason", "Public.")
    assert (released.returncode, "searchable" in released.stdout) == (0, True)
    hits = json.loads(cli.run("search", ASKED, "--as", "ana", "--json").stdout)["hits"]
    assert "files/access.md" in {hit["document_name"] for hit in hits}
    assert listed(cli) == []
    shown = json.loads(cli.run("document", "show", kept["document"]["id"]).stdout)
    assert shown["reviews"][0]["reason"] == "Public."


def test_what_is_rejected_waits_no_more(cli, folder):
    cli.run("ingest", str(folder))
    [kept] = listed(cli)
    assert cli.run("review", "reject", kept["document"]["id"]).returncode == 0
    assert listed(cli) == []
    assert cli.run("review", "reject", kept["document"]["id"]).returncode == 4
    assert cli.run("review", "release", "nonsense").returncode == 2


async def test_a_policy_is_set_shown_and_checked(cli, world, folder):
    await world.put(world.person("ana"))
    cli.run("ingest", str(folder / "plan.md"))
    secrets = cli.run("corpus", "policy", "main", "--set", "secrets=mask")
    assert json.loads(secrets.stdout)["secrets"] == "mask"
    wrong = cli.run("corpus", "policy", "main", "--set", "secret=mask")
    assert (wrong.returncode, "secret" in wrong.stderr) == (2, True)
    ana = cli.run("corpus", "policy", "main", "--set", "secrets=allow", "--as", "ana")
    assert ana.returncode == 5
    assert "1 searchable" in cli.run("ingest", str(folder / "access.md")).stdout

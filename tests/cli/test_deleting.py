"""An operator deletes, holds and reads receipts by commands."""

import json

import psycopg
import pytest

pytestmark = pytest.mark.anyio
CANARY = "zyqxfilezyqx"


async def test_a_deletion_prints_a_receipt_that_is_kept(cli, world):
    document = str(await world.add("a.md", "alpha"))
    deleted = cli.run("document", "delete", document)
    assert deleted.returncode == 0
    for word in ("passage", "trace_answer", document, "Finished"):
        assert word in deleted.stdout
    [receipt] = json.loads(cli.run("deletion", "list", "--json").stdout)
    shown = cli.run("deletion", "show", receipt["id"])
    assert shown.stdout == deleted.stdout
    assert cli.run("deletion", "show", document).returncode == 3


async def test_a_person_deletes_what_is_his_and_sees_the_receipt(cli, world):
    await world.put(world.person("ana"), world.person("bo"))
    document = str(await world.add("a.md", "alpha", owner="ana"))
    assert cli.run("document", "delete", document, "--as", "bo").returncode == 5
    assert cli.run("document", "delete", document, "--as", "ana").returncode == 0
    assert json.loads(cli.run("deletion", "list", "--json", "--as", "bo").stdout) == []
    assert len(json.loads(cli.run("deletion", "list", "--json", "--as", "ana").stdout)) == 1


async def test_a_hold_is_placed_kept_and_lifted(cli, world):
    document = str(await world.add("a.md", "alpha"))
    placed = cli.run("hold", "add", "--document", document, "--reason", "A dispute.")
    assert placed.returncode == 0
    hold = placed.stdout.split()[1]
    refused = cli.run("document", "delete", document)
    assert (refused.returncode, hold in refused.stderr) == (4, True)
    assert "A dispute." in cli.run("hold", "list").stdout
    assert cli.run("hold", "remove", hold).returncode == 0
    assert cli.run("hold", "list").stdout == "There are no holds.\n"
    assert hold in cli.run("hold", "list", "--all").stdout
    assert cli.run("document", "delete", document).returncode == 0


async def test_only_the_group_holds_in_its_own_name(cli, world):
    await world.put(world.person("ana"), world.person("lea", groups=["legal-hold"]))
    document = str(await world.add("a.md", "alpha"))
    words = ("hold", "add", "--document", document, "--reason", "A dispute.", "--as")
    assert cli.run(*words, "ana").returncode == 5
    assert cli.run(*words, "lea").returncode == 0


async def test_a_person_goes_with_documents_and_keys(cli, world):
    key = cli.run("key", "create", "--user", "ana").stdout.strip()
    await world.add("a.md", "alpha", owner="ana")
    assert cli.run("person", "delete", "ana", "--yes", "--as", "ana").returncode == 5
    gone = cli.run("person", "delete", "ana", "--yes")
    assert gone.returncode == 0
    assert "1 document." in gone.stdout
    assert key not in gone.stdout
    assert cli.run("person", "delete", "ana", "--yes").returncode == 3
    assert cli.run("document", "list").stdout.startswith("There are no documents")


async def test_a_corpus_goes_and_then_the_tenant(cli, world):
    await world.add("a.md", "alpha")
    assert "1 document." in cli.run("corpus", "delete", "main", "--yes").stdout
    assert cli.run("corpus", "delete", "main", "--yes").returncode == 3
    assert cli.run("tenant", "delete", "acme", "--yes").returncode == 0
    assert cli.run("tenant", "delete", "acme", "--yes").returncode == 3
    scopes = [each["scope"] for each in json.loads(cli.run("deletion", "list", "--json").stdout)]
    assert scopes == ["tenant", "corpus"]


async def test_nobody_there_to_confirm_means_no(cli, world):
    await world.add("a.md", "alpha", owner="ana")
    with cli.running("corpus", "delete", "main") as asking:
        assert asking.wait(30) == 130
    assert "a.md" in cli.run("document", "list").stdout


async def test_purging_takes_deleted_rows_from_the_files(cli, world, urls, postgres_cluster):
    document = str(await world.add("a.md", f"{CANARY} is in the file"))
    server = postgres_cluster.server
    with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner), autocommit=True) as conn:
        [(folder,)] = conn.execute(
            "SELECT 'base/' || oid FROM pg_database WHERE datname = current_database()"
        ).fetchall()

        def files_with_canary():
            conn.execute("CHECKPOINT")
            places = (server.home / "postgres" / folder).iterdir()
            return {path.name for path in places if CANARY.encode() in path.read_bytes()}

        assert files_with_canary()
        cli.run("document", "delete", document)
        assert files_with_canary()  # a deleted row stays in its file until it is written over
        assert cli.run("deletion", "purge").returncode == 0
        assert files_with_canary() == set()

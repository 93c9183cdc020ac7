"""An operator works on the database by commands: documents, keys, releases, one after another."""

import json
import uuid
from email.message import EmailMessage

import pytest

from roadworthy.cli import job
from roadworthy.corpus.access import access

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "files"
    root.mkdir()
    (root / "holidays.md").write_text("# Holidays\n\nEverybody has 27 days of paid holiday.")
    (root / "pay.md").write_text("# Pay\n\nThe chair earns a fortune of 500 crowns.")
    (root / "broken.pdf").write_bytes(b"%PDF-1.7 this is no PDF")
    (root / "empty.txt").write_text("")
    return root


def test_a_broken_file_stops_no_other_and_twice_is_once(cli, folder):
    first = cli.run("ingest", str(folder))
    assert first.returncode == 2
    assert first.stdout.count("searchable") == 3  # two rows and the sum
    assert "files/broken.pdf" in first.stdout
    assert "empty (0 bytes)" in first.stdout
    second = cli.run("ingest", str(folder / "holidays.md"), str(folder / "pay.md"))
    assert second.returncode == 0
    listed = json.loads(cli.run("document", "list", "--json").stdout)
    ready = sorted(d["name"] for d in listed if d["state"] == "ready")
    assert ready == ["files/holidays.md", "files/pay.md"]
    again = cli.run("ingest", str(folder / "holidays.md"), str(folder), "--group", "everyone")
    assert "2 unchanged" in again.stdout


def test_a_folder_that_finds_no_room_waits_for_it(cli, folder):
    done = cli.run("ingest", str(folder), environ={"ROADWORTHY_MAX_QUEUED_JOBS": "1"})
    assert "files/holidays.md" in done.stdout
    assert done.stdout.count("searchable") == 3  # two rows and the sum


async def test_answers_depend_on_who_asks(cli, world, folder):
    await world.put(world.person("ana"), world.person("eve", groups={"board"}))
    for name, group in (("holidays.md", "everyone"), ("pay.md", "board")):
        assert cli.run("ingest", str(folder / name), "--group", group).returncode == 0
    asked = "Who earns a fortune of 500 crowns?"
    eve = cli.run("ask", asked, "--as", "eve@acme")
    assert (eve.returncode, "500 crowns" in eve.stdout, "pay.md" in eve.stdout) == (0, True, True)
    ana = cli.run("ask", asked, "--as", "ana@acme", "--json")
    assert "500" not in json.dumps(json.loads(ana.stdout)["citations"])
    hits = json.loads(cli.run("search", "earns", "--as", "ana", "--json").stdout)["hits"]
    assert {hit["document_name"] for hit in hits} == {"holidays.md"}
    nobody = cli.run("ask", asked)
    assert (nobody.returncode, "--as" in nobody.stderr) == (2, True)


async def test_what_is_attached_to_a_mail_is_found_and_goes_with_it(cli, world, folder):
    await world.put(world.person("ana"))
    message = EmailMessage()
    message["Subject"] = "Offer"
    message.set_content("See the attached file.")
    message.add_attachment(b"The bridge costs 900 crowns.", maintype="text", subtype="plain",
                           filename="offer.txt")  # fmt: skip
    message.add_attachment(b"\0\1", maintype="audio", subtype="mpeg", filename="song.mp3")
    (folder / "m.eml").write_bytes(message.as_bytes())
    done = cli.run("ingest", str(folder / "m.eml"), "--group", "everyone")
    outcomes = [line.split()[:2] for line in done.stdout.splitlines() if "m.eml" in line]
    assert outcomes == [
        ["searchable", "m.eml"], ["searchable", "m.eml/offer.txt"], ["failed", "m.eml/song.mp3"],
    ]  # fmt: skip
    hits = json.loads(cli.run("search", "bridge crowns", "--as", "ana", "--json").stdout)["hits"]
    assert hits[0]["document_name"] == "m.eml/offer.txt"
    listed = json.loads(cli.run("document", "list", "--json").stdout)
    mail = next(each["id"] for each in listed if each["name"] == "m.eml")
    assert cli.run("document", "delete", mail).returncode == 0
    assert json.loads(cli.run("document", "list", "--json").stdout) == []


async def test_a_manifest_gives_nobody_more_than_the_person_who_hands_it_in(cli, world, folder):
    await world.put(world.person("ana", groups={"sales"}, clearance=1))
    lines = [
        {"path": "holidays.md", "groups": ["sales"], "clearance": 1, "metadata": {"year": 2026}},
        {"path": "pay.md", "groups": ["board"]},
        {"path": "empty.txt", "groups": ["sales"]},
        {"path": "broken.pdf", "groups": ["sales"], "clearance": 2},
    ]
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    done = cli.run("ingest", str(folder), "--as", "ana")
    refused = [line for line in done.stdout.splitlines() if "what you can read" in line]
    assert [line.split()[:2] for line in refused] == [
        ["failed", "files/broken.pdf"], ["failed", "files/pay.md"],
    ]  # fmt: skip
    [listed] = json.loads(cli.run("document", "list", "--json").stdout)
    assert (listed["name"], listed["metadata"]) == ("files/holidays.md", {"year": 2026})
    assert listed["source_path"] == str(folder / "holidays.md")


async def test_a_document_is_shared_and_deleted(cli, world):
    await world.put(world.person("ana"))
    document = str(await world.add("a.md", "alpha"))
    assert cli.run("document", "share", document, "--group", "legal").returncode == 0
    assert cli.run("document", "show", document, "--as", "ana").returncode == 3
    shown = json.loads(cli.run("document", "show", document).stdout)
    assert shown["readers"] == ["group:legal"]
    assert cli.run("document", "delete", document).returncode == 0
    assert cli.run("document", "show", document).returncode == 3


def test_a_dead_letter_is_listed_shown_replayed_and_dropped(cli, folder):
    cli.run("ingest", str(folder / "broken.pdf"))
    [letter] = json.loads(cli.run("job", "list", "--state", "failed", "--json").stdout)
    job = letter["id"]
    shown = json.loads(cli.run("job", "show", job).stdout)
    assert (shown["problem_kind"], shown["attempts"]) == ("invalid", 1)
    assert cli.run("job", "retry").returncode == 2
    assert cli.run("job", "retry", "--all").stdout.startswith("Tried again: 1.")
    assert json.loads(cli.run("job", "show", job).stdout)["state"] == "queued"
    assert cli.run("job", "drop", job).returncode == 0
    assert cli.run("job", "show", job).returncode == 3
    assert cli.run("job", "drop", "1").returncode == 2


def test_more_jobs_than_are_listed_can_be_asked_for(cli, folder):
    cli.run("ingest", str(folder / "broken.pdf"), str(folder / "holidays.md"))
    newest, older = json.loads(cli.run("job", "list", "--json").stdout)
    page = cli.run("job", "list", "--limit", "1")
    assert f"--before {newest['id']}" in page.stdout
    assert older["id"] not in page.stdout
    rest = json.loads(cli.run("job", "list", "--before", newest["id"], "--json").stdout)
    assert [each["id"] for each in rest] == [older["id"]]


def test_a_job_that_vanished_meanwhile_keeps_no_other_from_being_tried_again(
    cli, folder, monkeypatch
):
    cli.run("ingest", str(folder / "broken.pdf"))
    [letter] = json.loads(cli.run("job", "list", "--json").stdout)
    vanished = uuid.uuid4()

    async def failed_jobs(*_, **__):
        return [vanished, uuid.UUID(letter["id"])]

    monkeypatch.setattr(job, "failed_jobs", failed_jobs)
    tried = cli.run("job", "retry", "--all")
    assert (tried.returncode, str(vanished) in tried.stdout) == (0, True)
    assert "Tried again: 1." in tried.stdout


async def test_who_is_not_the_owner_may_see_a_job_at_most(cli, world):
    await world.put(world.person("ana"))
    await world.upload("a.md", "alpha")
    await world.upload("b.md", "beta", readers=access(groups=["legal"]))
    [job] = json.loads(cli.run("--as", "ana", "job", "list", "--json").stdout)
    assert job["document_name"] == "a.md"
    assert cli.run("--as", "ana", "job", "drop", job["id"]).returncode == 5


def test_a_relay_without_a_broker_says_what_is_missing(cli):
    refused = cli.run("relay")
    assert (refused.returncode, "broker_url" in refused.stderr) == (2, True)


def test_a_key_is_shown_once_listed_and_revoked(cli):
    made = cli.run("key", "create", "--user", "ana", "--groups", "legal,hr", "--clearance", "2")
    key = made.stdout.strip()
    assert key.startswith("rw_")
    [listed] = json.loads(cli.run("key", "list", "--json").stdout)
    assert key not in json.dumps(listed)
    assert cli.run("key", "revoke", listed["id"]).returncode == 0
    [revoked] = json.loads(cli.run("key", "list", "--json").stdout)
    assert revoked["revoked_at"] is not None


def test_a_new_tenant_can_answer_and_its_releases_can_be_changed(cli, tmp_path):
    assert cli.run("key", "create", "--user", "ana", "--tenant", "acme").returncode == 0
    assert "extract  live" in cli.run("release", "list").stdout
    release = json.loads(cli.run("release", "show", "extract").stdout) | {"sentences": 1}
    (tmp_path / "short.json").write_text(json.dumps(release))
    assert (
        cli.run("release", "add", str(tmp_path / "short.json"), "--name", "short").returncode == 0
    )
    assert cli.run("release", "use", "short").returncode == 0
    assert "short    live" in cli.run("release", "list").stdout
    again = cli.run("release", "add", str(tmp_path / "short.json"), "--name", "extract")
    assert again.returncode == 4
    (tmp_path / "lost.json").write_text(
        json.dumps(release | {"answerer": "generate", "model": "smollm2", "prompt": "answer-99"})
    )
    lost = cli.run("release", "add", str(tmp_path / "lost.json"), "--name", "lost")
    assert lost.returncode != 0
    assert "no prompt 'answer-99'" in lost.stderr

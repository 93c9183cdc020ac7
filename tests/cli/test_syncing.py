"""A corpus follows its folders: added, changed, renamed, removed; never all lost by accident."""

import json
import shutil
import signal

import anyio
import pytest

from roadworthy.cli.files import FoundFile, Readers, found_files
from roadworthy.cli.syncing import missing
from roadworthy.corpus.access import access
from roadworthy.corpus.sources import SourcedDocument

pytestmark = pytest.mark.anyio

HANDBOOK = {f"{name}.md": f"# {name}\n\nThe {name} rule." for name in ("pay", "leave", "travel")}


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "files"
    root.mkdir()
    for name, text in HANDBOOK.items():
        (root / name).write_text(text)
    return root


def outcomes(done):
    """What a command says became of each file."""
    rows = (line.split(maxsplit=2) for line in done.stdout.splitlines())
    return {row[1].removeprefix("files/"): row[0] for row in rows if len(row) > 1 and "." in row[1]}


def ready(cli):
    done = cli.run("document", "list", "--json")
    listed = [] if done.returncode else json.loads(done.stdout)  # there is no tenant yet
    return {d["name"].removeprefix("files/"): d["version"] for d in listed if d["state"] == "ready"}


def change(folder):
    (folder / "pay.md").write_text("# pay\n\nAnother pay rule.")
    (folder / "leave.md").unlink()
    (folder / "travel.md").rename(folder / "journeys.md")
    (folder / "new.md").write_text("# new\n\nThe new rule.")


def test_what_was_added_changed_renamed_and_removed_is_found(cli, folder):
    assert cli.run("ingest", str(folder)).returncode == 0
    change(folder)
    sync = ("ingest", str(folder), "--delete-missing", "--delete-many")
    before = ready(cli)
    rehearsed = cli.run(*sync, "--dry-run")
    assert "Nothing was changed" in rehearsed.stdout
    assert outcomes(rehearsed) == {
        "pay.md": "changed", "leave.md": "deleted", "travel.md": "deleted",
        "journeys.md": "new", "new.md": "new",
    }  # fmt: skip
    assert ready(cli) == before
    assert outcomes(cli.run(*sync)) == {
        "pay.md": "searchable", "leave.md": "deleted", "travel.md": "deleted",
        "journeys.md": "searchable", "new.md": "searchable",
    }  # fmt: skip
    assert ready(cli) == {"pay.md": 2, "journeys.md": 1, "new.md": 1}
    assert set(outcomes(cli.run(*sync)).values()) == {"unchanged"}


def test_nothing_is_deleted_without_being_asked_for(cli, folder):
    cli.run("ingest", str(folder))
    (folder / "pay.md").unlink()
    cli.run("ingest", str(folder))
    assert len(ready(cli)) == 3


def test_an_empty_folder_deletes_nothing_until_that_is_confirmed(cli, folder):
    cli.run("ingest", str(folder))
    for file in folder.iterdir():
        file.unlink()
    done = cli.run("ingest", str(folder), "--delete-missing")
    assert (done.returncode, "3 of the 3 documents" in done.stdout) == (4, True)
    assert len(ready(cli)) == 3
    gone = shutil.move(folder, folder.with_name("elsewhere"))
    assert cli.run("ingest", str(folder), "--delete-missing", "--delete-many").returncode == 2
    assert len(ready(cli)) == 3
    shutil.move(gone, folder)
    assert cli.run("ingest", str(folder), "--delete-many").returncode == 0
    assert ready(cli) == {}


def test_a_folder_of_the_same_name_elsewhere_is_another_one(cli, folder, tmp_path):
    cli.run("ingest", str(folder))
    other = tmp_path / "other" / "files"
    other.mkdir(parents=True)
    (other / "more.md").write_text("More rules are found elsewhere.")
    done = cli.run("ingest", str(other), "--delete-missing", "--delete-many")
    assert outcomes(done) == {"more.md": "searchable"}
    assert len(ready(cli)) == 4


async def test_a_person_deletes_what_is_his_own_alone(cli, world, folder):
    await world.put(world.person("ana"))
    cli.run("ingest", str(folder / "pay.md"))
    assert cli.run("ingest", str(folder), "--as", "ana", "--group", "everyone").returncode == 0
    for file in folder.iterdir():
        file.unlink()
    done = cli.run("ingest", str(folder), "--as", "ana", "--delete-many")
    assert outcomes(done) == {"leave.md": "deleted", "travel.md": "deleted"}
    assert list(ready(cli)) == ["pay.md"]


def known(*paths):
    return [SourcedDocument(id=None, name=path, source_path=str(path)) for path in paths]


def test_what_cannot_be_handed_in_is_not_gone(folder, tmp_path):
    (folder / "manifest.jsonl").write_text('{"path": "gone.md"}\n{"path": "pay.md"}')
    files = found_files([folder], readers=Readers())
    documents = known(folder / "pay.md", folder / "leave.md", folder / "gone.md")
    assert [d.name for d in missing(documents, files)] == [folder / "gone.md"]


def test_what_lies_in_a_folder_that_may_not_be_read_is_not_gone(folder):
    locked = FoundFile(path=folder, name="files", access=access(), problem="It cannot be read.")
    assert missing(known(folder / "pay.md", folder / "deep" / "b.md"), [locked]) == []


async def test_a_watched_folder_is_followed_until_the_process_is_stopped(cli, folder):
    async def until(condition):
        with anyio.fail_after(40):
            while not await anyio.to_thread.run_sync(condition):  # noqa: ASYNC110
                await anyio.sleep(0.2)

    log = cli.settings.home / "output.log"
    with cli.running("ingest", str(folder), "--watch", "--delete-missing") as watching:
        await until(lambda: len(ready(cli)) == 3)
        (folder / "pay.md").write_text("# pay\n\nAnother pay rule.")
        (folder / "leave.md").unlink()
        (folder / "broken.pdf").write_bytes(b"%PDF-1.7 no PDF")
        (folder / "deep").mkdir()
        (folder / "deep" / "new.md").write_text("# new\n\nThe new rule.")
        await until(lambda: ready(cli) == {"pay.md": 2, "travel.md": 1, "deep/new.md": 1})
        await until(lambda: "broken.pdf" in log.read_text())
        watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=20) == 130
    assert log.read_text().count("broken.pdf") == 2  # as a document, and in the reason


@pytest.mark.parametrize(
    "words", [("--watch", "--dry-run"), ("pay.md", "--watch"), ("pay.md", "--delete-missing")]
)
def test_what_makes_no_sense_together_is_refused(cli, folder, words):
    named = [str(folder / word) if word == "pay.md" else word for word in words]
    done = cli.run("ingest", str(folder), *named)
    assert done.returncode == 2

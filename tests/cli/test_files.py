"""Who may read a file is what its manifest says; a file that it forgets is shown to nobody."""

import json
import os

import pytest

from roadworthy.cli.files import Readers, found_files
from roadworthy.core.errors import Invalid
from roadworthy.corpus.access import access


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "contracts"
    (root / "2026").mkdir(parents=True)
    (root / "2026" / "nda.md").write_text("secret")
    (root / "note.txt").write_text("plain")
    (root / ".hidden").write_text("no")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("no")
    return root


def manifest(folder, *entries):
    lines = "\n".join(json.dumps(entry) for entry in entries)
    (folder / "manifest.jsonl").write_text(lines)


def test_documents_are_named_below_the_folders_parent_and_hidden_files_left_out(folder):
    found = found_files([folder], readers=Readers())
    assert [file.name for file in found] == ["contracts/2026/nda.md", "contracts/note.txt"]


def test_a_manifest_says_readers_and_metadata(folder):
    manifest(folder, {"path": "2026/nda.md", "groups": ["legal"], "clearance": 2,
                      "language": "fr", "metadata": {"year": 2026}})  # fmt: skip
    [nda, _] = found_files([folder], readers=Readers(), prefixed=False)
    assert (nda.name, nda.problem) == ("2026/nda.md", "")
    assert nda.access == access(groups=["legal"], clearance=2)
    assert (nda.metadata, nda.language) == ({"year": 2026}, "fr")


def test_a_file_that_the_manifest_forgets_is_not_handed_in(folder):
    manifest(folder, {"path": "2026/nda.md", "groups": ["legal"]})
    [_, note] = found_files([folder], readers=Readers())
    assert "does not name it" in note.problem


def test_it_is_when_its_readers_are_named(folder):
    manifest(folder, {"path": "2026/nda.md", "groups": ["legal"]})
    [nda, note] = found_files([folder], readers=Readers(groups=["hr"]))
    assert (nda.access, note.access) == (access(groups=["legal"]), access(groups=["hr"]))
    assert note.problem == ""


def test_a_line_that_names_no_readers_is_not_for_everyone(folder):
    manifest(folder, {"path": "2026/nda.md", "clearance": 2}, {"path": "note.txt"})
    found = found_files([folder], readers=Readers())
    assert ["names no readers" in file.problem for file in found] == [True, True]
    [nda, note] = found_files([folder], readers=Readers(groups=["hr"], clearance=1))
    assert (nda.access, nda.problem) == (access(groups=["hr"], clearance=2), "")
    assert note.access == access(groups=["hr"], clearance=1)


def test_a_named_file_that_is_not_there_is_told(folder):
    manifest(folder, {"path": "2026/nda.md"}, {"path": "note.txt"}, {"path": "gone.pdf"})
    [_, _, gone] = found_files([folder], readers=Readers())
    assert (gone.name, "not there" in gone.problem) == ("contracts/gone.pdf", True)


def sidecar(file, **said):
    file.with_name(file.name + ".metadata.json").write_text(json.dumps(said))


def test_a_sidecar_says_the_same_of_its_file_and_is_no_document(folder):
    sidecar(folder / "note.txt", groups=["legal"], clearance=1, metadata={"by": "Ana"})
    [nda, note] = found_files([folder], readers=Readers())
    assert (nda.access, note.access) == (access(), access(groups=["legal"], clearance=1))
    assert note.metadata == {"by": "Ana"}
    [alone] = found_files([folder / "note.txt"], readers=Readers())
    assert (alone.access, alone.metadata) == (note.access, note.metadata)


def test_a_sidecar_that_names_no_readers_leaves_them_and_may_ask_for_clearance(folder):
    sidecar(folder / "note.txt", clearance=2)
    [_, note] = found_files([folder], readers=Readers(groups=["hr"]))
    assert note.access == access(groups=["hr"], clearance=2)


def test_a_wrong_sidecar_keeps_its_file_back_and_no_other(folder):
    sidecar(folder / "note.txt", group=["legal"])
    [nda, note] = found_files([folder], readers=Readers())
    assert (nda.problem, "no field 'group'" in note.problem) == ("", True)


def test_a_link_that_leaves_the_folder_is_not_followed(folder, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "in.txt").symlink_to(folder / "note.txt")
    (folder / "all").symlink_to(tmp_path, target_is_directory=True)
    problems = {file.name: file.problem for file in found_files([folder], readers=Readers())}
    assert "leaves the folder" in problems["contracts/out.txt"]
    assert "link to a folder" in problems["contracts/all"]
    assert problems["contracts/in.txt"] == ""


def test_what_may_not_be_read_is_told_and_not_overlooked(folder, monkeypatch):
    real = os.scandir

    def denied(at):
        if str(at).endswith("2026"):
            raise PermissionError(13, "Permission denied", str(at))
        return real(at)

    monkeypatch.setattr(os, "scandir", denied)
    [year, note] = found_files([folder], readers=Readers())
    assert (year.name, "Permission denied" in year.problem) == ("contracts/2026", True)
    assert note.problem == ""


@pytest.mark.parametrize("line", ["{", '{"groups": []}', '{"path": "a", "clearance": -1}'])
def test_a_wrong_line_is_named(folder, line):
    (folder / "manifest.jsonl").write_text(f'{{"path": "note.txt"}}\n{line}')
    with pytest.raises(Invalid, match="Line 2"):
        found_files([folder], readers=Readers())


def test_a_path_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(Invalid, match="does not exist"):
        found_files([tmp_path / "none"], readers=Readers())

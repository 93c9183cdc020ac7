"""Who may read a file is what its manifest says; a file that it forgets is shown to nobody."""

import json

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
    manifest(folder, {"path": "2026/nda.md", "groups": ["legal"], "clearance": 2, "year": 2026})
    [nda, _] = found_files([folder], readers=Readers(), prefixed=False)
    assert (nda.name, nda.problem) == ("2026/nda.md", "")
    assert nda.access == access(groups=["legal"], clearance=2)
    assert nda.metadata == {"year": 2026}


def test_a_file_that_the_manifest_forgets_is_not_handed_in(folder):
    manifest(folder, {"path": "2026/nda.md", "groups": ["legal"]})
    [_, note] = found_files([folder], readers=Readers())
    assert "does not name it" in note.problem


def test_it_is_when_its_readers_are_named(folder):
    manifest(folder, {"path": "2026/nda.md", "groups": ["legal"]})
    [nda, note] = found_files([folder], readers=Readers(groups=["hr"]))
    assert (nda.access, note.access) == (access(groups=["legal"]), access(groups=["hr"]))
    assert note.problem == ""


def test_a_named_file_that_is_not_there_is_told(folder):
    manifest(folder, {"path": "2026/nda.md"}, {"path": "note.txt"}, {"path": "gone.pdf"})
    [_, _, gone] = found_files([folder], readers=Readers())
    assert (gone.name, "not there" in gone.problem) == ("contracts/gone.pdf", True)


@pytest.mark.parametrize("line", ["{", '{"groups": []}', '{"path": "a", "clearance": -1}'])
def test_a_wrong_line_is_named(folder, line):
    (folder / "manifest.jsonl").write_text(f'{{"path": "note.txt"}}\n{line}')
    with pytest.raises(Invalid, match="Line 2"):
        found_files([folder], readers=Readers())


def test_a_path_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(Invalid, match="does not exist"):
        found_files([tmp_path / "none"], readers=Readers())

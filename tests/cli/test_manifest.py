"""A manifest comes from anywhere: what is not understood, or reaches too far, is refused whole."""

import json

import pytest

from roadworthy.cli.manifest import LONGEST_LINE, read_manifest, read_sidecar
from roadworthy.core.errors import Invalid

GOOD = {"path": "a.txt", "groups": ["legal"], "clearance": 1, "metadata": {"n": 1, "ok": True}}


def written(folder, *lines):
    path = folder / "manifest.jsonl"
    path.write_bytes(b"\n".join(each if isinstance(each, bytes) else json.dumps(each).encode()
                                for each in lines))  # fmt: skip
    return path


def refusal(folder, line):
    with pytest.raises(Invalid) as refused:
        read_manifest(written(folder, GOOD, line))
    return refused.value.message


def test_a_manifest_is_read_by_paths_in_their_plain_form(tmp_path):
    path = written(tmp_path, b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), b"", {"path": "./b//c"})
    entries = read_manifest(path)
    assert list(entries) == ["a.txt", "b/c"]
    assert entries["a.txt"].metadata == {"n": 1, "ok": True}


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "a/../../b", ".", "a\0b", "~/../x/.."]
)
def test_a_path_outside_the_folder_is_refused(tmp_path, path):
    assert "leaves the folder" in refusal(tmp_path, {"path": path})


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ({"path": "b", "group": ["legal"]}, "there is no field 'group'"),
        ({"path": "b", "groups": "legal"}, "groups"),
        ({"path": "b", "groups": [""]}, "from 1 to 200 characters"),
        ({"path": "b", "groups": ["x"] * 101}, "groups"),
        ({"path": "b", "clearance": "2"}, "clearance"),
        ({"path": "b", "clearance": -1}, "clearance"),
        ({"path": "b", "clearance": True}, "clearance"),
        ({"path": "b", "metadata": {"a": None}}, "metadata.a"),
        ({"path": "b", "metadata": {"a": {"b": 1}}}, "metadata.a"),
        ({"path": "b", "metadata": {str(n): 1 for n in range(51)}}, "50 metadata fields"),
        ({"path": "b", "metadata": {"a": "x" * 2001}}, "metadata field a"),
        ({"path": "b", "metadata": {"a": "\0"}}, "metadata field a"),
        ({"path": "b", "metadata": {"a": 10**30}}, "metadata field a"),
        (b'{"path": "b", "metadata": {"a": NaN}}', "metadata field a"),
        (b'{"path": "b", "metadata": {"a": 1e999}}', "metadata field a"),
        (b'{"path": "b", "metadata": {"a": "\\ud800"}}', "wrong"),
        (b'{"path": "\xff"}', "wrong"),
        (b"[" * 50_000, "wrong"),
        (b"1" * 50_000, "wrong"),
        (b"null", "wrong"),
        ({"path": "b", "language": "x" * 41}, "language"),
        ({"path": "a.txt"}, "again"),
        ({"path": "./a.txt"}, "again"),
    ],
    ids=str,
)
def test_a_wrong_line_is_named_and_said(tmp_path, line, why):
    message = refusal(tmp_path, line)
    assert message.startswith("Line 2 of ")
    assert why in message
    assert len(message) < 600


def test_a_huge_line_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "manifest.jsonl").open("wb") as file:
        file.truncate(10_000_000_000)  # sparse
    with pytest.raises(Invalid, match=f"more than {LONGEST_LINE} bytes"):
        read_manifest(tmp_path / "manifest.jsonl")


def test_a_huge_sidecar_is_refused_before_it_is_read(tmp_path):
    (tmp_path / "s").write_bytes(b"{}\n" + b"\n" * LONGEST_LINE)
    with pytest.raises(Invalid, match=f"more than {LONGEST_LINE} bytes"):
        read_sidecar(tmp_path / "s")

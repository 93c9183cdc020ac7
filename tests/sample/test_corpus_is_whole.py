"""The sample corpus is fresh and whole: its files are those that its sources print, no more."""

import json
import re
from pathlib import Path

import kreuzberg
import pytest

from roadworthy.core.errors import Invalid
from sample.build import FILES, MANIFEST, build
from sample.source import read, read_all

LANGUAGES = {"en", "fr", "es"}
FORMATS = {"pdf", "docx", "xlsx", "pptx", "html", "md", "eml"}


def contents(folder):
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def committed():
    return contents(FILES)


@pytest.fixture(scope="module")
def manifest():
    return [json.loads(line) for line in (FILES / MANIFEST).read_text("utf-8").splitlines()]


def test_a_fresh_build_gives_the_same_bytes(tmp_path, committed):
    build(tmp_path)
    fresh = contents(tmp_path)
    assert fresh.keys() == committed.keys()
    assert [path for path in fresh if fresh[path] != committed[path]] == []


def test_the_manifest_names_each_file_and_no_other(committed, manifest):
    named = [line["path"] for line in manifest]
    assert len(named) == len(set(named))
    assert {*named, MANIFEST} == committed.keys()


def test_every_file_has_a_reader_and_a_clearance(manifest):
    assert all(line["groups"] or line.get("users") for line in manifest)
    assert {line["clearance"] for line in manifest} == {0, 1, 2}
    secret = [line for line in manifest if line["clearance"] == 2]
    assert all(line["groups"] == ["board"] for line in secret)


def test_all_languages_and_formats_are_there(manifest):
    assert {line["language"] for line in manifest} == LANGUAGES
    assert {Path(line["path"]).suffix.removeprefix(".") for line in manifest} == FORMATS


def test_the_whole_stays_small(committed):
    assert sum(map(len, committed.values())) < 2_000_000


def test_no_python_lives_beside_the_files():
    assert list(FILES.parent.rglob("*.py")) == []


@pytest.mark.parametrize("source", read_all(), ids=lambda source: source.path)
def test_no_word_is_lost_in_print(source):
    printed = kreuzberg.extract_file_sync(str(FILES / source.path)).content
    body = re.sub(r"^\d+\. ", "", source.body, flags=re.MULTILINE)  # HTML numbers its own steps
    words = set(re.findall(r"\w+", body))
    assert words - set(re.findall(r"\w+", printed)) == set()


def test_a_source_without_front_matter_is_refused(tmp_path):
    file = tmp_path / "bare.md"
    file.write_text("# Only text\n", encoding="utf-8")
    with pytest.raises(Invalid, match="front matter"):
        read(file)


def test_no_address_could_reach_anybody(committed):
    texts = [data for path, data in committed.items() if path.endswith((".md", ".html", ".eml"))]
    hosts = {host for text in texts for host in re.findall(rb"@([a-z.-]+[a-z])", text)}
    assert hosts == {b"larkmoor.example"}

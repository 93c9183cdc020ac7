"""The report on a corpus counts what is there, for those who may see it, and quotes it safely."""

import json
from html.parser import HTMLParser

import pytest

from tests.ingestion.curation.documents import prose

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "files"
    root.mkdir()
    near = prose(1).replace("harbour", "quay", 1)
    texts = {
        "a.txt": prose(1),
        "b.txt": near,
        "copy of b.txt": near,
        "<b>bold&amp;.txt": f"{prose(2)} Write to ada@example.org or bo@example.org.",
        "secret.txt": f"{prose(3)}\nPassword: Tr0ub4dor&3zz",
        "boxes.txt": "\ufffd\ufffd\ufffd \ufffd\ufffd boat \ufffd\ufffd " * 20,
    }
    for name, text in texts.items():
        (root / name).write_text(text)
    return root


def tallies(listed):
    return {each["name"]: each["number"] for each in listed}


def test_all_is_counted(cli, folder):
    cli.run("ingest", str(folder))
    told = json.loads(cli.run("corpus", "report", "main", "--json").stdout)
    assert told["totals"]["documents"] == 5
    assert tallies(told["states"]) == {"ready": 2, "quarantined": 3}
    assert told["duplicates"] == {"exact": 1, "beaten": 1, "standing": 0}
    assert tallies(told["found"]) == {"email": 2, "password": 1}
    assert sum(told["scores"]) == 5
    assert (told["scores"][0], told["scores"][-1]) == (1, 4)
    assert tallies(told["languages"]) == {"en": 2}
    assert tallies(told["ages"]) == {"under a month": 5}
    passages = told["passages"]
    assert passages["total"] >= passages["most"] >= passages["least"] >= 1
    assert {each["check"] for each in told["kept_back"]} == {
        "near_duplicates",
        "quality",
        "secrets",
    }


def test_a_document_counts_once_while_its_newer_version_waits(cli, folder):
    (folder / "a.txt").write_text(prose(4))
    cli.run("ingest", str(folder / "a.txt"))
    (folder / "a.txt").write_text(f"{prose(5)} Write to ada@example.org.\nPassword: Tr0ub4dor&3zz")
    cli.run("ingest", str(folder / "a.txt"))
    told = json.loads(cli.run("corpus", "report", "--json").stdout)
    assert (sum(told["scores"]), told["found"], told["checks"]) == (1, [], [])
    assert (tallies(told["states"]), told["waiting"]) == ({"ready": 1}, 1)
    assert [each["check"] for each in told["kept_back"]] == ["secrets"]


def test_near_duplicates_that_policy_allows_are_counted(cli, folder):
    cli.run("ingest", str(folder / "secret.txt"))
    cli.run("corpus", "policy", "main", "--set", "near_duplicates=flag")
    for name in ("a.txt", "b.txt"):
        cli.run("ingest", str(folder / name))
    told = json.loads(cli.run("corpus", "report", "--json").stdout)
    assert told["duplicates"] == {"exact": 0, "beaten": 0, "standing": 1}


def test_the_table_and_the_page_tell_the_same(cli, folder, tmp_path):
    cli.run("ingest", str(folder))
    printed = cli.run("corpus", "report", "--html", str(tmp_path / "report.html"))
    assert printed.returncode == 0
    assert "nearly the same, kept back" in printed.stdout
    html = (tmp_path / "report.html").read_text()
    HTMLParser().feed(html)
    assert "<b>bold" not in html
    assert "&lt;b&gt;bold&amp;amp;" in html
    assert html.count("<rect") == 10
    assert "Tr0ub4dor" not in html
    assert "http" not in html.replace("http-equiv", "")  # nothing is fetched


async def test_a_person_is_told_of_what_she_may_see(cli, world, folder):
    await world.put(world.person("ana"))
    cli.run("ingest", str(folder), "--group", "board")
    cli.run("ingest", str(folder / "a.txt"))
    told = json.loads(cli.run("corpus", "report", "--json", "--as", "ana").stdout)
    assert told["totals"]["documents"] == 1
    assert told["kept_back"] == []
    assert told["duplicates"] == {"exact": 0, "beaten": 0, "standing": 0}


async def test_an_empty_and_a_missing_corpus(cli, world):
    told = json.loads(cli.run("corpus", "report", "--json").stdout)
    assert (told["totals"]["documents"], told["passages"]["median"]) == (0, None)
    assert cli.run("corpus", "report").returncode == 0
    assert cli.run("corpus", "report", "nowhere").returncode == 3

"""Two installations are held side by side, without a secret of either."""

import json
from urllib.parse import urlsplit

import pytest

from roadworthy.core.errors import Invalid
from roadworthy.diagnosis.fingerprint import MOST_BYTES, differences, read_report

pytestmark = pytest.mark.anyio

KEY = {"ROADWORTHY_PSEUDONYM_KEY": "Wn5yT0vS3kq8rB2xZc7dLf4g"}


async def test_an_installation_is_the_same_as_itself(cli, world, tmp_path):
    (tmp_path / "other.json").write_text(cli.run("doctor", "--json").stdout)
    done = cli.run("doctor", "--compare", "other.json")
    assert (done.returncode, done.stdout) == (0, "Both are the same.\n")


async def test_what_differs_is_shown_beside_and_decides(cli, world, tmp_path):
    there = {"ROADWORTHY_PASSAGE_TOKENS": "100", "LC_ALL": "fr_FR.UTF-8"}
    (tmp_path / "other.json").write_text(cli.run("doctor", "--json", environ=there).stdout)
    done = cli.run("doctor", "--compare", "other.json")
    assert done.returncode == 1
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert rows == [
        ["locale.LC_ALL", "fr_FR.UTF-8", "differs"],
        ["setting.passage_tokens", "256", "100", "differs"],
    ]


async def test_that_it_is_another_place_is_no_fault(cli, world, tmp_path):
    there = {"ROADWORTHY_PORT": "18653", **KEY}
    (tmp_path / "other.json").write_text(cli.run("doctor", "--json", environ=there).stdout)
    done = cli.run("doctor", "--compare", "other.json")
    assert done.returncode == 0
    assert "18653" in done.stdout


async def test_it_tells_models_spaces_and_routings_and_no_secret(cli, world):
    said = cli.run("doctor", "--json", environ=KEY).stdout
    found = json.loads(said)["fingerprint"]
    assert found["space.words.revision"] == "1"
    assert found["corpus.acme.main"] == "*: words auto"
    assert found["release.acme"].startswith("extract (")
    assert found["database.migrations"]
    assert not any(
        secret in said
        for secret in (*KEY.values(), urlsplit(cli.environ["ROADWORTHY_DATABASE_URL"]).password)
    )


def test_a_thing_that_only_one_has_differs():
    [found] = differences({"a": "1", "b": "2"}, {"a": "1"})
    assert (found.what, found.here, found.there, found.is_expected) == ("b", "2", "", False)


@pytest.mark.parametrize("text", ["", "[]", '{"checks": []}', "x" * (MOST_BYTES + 1)])
def test_what_is_no_report_is_refused(tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(Invalid, match=r"other\.json"):
        read_report(tmp_path / "other.json")


def test_a_report_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Invalid, match="cannot be read"):
        read_report(tmp_path / "none.json")

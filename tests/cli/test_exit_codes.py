"""Each kind of failure has its exit code and one sentence; no person sees a traceback."""

import subprocess
import sys

import pytest

from roadworthy.cli.exits import BUG, EXIT_CODES, exit_code
from roadworthy.core import errors
from roadworthy.core.errors import RoadworthyError


def kinds():
    return [each for each in vars(errors).values() if isinstance(each, type)
            and issubclass(each, RoadworthyError) and each is not RoadworthyError]  # fmt: skip


def test_the_table_has_every_kind_and_no_other():
    assert {kind.kind for kind in kinds()} == set(EXIT_CODES)


def test_codes_differ_and_are_neither_success_nor_bug():
    codes = [exit_code(kind("sentence")) for kind in kinds()]
    assert len(set(codes)) == len(codes)
    assert not {0, 1, BUG} & set(codes)


def test_an_unknown_setting_is_refused_by_name(cli):
    done = cli.run("config", "show", environ={"ROADWORTHY_EMBEDINGS_URL": "http://x"})
    assert done.returncode == EXIT_CODES["invalid"]
    assert "ROADWORTHY_EMBEDINGS_URL" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["document", "show", "nonsense"], 2),
        (["ingest", "/does/not/exist"], 2),
        (["ask", "What?"], 3),
        (["document", "list", "--tenant", "nobody"], 3),
        (["--as", "@acme", "document", "list"], 2),
        (["no-such-command"], 2),
        (["document"], 2),
    ],
)
def test_a_failure_is_one_sentence_on_standard_error(cli, words, code):
    done = cli.run(*words)
    assert done.returncode == code
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_database_that_is_down_is_said_to_be(cli):
    down = {"ROADWORTHY_DATABASE_URL": "postgresql://owner:secret@127.0.0.1:9/none"}
    done = cli.run("document", "list", environ=down)
    assert done.returncode == EXIT_CODES["unavailable"]
    assert "secret" not in done.stderr


def test_a_bug_is_a_sentence_too_unless_one_debugs(cli):
    program = (
        "import roadworthy.cli.version as v; v.metadata.version = lambda _: 1 / 0;"
        "import sys; sys.argv = ['roadworthy', 'version'];"
        "from roadworthy.cli.main import main; main()"
    )

    def run(level):
        environ = cli.environ | {"ROADWORTHY_LOG_LEVEL": level}
        argv = [sys.executable, "-c", program]
        return subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)

    assert run("info").returncode == BUG
    assert "Traceback" not in run("info").stderr
    assert "Traceback" in run("debug").stderr

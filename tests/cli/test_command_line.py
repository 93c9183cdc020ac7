"""Options stand where people write them, help is quick, and every command has its help."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog

from roadworthy.cli.lazy import hoisted
from roadworthy.cli.main import Roadworthy, app
from roadworthy.cli.options import everywhere
from roadworthy.core.errors import Invalid

HEAVY = {"numpy", "psycopg", "pydantic", "fastapi", "rich", "httpx"}


def test_help_imports_nothing_heavy():
    program = (
        "import sys; sys.argv = ['roadworthy', '--help']\n"
        "from roadworthy.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        f"assert not {HEAVY} & set(sys.modules), {HEAVY} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_help_lists_every_command(cli):
    help_text = cli.run("--help").stdout
    assert all(f"\n  {name} " in help_text for name in Roadworthy.places)


@pytest.mark.parametrize("name", Roadworthy.places)
def test_each_command_can_be_loaded_and_explains_itself(capsys, name):
    app([name, "--help"], prog_name="roadworthy", standalone_mode=False)
    assert f"Usage: roadworthy {name}" in capsys.readouterr().out


def test_options_for_all_commands_may_stand_anywhere():
    assert hoisted(["ask", "What?", "--as", "ana@acme", "--json", "--home=/x"]) == [
        "--as", "ana@acme", "--home=/x", "ask", "What?", "--json",
    ]  # fmt: skip


def test_what_follows_two_dashes_is_no_option():
    assert hoisted(["ask", "--", "--as"]) == ["ask", "--", "--as"]


def test_a_person_may_be_named_with_the_tenant():
    found = everywhere(None, None, "ana@acme")
    assert (found.user, found.tenant) == ("ana", "acme")


def test_two_tenants_are_refused():
    with pytest.raises(Invalid, match="drop one"):
        everywhere(None, "other", "ana@acme")


def test_config_show_masks_secrets(cli):
    done = cli.run("config", "show")
    assert "database_url = **********" in done.stdout
    password = cli.environ["ROADWORTHY_DATABASE_URL"].split(":")[2].split("@")[0]
    assert password not in done.stdout


def test_what_services_of_this_process_log_is_not_what_a_command_says(cli):
    over, lines = threading.Event(), 0

    def chatter():
        nonlocal lines
        while not over.wait(0.0005):
            structlog.get_logger().warning("a space is not served")
            lines += 1

    with ThreadPoolExecutor(1) as thread:
        thread.submit(chatter)
        try:
            said = cli.run("config", "show")
        finally:
            over.set()
    assert (said.returncode, lines > 0) == (0, True)
    assert "not served" not in said.stdout

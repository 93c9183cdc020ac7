"""One home has one PostgreSQL, shared by our processes, that survives the death of any of them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from roadworthy.core.errors import Unavailable
from roadworthy.plumbing.embedded_postgres import EmbeddedPostgres
from roadworthy.plumbing.postgres_programs import PACKAGE, binaries

IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not IS_ROOT, reason="is about running as root")

FAST = {"fsync": "off"}  # recovery from a kill begins by flushing every file
USER_PROCESS = """
import pathlib, sys
from roadworthy.plumbing.embedded_postgres import EmbeddedPostgres
with EmbeddedPostgres(pathlib.Path(sys.argv[1])).running() as url:
    print(url, flush=True)
    sys.stdin.read()
"""


class Script:
    """A process that we talk to by lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line(self) -> str:
        """The next line that it writes."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def finish(self) -> None:
        """Close its stdin and wait for its end."""
        self.process.communicate()


@contextmanager
def open_folder(mode: int = 0o755) -> Iterator[Path]:
    """A temporary folder that other accounts may enter, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-test-"))
    folder.chmod(mode)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def made_home() -> Iterator[Path]:
    """A home that began as a folder closed to everybody else."""
    with open_folder(0o700) as folder:
        with EmbeddedPostgres(folder).running() as url, connected(url) as conn:
            conn.execute("CREATE TABLE kept (word text)")
        yield folder


@pytest.fixture
def home(made_home: Path) -> Iterator[Path]:
    """A home whose server is stopped, before the test and after it."""
    yield made_home
    if EmbeddedPostgres(made_home).is_alive():
        with EmbeddedPostgres(made_home).running():
            pass


@contextmanager
def script(code: str, *words: str, env: dict[str, str] | None = None) -> Iterator[Script]:
    """Another Python process; killed at the end of the block."""
    argv = [sys.executable, "-c", code, *words]
    with subprocess.Popen(
        argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Script(process)
        finally:
            process.kill()


def user_process(home: Path, *, env: dict[str, str] | None = None):
    """Another process that uses the server until its stdin closes."""
    return script(USER_PROCESS, str(home), env=env)


def connected(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, connect_timeout=5)


def postmaster(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres/postmaster.pid").read_text().split()[0]))


def lives(process: psutil.Process) -> bool:
    """Whether it runs; one that ended and waits to be reaped does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_server(home: Path) -> None:
    victim = postmaster(home)
    victim.kill()
    until = time.monotonic() + 10
    while lives(victim):
        assert time.monotonic() < until, "it outlives its kill"
        time.sleep(0.01)


def name_in_pid_file(home: Path, pid: int) -> None:
    file = home / "postgres/postmaster.pid"
    file.write_text("\n".join([str(pid), *file.read_text().splitlines()[1:]]) + "\n")


def test_the_database_belongs_to_an_ordinary_owner(home):
    with EmbeddedPostgres(home).running() as url, connected(url) as conn:
        role = "SELECT rolname, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        assert conn.execute(role).fetchone() == ("roadworthy_owner", False, True)
        assert conn.execute("SELECT '[1,2]'::vector <-> '[1,2]'").fetchone() == (0.0,)
        locale = "SELECT datlocale, pg_encoding_to_char(encoding) FROM pg_database"
        assert conn.execute(locale).fetchone() == ("PG_UNICODE_FAST", "UTF8")


def test_what_was_made_at_first_is_no_built_in_object_to_a_backup(home):
    with EmbeddedPostgres(home).running() as url, connected(url) as conn:
        oid = "SELECT min(oid) >= 16384 FROM pg_extension WHERE extname = 'vector'"
        assert conn.execute(oid).fetchone() == (True,)


def test_a_later_start_takes_less_than_a_second_and_keeps_the_url(home):
    with EmbeddedPostgres(home).running() as before:
        pass
    began = time.monotonic()
    with EmbeddedPostgres(home).running() as url:
        assert time.monotonic() - began < 1
    assert url == before


@pytest.mark.parametrize("role", ["roadworthy_owner", "postgres"])
@pytest.mark.parametrize("password", ["", ":guess"], ids=["none", "wrong"])
def test_nobody_enters_without_the_password(home, role, password):
    with EmbeddedPostgres(home).running() as url:
        place = url.rpartition("@")[2].replace("/roadworthy", "/postgres")
        with pytest.raises(psycopg.OperationalError, match="password"):
            connected(f"postgresql://{role}{password}@{place}")


def test_only_loopback_is_listened_on_and_secrets_are_private(home):
    with EmbeddedPostgres(home).running() as url, connected(url) as conn:
        assert conn.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        addresses = {c.laddr.ip for c in postmaster(home).net_connections() if c.status == "LISTEN"}
        assert addresses == {"127.0.0.1"}
    for name in ("postgres.password", "postgres.superuser.password"):
        assert (home / name).stat().st_mode & 0o777 == 0o600
    assert (home / "postgres").stat().st_mode & 0o777 == 0o700


def test_two_processes_share_one_server_and_the_last_stops_it(home):
    ours = EmbeddedPostgres(home)
    with user_process(home) as other:
        url = other.line()
        assert ours.start() == url
        ours.release()
        assert ours.is_alive()
        other.finish()
    assert not ours.is_alive()


def test_many_first_starts_at_once_make_one_server():
    with open_folder() as home, user_process(home) as one, user_process(home) as two:
        ours = EmbeddedPostgres(home)
        assert {ours.start(), *(other.line() for other in (one, two))} == {ours.url}
        one.finish()
        two.finish()
        assert ours.is_alive()
        ours.release()
        assert not ours.is_alive()


def test_killed_server_comes_back_with_every_committed_row(home):
    server = EmbeddedPostgres(home)
    with server.running() as url:
        with connected(url) as conn:
            conn.execute("INSERT INTO kept VALUES ('committed')")
        kill_server(home)
        assert server.trouble() == "the server is gone"
        assert server.ensure_running() == url
        assert server.trouble() is None
        with connected(url) as conn:
            assert conn.execute("SELECT word FROM kept").fetchall() == [("committed",)]


def test_killed_server_does_not_leave_its_sessions_behind(home):
    server = EmbeddedPostgres(home)
    with server.running() as url:
        conn = connected(url)
        session = psutil.Process(conn.info.backend_pid)
        session.suspend()  # so that it cannot notice the death of its postmaster
        kill_server(home)
        server.ensure_running()
        assert not lives(session)
        conn.close()


def test_a_killed_user_leaves_the_others_and_no_lock(home):
    server = EmbeddedPostgres(home)
    with user_process(home) as other:
        other.line()
        url = server.start()
        other.process.kill()
        other.process.wait()
        with connected(url) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
        server.release()
    assert not server.is_alive()


def test_a_server_left_by_a_killed_user_is_adopted(home):
    with user_process(home) as other:
        url = other.line()
    left = postmaster(home)
    with EmbeddedPostgres(home).running() as adopted:
        assert (adopted, postmaster(home)) == (url, left)
    assert not lives(left)


def test_a_stale_file_that_names_another_program_does_not_stop_the_start(home):
    account = (home / "postgres").stat().st_uid if IS_ROOT else None
    with (
        subprocess.Popen(["/bin/sleep", "60"], user=account) as bystander,
        EmbeddedPostgres(home, settings=FAST).running(),
    ):
        kill_server(home)
        name_in_pid_file(home, bystander.pid)
        assert not EmbeddedPostgres(home).is_alive()
        with EmbeddedPostgres(home, settings=FAST).running() as url, connected(url) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
        assert bystander.poll() is None
        bystander.kill()


def test_a_stale_file_that_names_another_server_is_not_believed(home, postgres_cluster):
    with EmbeddedPostgres(home, settings=FAST).running():
        kill_server(home)
        name_in_pid_file(home, postmaster(postgres_cluster.server.home).pid)
        assert not EmbeddedPostgres(home).is_alive()
        with EmbeddedPostgres(home, settings=FAST).running():
            assert postgres_cluster.server.is_alive()


def test_a_stale_file_that_names_a_zombie_does_not_stop_the_start(home):
    with subprocess.Popen(["/bin/sh", "-c", ":"]) as zombie, EmbeddedPostgres(home).running():
        kill_server(home)
        name_in_pid_file(home, zombie.pid)
        assert psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE
        with EmbeddedPostgres(home, settings=FAST).running() as url, connected(url) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_taken_port_is_left_to_its_taker(home):
    with EmbeddedPostgres(home).running() as before:
        pass
    taker = conninfo_to_dict(before)["port"]
    code = (
        f"import socket; s=socket.create_server(('127.0.0.1', {taker})); print(flush=True); input()"
    )
    with script(code) as other:
        other.line()
        with EmbeddedPostgres(home).running() as url, connected(url) as conn:
            assert url != before
            assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_cannot_start_says_why(home):
    with pytest.raises(Unavailable, match="shared_buffers"):
        EmbeddedPostgres(home, settings={"shared_buffers": "plenty"}).start()


def test_a_home_of_another_version_is_refused(home):
    version = home / "postgres/PG_VERSION"
    version.write_text("17\n")
    try:
        with pytest.raises(Unavailable, match="made by PostgreSQL 17"):
            EmbeddedPostgres(home).start()
    finally:
        version.write_text("18\n")


def test_statements_are_not_logged(home):
    with EmbeddedPostgres(home).running() as url, connected(url) as conn:
        with pytest.raises(psycopg.errors.DivisionByZero):
            conn.execute("SELECT 1/0 -- a question that somebody asked")
        words = (home / "logs/postgres.log").read_text()
    assert "division by zero" in words
    assert "a question" not in words


def test_stopping_lets_nothing_of_the_server_live_on(home):
    with EmbeddedPostgres(home).running():
        family = [postmaster(home), *postmaster(home).children()]
    assert not any(lives(process) for process in family)


def test_a_paused_server_is_not_taken_for_dead(home):
    with EmbeddedPostgres(home).running():
        postmaster(home).send_signal(signal.SIGSTOP)
        try:
            assert EmbeddedPostgres(home).is_alive()
        finally:
            postmaster(home).send_signal(signal.SIGCONT)


@as_root
def test_root_runs_the_server_as_somebody_else(home):
    with EmbeddedPostgres(home).running():
        assert postmaster(home).uids().real != 0


@as_root
def test_a_closed_folder_above_the_home_is_named_and_left_closed():
    with open_folder(0o700) as closed:
        with pytest.raises(Unavailable, match=f"may not enter {closed}: choose a home"):
            EmbeddedPostgres(closed / "above" / "home").start()
        assert closed.stat().st_mode & 0o777 == 0o700


@as_root
def test_a_closed_home_is_opened_to_the_servers_group_alone(home):
    assert home.stat().st_mode & 0o777 == 0o710
    assert home.stat().st_gid == (home / "postgres").stat().st_gid


@as_root
def test_programs_in_a_closed_environment_are_copied_once():
    with open_folder(0o700) as closed, open_folder() as home:
        install = binaries().parent
        shutil.copytree(
            install, closed / PACKAGE / install.name, ignore=shutil.ignore_patterns("include")
        )
        shutil.copytree(install.parents[1] / f"{PACKAGE}.libs", closed / f"{PACKAGE}.libs")
        (closed / PACKAGE / "__init__.py").touch()
        with user_process(home, env={"PYTHONPATH": str(closed)}) as other:
            assert other.line().startswith("postgresql://")
            assert Path(postmaster(home).exe()).is_relative_to(home)
            other.finish()

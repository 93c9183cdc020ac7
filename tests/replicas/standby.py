"""A real streaming replica of the tests' server: pg_basebackup, and the same programs."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from roadworthy.plumbing.embedded_postgres import EmbeddedPostgres
from roadworthy.plumbing.postgres_programs import Account, account_for, run, runnable

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "max_connections": "200",  # no less than the primary's
    "shared_buffers": "32MB",
    "wal_retrieve_retry_interval": "100ms",
}
PATIENCE_S = 60.0
REPLAYED = "SELECT pg_last_wal_replay_lsn() >= %(lsn)s::pg_lsn"

SLOT_IS_USED = "SELECT active FROM pg_replication_slots WHERE slot_name = %(slot)s"
DROP_SLOT = """
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %(slot)s
"""


@dataclass(slots=True, kw_only=True)
class Standby:
    """A replica that the tests may pause, stop, kill and promote."""

    primary: EmbeddedPostgres
    data: Path
    programs: Path
    account: Account | None
    port: int

    @property
    def slot(self) -> str:
        """Name what the primary keeps its place by."""
        return f"test_{self.port}"

    def url(self, database_url: str) -> str:
        """Where the replica has the database of a url of the primary; without a login."""
        name = conninfo_to_dict(database_url)["dbname"]
        return f"postgresql://127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in self._settings.items())
        self._control("start", "-l", str(self.data / "log"), "-o", options)

    def stop(self) -> None:
        self._control("stop", "-m", "immediate", check=False)

    def promote(self) -> None:
        self._control("promote")

    def kill(self) -> None:
        """End all of its processes at once, and leave nothing that a start would trip over."""
        processes = self.processes()
        for process in processes:
            process.kill()
        until = time.monotonic() + PATIENCE_S
        while any(map(_lives, processes)):
            assert time.monotonic() < until, "a process of the replica outlives its kill"
            time.sleep(0.01)
        (self.data / "postmaster.pid").unlink()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Stop all of its processes for a block: its port takes connections, and nobody answers."""
        processes = self.processes()
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                process.send_signal(signal.SIGCONT)

    @contextmanager
    def lagging(self) -> Iterator[None]:
        """Replay nothing for a block, then catch up."""
        with self.superuser() as conn:
            conn.execute("SELECT pg_wal_replay_pause()")
            until = time.monotonic() + PATIENCE_S
            while conn.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() != ("paused",):
                assert time.monotonic() < until, "the replica does not pause"
                time.sleep(0.01)
        try:
            yield
        finally:
            with self.superuser() as conn:
                conn.execute("SELECT pg_wal_replay_resume()")
            self.catch_up()

    def catch_up(self) -> None:
        """Wait until it shows what the primary has committed."""
        with psycopg.connect(self.primary.superuser_url(), autocommit=True) as conn:
            [[lsn]] = conn.execute("SELECT pg_current_wal_insert_lsn()").fetchall()
        until = time.monotonic() + PATIENCE_S
        while not self._has_replayed(lsn):
            assert time.monotonic() < until, "the replica does not catch up"
            time.sleep(0.01)

    def processes(self) -> list[psutil.Process]:
        postmaster = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
        return [postmaster, *postmaster.children(recursive=True)]

    def superuser_url(self, database_url: str | None = None) -> str:
        name = conninfo_to_dict(database_url)["dbname"] if database_url else "postgres"
        return make_conninfo(self.primary.superuser_url(), port=self.port, dbname=name)

    def superuser(self) -> psycopg.Connection:
        return psycopg.connect(self.superuser_url(), autocommit=True, connect_timeout=10)

    @property
    def _settings(self) -> dict[str, str]:
        return SETTINGS | {"port": str(self.port)}

    def _has_replayed(self, lsn: str) -> bool:
        try:
            with self.superuser() as conn:
                return conn.execute(REPLAYED, {"lsn": lsn}).fetchone() == (True,)
        except psycopg.OperationalError:
            return False

    def _control(self, *words: str, check: bool = True) -> None:
        argv = [self.programs / "pg_ctl", "-D", self.data, "-w", *words]
        done = run(argv, self.account, errors=subprocess.STDOUT)
        if check and done.returncode:
            raise RuntimeError(done.stdout)


@contextmanager
def running_standby(primary: EmbeddedPostgres) -> Iterator[Standby]:
    """Copy the primary and follow it, for a block."""
    account = account_for(primary.home / "postgres")
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-test-standby-"))
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    standby = Standby(
        primary=primary,
        data=folder / "data",
        programs=runnable(primary.home, account),
        account=account,
        port=_free_port(),
    )
    try:
        _copy(standby)
        standby.start()
        yield standby
    finally:
        standby.stop()
        shutil.rmtree(folder)
        _drop_slot(standby)


def _copy(standby: Standby) -> None:
    # The slot is made after the copy has begun: what others write until then must not be gone.
    with psycopg.connect(standby.primary.superuser_url(), autocommit=True) as conn:
        conn.execute("ALTER SYSTEM SET wal_keep_size = '512MB'")
        conn.execute("SELECT pg_reload_conf()")
    argv = [standby.programs / "pg_basebackup", "-d", standby.primary.superuser_url()]
    argv += ["-D", standby.data, "-R", "-X", "stream", "-c", "fast", "--no-sync"]
    # What it has not received is kept for it, also while it is dead and others write a lot.
    argv += ["-C", "-S", standby.slot]
    done = run(argv, standby.account, errors=subprocess.STDOUT)
    if done.returncode:
        raise RuntimeError(done.stdout)


def _drop_slot(standby: Standby) -> None:
    with psycopg.connect(standby.primary.superuser_url(), autocommit=True) as conn:
        until = time.monotonic() + PATIENCE_S
        while conn.execute(SLOT_IS_USED, {"slot": standby.slot}).fetchone() == (True,):
            assert time.monotonic() < until, "the primary does not notice that the replica is gone"
            time.sleep(0.05)
        conn.execute(DROP_SLOT, {"slot": standby.slot})


def _lives(process: psutil.Process) -> bool:
    """Tell whether it runs; nobody may be there to reap it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])

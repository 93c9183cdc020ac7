"""Keep named processes running: restart with backoff, stop in order, leave no orphans.

Children end with their supervisor however it ends. A small shell, the guard, holds the read end
of a pipe and the list of process groups; when the supervisor dies the pipe closes and the guard
ends the groups. The other ways were worse: PR_SET_PDEATHSIG is Linux alone, is bound to the
thread that forked, and misses grandchildren; watching stdin needs each program's cooperation.

The supervisor is one plain loop in one thread: a service that is slow to start holds up the ones
after it, which could not work without it anyway.
"""

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Protocol

from roadworthy.core.errors import RoadworthyError, Unavailable

MAX_LOG_BYTES = 5 * 1024 * 1024

GUARD = """
trap '' HUP INT TERM
while read -r word group; do
  case $word in
    watch) groups="$groups $group" ;;
    forget)
      kept=
      for g in $groups; do [ "$g" = "$group" ] || kept="$kept $g"; done
      groups=$kept ;;
  esac
done
[ -n "$groups" ] || exit 0
for g in $groups; do kill -s TERM -- "-$g" 2>/dev/null; done
for tenth in 0 1 2 3 4 5 6 7 8 9 a b c d e f g h i j k l m n o p q r s t; do
  left=
  for g in $groups; do kill -s 0 -- "-$g" 2>/dev/null && left=yes; done
  [ -n "$left" ] || exit 0
  sleep 0.1
done
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
"""
# A child begins only after the guard knows it: no word on the pipe, no program.
GATE = 'read -r _ && exec "$@" </dev/null'


class Service(Protocol):
    """Something that the supervisor keeps running."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def log(self) -> Path:
        """The file that it appends to, kept bounded by the supervisor."""
        ...

    def trouble(self) -> str | None:
        """Say why it must be restarted; None while it is well. Quick: asked at every tick."""
        ...

    def ensure_running(self) -> object:
        """Start it unless it is well."""
        ...

    def release(self) -> None:
        """Stop it, or stop using it when others share it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarts:
    """How soon to try again. The n-th failure in a row waits first_s * 2^n, at most longest_s."""

    first_s: float = 0.5
    longest_s: float = 30.0
    stable_s: float = 30.0  # this long without trouble, and the next failure is a first one

    def pause_s(self, failures: int) -> float:
        """Draw the pause before the next start, between a half and the whole of the step."""
        step = min(self.longest_s, self.first_s * 2.0 ** min(failures, 32))
        return step * random.uniform(0.5, 1.0)  # noqa: S311 - jitter needs no secrecy


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program to keep running."""

    name: str
    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] | None = None  # the whole of it; None hands on our own
    is_healthy: Callable[[], bool] | None = None  # must answer within a second or so
    health_every_s: float = 5.0
    starting_s: float = 60.0  # unhealthy is no trouble for this long after a start
    unhealthy_limit: int = 3  # checks failed in a row that make it a trouble
    grace_s: float = 10.0  # from SIGTERM to SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to a service, for whoever reports it."""

    service: str
    what: str  # started, failed, stopped
    why: str = ""


class Guard:
    """Ends the watched process groups once this process is gone, kill -9 included."""

    def __init__(self) -> None:
        self._shell: subprocess.Popen[bytes] | None = None
        self._groups: set[int] = set()

    def watch(self, group: int) -> None:
        """Tie a process group's life to ours."""
        self._groups.add(group)
        self._tell("watch", group)

    def forget(self, group: int) -> None:
        """Untie a group that has ended, before its number can belong to somebody else."""
        self._groups.discard(group)
        self._tell("forget", group)

    def close(self) -> None:
        """End the guard; groups still watched are ended too."""
        if self._shell is not None:
            _pipe(self._shell).close()
            self._shell.wait()
            self._shell = None

    def _tell(self, word: str, group: int) -> None:
        if self._shell is None or self._shell.poll() is not None:
            self.close()
            argv = ["/bin/sh", "-c", GUARD]
            # A session of its own: a Ctrl-C in the terminal must not reach it.
            self._shell = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)
            for known in self._groups:
                self._write("watch", known)
        self._write(word, group)

    def _write(self, word: str, group: int) -> None:
        assert self._shell is not None
        pipe = _pipe(self._shell)
        pipe.write(f"{word} {group}\n".encode())
        pipe.flush()


class ChildProcess:
    """A command as a service: one process group of its own, its output appended to a log."""

    def __init__(self, command: Command, guard: Guard) -> None:
        self.name = command.name
        self.log = command.log
        self._command = command
        self._guard = guard
        self._process: subprocess.Popen[bytes] | None = None
        self._started = self._checked = 0.0
        self._unhealthy = 0

    @property
    def pid(self) -> int | None:
        """The running process, if any."""
        return self._process.pid if self._process else None

    def trouble(self) -> str | None:
        """Say that it ended, and how, or that it has been unhealthy for too long."""
        if self._process is None:
            return "it is not running"
        if (code := self._process.poll()) is not None:
            return f"it was ended by signal {-code}" if code < 0 else f"it ended with {code}"
        return self._sickness()

    def ensure_running(self) -> None:
        """Start it unless it is well; a sick one is stopped first.

        Raises:
            Unavailable: the program cannot be started at all.
        """
        if self.trouble() is None:
            return
        self.release()
        self._process = self._spawn()
        self._started = self._checked = time.monotonic()
        self._unhealthy = 0

    def release(self) -> None:
        """Ask it to end, and after the grace end its whole group."""
        if self._process is None:
            return
        group = self._process.pid
        with suppress(subprocess.TimeoutExpired):
            self._process.terminate()
            self._process.wait(self._command.grace_s)
        # What outlives its leader is swept away too.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        self._process.wait()
        self._process = None
        self._guard.forget(group)

    def _sickness(self) -> str | None:
        check, now = self._command.is_healthy, time.monotonic()
        if check is not None and now - self._checked >= self._command.health_every_s:
            self._checked = now
            self._unhealthy = 0 if check() else self._unhealthy + 1
        is_starting = now - self._started < self._command.starting_s
        if self._unhealthy < self._command.unhealthy_limit or is_starting:
            return None
        return f"it failed {self._unhealthy} health checks in a row"

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._require_program()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        argv = ["/bin/sh", "-c", GATE, self.name, *self._command.argv]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                argv, env=self._command.environment, stdin=subprocess.PIPE, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self._guard.watch(process.pid)
        with suppress(BrokenPipeError), _pipe(process) as gate:
            gate.write(b"go\n")
        return process

    def _require_program(self) -> None:
        program, environment = self._command.argv[0], self._command.environment
        path = None if environment is None else environment.get("PATH")
        if shutil.which(program, path=path) is None:
            raise Unavailable(f"{self.name} cannot start: install {program}", service=self.name)


@dataclass(slots=True, kw_only=True)
class _Watched:
    service: Service
    failures: int = 0  # in a row
    started: float = 0.0
    next_start: float | None = None  # set while it waits for its next start
    is_held: bool = False  # started at least once, so it is ours to release

    def is_due(self, now: float) -> bool:
        return self.next_start is not None and now >= self.next_start


def _unreported(_event: Event) -> None:
    """Drop an event."""


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Starts services in order, keeps them running, stops them in the opposite order."""

    services: Sequence[Service]
    restarts: Restarts = field(default_factory=Restarts)
    report: Callable[[Event], None] = _unreported
    max_log_bytes: int = MAX_LOG_BYTES
    tick_s: float = 0.2  # between two looks at the services
    _stopping: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Ask run() to return; safe from any thread and from a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Keep the services running until stop(), Ctrl-C or SIGTERM; then stop them all.

        A first start that fails is retried like any other. A second Ctrl-C does not wait for a
        service that is still starting.
        """
        watched = [_Watched(service=service, next_start=0.0) for service in self.services]
        with self._signals():
            try:
                while not self._stopping.is_set():
                    self._tick(watched)
                    self._stopping.wait(self.tick_s)
            finally:
                self._stop_all(watched)

    def _tick(self, watched: Sequence[_Watched]) -> None:
        for one in watched:
            if self._stopping.is_set():
                return
            self._tend(one, time.monotonic())
            keep_bounded(one.service.log, max_bytes=self.max_log_bytes)

    def _tend(self, one: _Watched, now: float) -> None:
        if one.next_start is not None:
            if one.is_due(now):
                self._start(one)
        elif (why := one.service.trouble()) is not None:
            self._fail(one, why)
        elif now - one.started >= self.restarts.stable_s:
            one.failures = 0

    def _start(self, one: _Watched) -> None:
        one.is_held = True
        try:
            one.service.ensure_running()
        except RoadworthyError as error:
            self._fail(one, error.message)
            return
        one.next_start, one.started = None, time.monotonic()
        self.report(Event(service=one.service.name, what="started"))

    def _fail(self, one: _Watched, why: str) -> None:
        one.next_start = time.monotonic() + self.restarts.pause_s(one.failures)
        one.failures += 1
        self.report(Event(service=one.service.name, what="failed", why=why))

    def _stop_all(self, watched: Sequence[_Watched]) -> None:
        for one in reversed(watched):
            if not one.is_held:
                continue
            try:
                one.service.release()
            except RoadworthyError as error:
                # The others must still be stopped.
                self.report(Event(service=one.service.name, what="failed", why=error.message))
            else:
                self.report(Event(service=one.service.name, what="stopped"))

    @contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may set handlers; whoever owns it calls stop()
            return
        before = {s: signal.signal(s, self._interrupt) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        if self._stopping.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._stopping.set()


def keep_bounded(log: Path, *, max_bytes: int = MAX_LOG_BYTES) -> None:
    """Move a log that outgrew `max_bytes` to `<log>.1` and empty it in place.

    Its writers append, so they go on at the new start. A line written between the copy and the
    cut is lost; pipes would lose none, but would stop the writers when the reader is gone.
    """
    try:
        if log.stat().st_size <= max_bytes:
            return
    except FileNotFoundError:
        return
    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)


def _pipe(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None
    return process.stdin

"""Supervised programs come back when they die, and none outlives its supervisor."""

import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.plumbing.processes import (
    ChildProcess,
    Command,
    Event,
    Guard,
    Restarts,
    Supervisor,
    keep_bounded,
)

SLEEPER = ["/bin/sh", "-c", "echo up; exec sleep 60"]
STUBBORN = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN)\n"
            "print('up', flush=True); time.sleep(60)"]  # fmt: skip
SOON = Restarts(first_s=0.05, longest_s=0.1, stable_s=60)
SUPERVISOR = """
import pathlib, sys
from roadworthy.plumbing.processes import ChildProcess, Command, Guard, Supervisor
folder, guard = pathlib.Path(sys.argv[1]), Guard()
code = "sleep 60 & echo $! > $1-child; trap 'echo $1 >> ended; exit' TERM; echo $$; wait"
def service(name):
    argv = ["/bin/sh", "-c", f"cd {folder}; {code}", "sh", name]
    return ChildProcess(Command(name=name, argv=argv, log=folder / name), guard)
Supervisor(services=[service("first"), service("second")]).run()
"""


def wait_for(claim: Callable[[], object], *, timeout_s: float = 10) -> None:
    until = time.monotonic() + timeout_s
    while not claim():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def words(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


@pytest.fixture
def guard() -> Iterator[Guard]:
    made = Guard()
    yield made
    made.close()


@pytest.fixture
def child(tmp_path, guard) -> Iterator[Callable[..., ChildProcess]]:
    """Makes services; all are stopped at the end."""
    made: list[ChildProcess] = []

    def make(argv, **options) -> ChildProcess:
        name = f"program-{len(made)}"
        command = Command(name=name, argv=argv, log=tmp_path / f"{name}.log", **options)
        made.append(ChildProcess(command, guard))
        return made[-1]

    yield make
    for one in made:
        one.release()


@contextmanager
def supervising(services, **options) -> Iterator[list[Event]]:
    events: list[Event] = []
    supervisor = Supervisor(services=services, report=events.append, **options)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield events
    finally:
        supervisor.stop()
        thread.join()


@contextmanager
def supervisor_process(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A supervisor of two programs in a process of its own, and the pids under it."""
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(folder)]) as process:
        try:
            files = [folder / "first", folder / "second", folder / "first-child"]
            wait_for(lambda: all(words(file) for file in files))
            yield process, [int(words(file)[0]) for file in files]
        finally:
            process.kill()


def test_a_killed_program_comes_back(child):
    service = child(SLEEPER)
    with supervising([service], restarts=SOON) as events:
        wait_for(lambda: service.pid)
        first = service.pid
        psutil.Process(first).kill()
        wait_for(lambda: service.pid not in (None, first))
        wait_for(lambda: len(events) == 3)
    assert [event.what for event in events] == ["started", "failed", "started", "stopped"]
    assert events[1].why == "it was ended by signal 9"


def test_a_program_that_always_fails_is_tried_ever_more_slowly(child):
    times: list[float] = []
    service = child(["/bin/sh", "-c", "exit 3"])
    restarts = Restarts(first_s=0.4, longest_s=1.6, stable_s=60)
    supervisor = Supervisor(services=[service], restarts=restarts)
    supervisor.report = lambda event: (
        times.append(time.monotonic()) if event.what == "started" else None
    )
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    wait_for(lambda: len(times) == 4)
    supervisor.stop()
    thread.join()
    pauses = [late - early for early, late in itertools.pairwise(times)]
    assert pauses[0] >= 0.2
    assert pauses[2] >= 0.8


@pytest.mark.parametrize(("failures", "step"), [(0, 1.0), (3, 8.0), (9, 20.0), (10_000, 20.0)])
def test_pauses_double_up_to_a_limit_and_are_spread(failures, step):
    restarts = Restarts(first_s=1, longest_s=20)
    pauses = [restarts.pause_s(failures) for _ in range(200)]
    assert step / 2 <= min(pauses) < step * 0.6
    assert step * 0.9 < max(pauses) <= step


def test_a_stable_time_forgives_earlier_failures(child):
    service = child(SLEEPER)
    restarts = Restarts(first_s=0.1, longest_s=60, stable_s=0)
    with supervising([service], restarts=restarts, tick_s=0.02) as events:
        starts = lambda: [event.what for event in events].count("started")  # noqa: E731
        for number in range(1, 7):
            wait_for(lambda n=number: starts() == n)
            time.sleep(0.1)
            psutil.Process(service.pid).kill()
        # The sixth failure in a row would wait for 1.6 s or more.
        wait_for(lambda: starts() == 7, timeout_s=1.2)


def test_an_unhealthy_program_is_replaced(child):
    sick: set[int | None] = set()
    options = {"health_every_s": 0.3, "starting_s": 0, "unhealthy_limit": 2}
    service = child(SLEEPER, is_healthy=lambda: service.pid not in sick, **options)
    with supervising([service], restarts=SOON) as events:
        wait_for(lambda: events)
        sick.add(first := service.pid)
        wait_for(lambda: service.pid not in (None, first))
        assert not lives(first)
    assert events[1].why == "it failed 2 health checks in a row"


def test_a_program_may_take_its_time_to_become_healthy(child):
    service = child(SLEEPER, is_healthy=lambda: False, health_every_s=0, unhealthy_limit=1)
    service.ensure_running()
    assert service.trouble() is None


def test_a_program_that_ignores_sigterm_is_killed_after_the_grace(child):
    service = child(STUBBORN, grace_s=0.2)
    service.ensure_running()
    wait_for(lambda: words(service.log))
    pid = service.pid
    service.release()
    assert not lives(pid)


def test_a_program_that_is_not_installed_is_named(child):
    with pytest.raises(Unavailable, match="install no-such-program"):
        child(["no-such-program"]).ensure_running()


def test_one_failing_service_does_not_stop_the_others(child):
    missing, service = child(["no-such-program"]), child(SLEEPER)
    with supervising([missing, service], restarts=SOON) as events:
        wait_for(lambda: service.trouble() is None)
    assert events[0].why.endswith("install no-such-program")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_all_in_the_opposite_order(tmp_path, number):
    with supervisor_process(tmp_path) as (process, pids):
        process.send_signal(number)
        assert process.wait(10) == 0
    assert words(tmp_path / "ended") == ["second", "first"]
    assert not any(lives(pid) for pid in pids)


def test_nothing_outlives_a_killed_supervisor(tmp_path):
    with supervisor_process(tmp_path) as (process, pids):
        guards = [one.pid for one in psutil.Process(process.pid).children() if one.pid not in pids]
        process.kill()
        process.wait()
        wait_for(lambda: not any(lives(pid) for pid in [*pids, *guards]))


def test_a_killed_guard_is_replaced_at_the_next_start(child, guard):
    service = child(SLEEPER)
    service.ensure_running()
    guard._shell.kill()
    guard._shell.wait()
    later = child(SLEEPER)
    later.ensure_running()
    guard.close()
    wait_for(lambda: service.trouble() and later.trouble())


def test_a_log_that_outgrew_its_size_is_kept_once_and_begun_again(tmp_path):
    log = tmp_path / "program.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 101)
        keep_bounded(log, max_bytes=100)
        writer.write(b"new")
        keep_bounded(log, max_bytes=100)
    assert log.read_bytes() == b"new"
    assert (tmp_path / "program.log.1").read_bytes() == b"x" * 101


def test_a_chatty_program_cannot_fill_the_disk(child):
    service = child(["/bin/sh", "-c", "while sleep 0.01; do echo 0123456789; done"])
    with supervising([service], max_log_bytes=50):
        wait_for(service.log.with_name(f"{service.log.name}.1").exists)
        wait_for(lambda: service.log.stat().st_size < 50)

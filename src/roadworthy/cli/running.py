"""The processes of `up`: what they are, how they start, when they are well."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from roadworthy.gateway.engine.local import LocalEngine, says_alive
from roadworthy.plumbing.embedded_postgres import EmbeddedPostgres
from roadworthy.plumbing.processes import (
    ChildProcess,
    Command,
    Event,
    Guard,
    Service,
    Supervisor,
)
from roadworthy.plumbing.settings import Settings

# A worker may end the job at hand, an API its open answers.
GRACE_S = 10.0


@dataclass(slots=True, kw_only=True)
class Events:
    """What happened to the services, in order."""

    all: list[Event] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, event: Event) -> None:
        """Note one; called by the supervisor's thread."""
        with self._changed:
            self.all.append(event)
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait for the next one, or for `seconds`."""
        with self._changed:
            self._changed.wait(seconds)

    @property
    def failure(self) -> Event | None:
        """Get the first failure, if there was one."""
        return next((event for event in self.all if event.what == "failed"), None)


@contextmanager
def supervised(settings: Settings, events: Events) -> Iterator[None]:
    """Keep PostgreSQL, engine, API, worker, and a relay to the broker running for a block.

    API and worker bring the database to this version before they begin, one of them at a time.
    """
    guard = Guard()
    services: list[Service] = []
    if not settings.names_database:
        services.append(EmbeddedPostgres(settings.home))
    if settings.needs_engine:
        services.append(
            LocalEngine(settings.home, guard, threads=settings.engine_threads, published=True)
        )
    services += [_api(settings, guard), _worker(settings, guard)]
    if settings.broker_url is not None:
        services.append(_child(settings, guard, name="relay", command="relay"))
    supervisor = Supervisor(services=services, report=events.add)
    thread = threading.Thread(target=supervisor.run, name="supervisor")
    thread.start()
    try:
        yield
    finally:
        supervisor.stop()
        thread.join()
        guard.close()


def api_url(settings: Settings) -> str:
    """Tell where people of this machine reach the API."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _api(settings: Settings, guard: Guard) -> ChildProcess:
    alive = f"{api_url(settings)}/livez"
    return _child(settings, guard, name="api", command="serve", alive=alive)


def _worker(settings: Settings, guard: Guard) -> ChildProcess:
    return _child(settings, guard, name="worker", command="worker")


def _child(
    settings: Settings, guard: Guard, *, name: str, command: str, alive: str | None = None
) -> ChildProcess:
    # -P: a file in the working directory must not stand in for one of our modules.
    argv = [sys.executable, "-P", "-m", "roadworthy.cli", "--home", str(settings.home), command]
    return ChildProcess(
        Command(
            name=name,
            argv=argv,
            log=log_of(settings.home, name),
            is_healthy=(lambda: says_alive(alive)) if alive else None,
            grace_s=GRACE_S,
        ),
        guard,
    )


def log_of(home: Path, name: str) -> Path:
    """Tell where a service of `up` logs."""
    return home / "logs" / f"{name}.log"

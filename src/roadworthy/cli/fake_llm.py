"""`roadworthy serve fake-llm`: models for tests and load that do what they are called."""

import socket
from typing import Annotated

import typer
import uvicorn

from roadworthy.core.errors import Conflict
from roadworthy.gateway.fake.app import build_app
from roadworthy.gateway.fake.behaviour import GRAMMAR

app = typer.Typer()
KEEP_ALIVE_S = 300  # longer than a caller keeps an idle connection
BACKLOG = 2048


@app.command(help=f"Run a fake model provider that needs nothing and keeps nothing.\n\n{GRAMMAR}")
def fake_llm(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8610,
) -> None:
    """Run it until told to stop."""
    config = uvicorn.Config(
        build_app(),
        lifespan="off",
        log_level="critical",  # an answer that a name wants cut is no mistake to be logged
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
    )
    with _listening(host, port) as listener:
        told = listener.getsockname()
        typer.echo(f"The fake provider serves http://{host}:{told[1]}/v1 until Ctrl-C.")
        typer.echo(GRAMMAR)
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Conflict(
            f"The fake provider cannot listen on {host}:{port} ({error.strerror}); name another "
            "--port."
        ) from error

"""`roadworthy engine`: the local models as one process."""

import os
import signal
import sys
from typing import Annotated

import typer

from roadworthy.cli.options import told
from roadworthy.core.errors import Conflict
from roadworthy.gateway.engine.launch import command, ensure_token, usual_threads
from roadworthy.gateway.engine.local import free_port, publish_engine, published_engine

app = typer.Typer()


@app.command()
def engine(
    ctx: typer.Context,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 0,
) -> None:
    """Run the local models on loopback for the processes of this home."""
    settings = told(ctx).settings()
    if published_engine(settings.home) is not None:
        raise Conflict("An engine runs in this home already; use that one, or stop it first.")
    ensure_token(settings.home)
    chosen = port or free_port()
    argv = command(settings.home, chosen, settings.engine_threads or usual_threads())
    publish_engine(settings.home, port=chosen, pid=os.getpid())
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.stdout.flush()
    os.execv(argv[0], argv)  # noqa: S606 - it becomes the engine, under the same process id

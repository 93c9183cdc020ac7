"""Run the engine: `python -m roadworthy.gateway.engine --home DIR --port N`."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import TaskID

from roadworthy.core.errors import Invalid, RoadworthyError
from roadworthy.gateway.engine.app import Parts, build_app
from roadworthy.gateway.engine.cache import Progress
from roadworthy.gateway.engine.catalogue import DEFAULT_MODEL, SMOLLM2
from roadworthy.gateway.engine.chat import Chat
from roadworthy.gateway.engine.launch import HOST, ensure_token, usual_threads
from roadworthy.gateway.engine.line import Line
from roadworthy.gateway.engine.shelf import Shelf

_PARENT_CHECK_S = 0.5
_LAST_REQUESTS_S = 1  # to finish, once told to stop
_KEEP_ALIVE_S = 300  # longer than a caller keeps an idle connection
_EXIT_CODES = {"invalid": 2, "unavailable": 7}


def main(
    *,
    home: Annotated[Path, typer.Option(help="Where token and converted models lie.")],
    port: Annotated[int, typer.Option(min=1, max=65535)],
    host: Annotated[str, typer.Option(help="An address of this machine's loopback.")] = HOST,
    threads: Annotated[int, typer.Option(min=1, max=256)] = usual_threads(),
) -> None:
    """Serve embeddings and a small chat model over the OpenAI protocol until told to stop."""
    parent = os.getppid()
    try:
        _check_loopback(host)
        asyncio.run(_serve(home, host=host, port=port, threads=threads, parent=parent))
    except RoadworthyError as error:
        Console(stderr=True).print(f"engine: {error.message}", markup=False)
        sys.exit(_EXIT_CODES.get(error.kind, 1))


def _check_loopback(host: str) -> None:
    if host not in {HOST, "::1", "localhost"}:
        raise Invalid("the local engine serves this machine only; give it --host 127.0.0.1")


async def _serve(home: Path, *, host: str, port: int, threads: int, parent: int) -> None:
    token = ensure_token(home)
    with _shown_progress() as progress:
        shelf = Shelf(home / "models", progress=progress)
        shelf.embedder(DEFAULT_MODEL)  # before the port opens: who connects is served at once
    chat = Chat(SMOLLM2, threads=threads)
    app = build_app(Parts(token=token, shelf=shelf, line=Line(threads=threads), chat=chat))
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_LAST_REQUESTS_S,
    )
    server = uvicorn.Server(config)
    watching = asyncio.create_task(_stop_with_parent(server, parent))
    await server.serve()
    watching.cancel()


async def _stop_with_parent(server: uvicorn.Server, parent: int) -> None:
    # A process whose parent died gets another one, on every system and however it died; no event
    # tells so.
    while os.getppid() == parent:  # noqa: ASYNC110
        await asyncio.sleep(_PARENT_CHECK_S)
    server.should_exit = True


@contextmanager
def _shown_progress() -> Iterator[Progress]:
    """Show a conversion as a bar on a terminal, as lines in a log."""
    console = Console()
    if not console.is_terminal:
        yield _print_progress
        return
    with Bar(console=console, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(model: str, fraction: float, step: str) -> None:
            if model not in tasks:
                tasks[model] = bar.add_task(model, total=1.0)
            bar.update(tasks[model], completed=fraction, description=f"{model}: {step}")

        yield show


def _print_progress(model: str, fraction: float, step: str) -> None:
    print(f"engine: {model} {fraction:4.0%} {step}", flush=True)  # noqa: T201


if __name__ == "__main__":
    typer.run(main)

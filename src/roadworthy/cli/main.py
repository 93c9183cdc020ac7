"""The command line: one table of commands, one place where failures become sentences."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from roadworthy.cli.exits import BUG, INTERRUPTED, USAGE, exit_code
from roadworthy.cli.lazy import LazyGroup, Place
from roadworthy.cli.options import everywhere
from roadworthy.core.errors import RoadworthyError


def _place(module: str, help_text: str, *, name: str = "app") -> Place:
    return Place(module=f"roadworthy.cli.{module}", name=name, help=help_text)


class Roadworthy(LazyGroup):
    """All commands."""

    places = {  # noqa: RUF012 - the class is the table
        "up": _place("up", "Start everything on this machine, with a sample corpus."),
        "ingest": _place("ingest", "Make files and folders searchable."),
        "ask": _place("ask", "Ask a question; the answer cites its documents."),
        "search": _place("ask", "Find passages, without an answer.", name="search_app"),
        "search tune": _place(
            "tune_ranking", "Choose how rankings are joined, by a set of questions."
        ),
        "document": _place("document", "List, show, share and delete documents."),
        "review": _place("review", "Decide about documents that were kept back."),
        "corpus": _place("corpus", "Change how a corpus is searched and checked; delete one."),
        "deletion": _place("deletion", "See receipts of deletions; purge the disk."),
        "hold": _place("hold", "Keep documents as they are: legal holds."),
        "person": _place("leaving", "Delete a person.", name="person"),
        "tenant": _place("leaving", "Delete a tenant.", name="tenant"),
        "job": _place("job", "List, show, retry and drop accepted work."),
        "key": _place("key", "Create, list and revoke API keys."),
        "release": _place("release", "See, add and choose what shapes an answer."),
        "budget": _place("budget", "Limit what may be spent on models."),
        "approval": _place("approval", "Grant what somebody else asked for."),
        "cost": _place("cost", "Tell what answers cost, and what was spared."),
        "webhook": _place("webhook", "Show what webhooks are signed with."),
        "experiment": _place("experiment", "See what was measured by tuning."),
        "space": _place("space", "List and add embedding spaces."),
        "doctor": _place("doctor", "Check whether this installation is fit to run."),
        "config": _place("config", "Show the settings."),
        "migrate": _place("migrate", "Bring the database to this version."),
        "serve": _place("serve", "Run the API alone."),
        "serve fake-llm": _place("fake_llm", "Run a fake model provider, for tests and load."),
        "worker": _place("worker", "Run a worker alone."),
        "relay": _place("relay", "Run the relay to a broker alone."),
        "engine": _place("engine", "Run the local engine alone."),
        "version": _place("version", "Tell the version."),
    }
    # A folder of that name is ./review, and to look for that word is `search -- tune`.
    aliases = {  # noqa: RUF012
        ("ingest", "review"): "review",
        ("search", "tune"): "search tune",
        ("serve", "fake-llm"): "serve fake-llm",
    }


app = typer.Typer(
    name="roadworthy",
    cls=Roadworthy,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="--home, --tenant and --as may stand before or after the command.",
)


@app.callback()
def _top(
    ctx: typer.Context,
    *,
    home: Annotated[Path | None, typer.Option(help="Folder of all local data.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Needed when there are several.")] = None,
    user: Annotated[
        str | None,
        typer.Option("--as", metavar="USER[@TENANT]", help="Who asks; sees what that person may."),
    ] = None,
) -> None:
    """Answers with citations from the documents that the asker may read."""
    ctx.obj = everywhere(home, tenant, user)
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def main() -> None:
    """Run one command; failures become one sentence and an exit code, never a traceback."""
    # A service manager's stop is like Ctrl-C: every block is left in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Run the command that `words` name; returns its exit code."""
    try:
        return app(words, prog_name="roadworthy", standalone_mode=False) or 0
    except RoadworthyError as error:
        _say(error.message)
        _show_traceback_if_debugging()
        return exit_code(error)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except typer.TyperException as error:
        _say(error.format_message())
        return USAGE
    except Exception as error:  # noqa: BLE001 - the last resort: a sentence, no traceback
        _say(
            f"This is a bug in Roadworthy: {type(error).__name__}. ROADWORTHY_LOG_LEVEL=debug "
            "shows where; please report it."
        )
        _show_traceback_if_debugging()
        return BUG


def _say(sentence: str) -> None:
    typer.echo(f"roadworthy: {sentence}", err=True)


def _show_traceback_if_debugging() -> None:
    from roadworthy.plumbing.settings import load_settings  # noqa: PLC0415 - slow, see lazy.py

    try:
        debugging = load_settings().log_level == "debug"
    except RoadworthyError:
        debugging = False
    if debugging:
        import traceback  # noqa: PLC0415 - rarely needed

        typer.echo(traceback.format_exc(), err=True)

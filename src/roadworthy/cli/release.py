"""`roadworthy release`: what shapes an answer, and which of it is live."""

from pathlib import Path
from typing import Annotated

import typer

from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.core.errors import Invalid
from roadworthy.prompts import find_prompt
from roadworthy.releases import (
    add_release,
    find_release,
    list_releases,
    make_live,
    parse_release,
)
from roadworthy.releases.store import StoredRelease

app = typer.Typer(help="See, add and choose what shapes an answer.")
MOST_BYTES = 100_000

Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the releases, oldest first."""

    async def work(desk: Desk) -> list[StoredRelease]:
        async with desk.reading() as (conn, tenant_id):
            return await list_releases(conn, tenant_id=tenant_id)

    rows = [
        (
            each.name,
            "live" if each.is_live else "",
            each.release.answerer,
            each.hash[:12],
            f"{each.created_at:%Y-%m-%d %H:%M}",
        )
        for each in with_database(ctx, work)
    ]
    show.table(("name", "", "answerer", "hash", "created"), rows, empty="There are no releases.")


@app.command("show")
def show_(ctx: typer.Context, name: Name) -> None:
    """Print what a release says, as JSON."""

    async def work(desk: Desk) -> StoredRelease:
        async with desk.reading() as (conn, tenant_id):
            return await find_release(conn, tenant_id=tenant_id, name=name)

    typer.echo(with_database(ctx, work).release.model_dump_json(indent=2))


@app.command()
def add(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON, as `release show` prints it.")],
    *,
    name: Annotated[str, typer.Option(help="Under which it is asked for.")],
) -> None:
    """Store a release; it never changes afterwards."""
    release = parse_release(_read(file))
    if release.prompt is not None:
        find_prompt(release.prompt)

    async def work(desk: Desk) -> StoredRelease:
        tenant_id = await desk.operator()
        async with desk.database.as_worker(tenant_id) as conn:
            return await add_release(conn, tenant_id=tenant_id, name=name, release=release)

    stored = with_database(ctx, work)
    typer.echo(f"Stored {stored.name} ({stored.hash[:12]}); `roadworthy release use {name}`.")


@app.command()
def use(ctx: typer.Context, name: Name) -> None:
    """Let a release answer from the next question on."""

    async def work(desk: Desk) -> None:
        tenant_id = await desk.operator()
        async with desk.database.as_worker(tenant_id) as conn:
            found = await find_release(conn, tenant_id=tenant_id, name=name)
        await desk.check_approved("release use", f"{name} ({found.hash})")
        async with desk.database.as_worker(tenant_id) as conn:
            await make_live(conn, tenant_id=tenant_id, name=name)

    with_database(ctx, work)
    typer.echo(f"{name} is live.")


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise Invalid(f"{file} is larger than {MOST_BYTES} bytes; that is no release.")
        return file.read_bytes()
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}.") from error

"""`roadworthy key`: who may call the API, and as whom."""

import uuid
from datetime import timedelta
from typing import Annotated

import typer

from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.cli.people import made_tenant
from roadworthy.core.clock import now
from roadworthy.core.errors import Invalid, Missing
from roadworthy.core.identity import Principal
from roadworthy.corpus.people import (
    ApiKey,
    create_key,
    find_principal,
    list_keys,
    put_principal,
    revoke_key,
)
from roadworthy.plumbing.database import WorkerConnection

app = typer.Typer(help="Create, list and revoke API keys.")
MOST_DAYS = 3650


@app.command()
def create(
    ctx: typer.Context,
    *,
    user: Annotated[str, typer.Option(help="Whose key; a person not known yet is added.")],
    groups: Annotated[
        str | None, typer.Option(help="legal,hr; left out: as they are, or none.")
    ] = None,
    clearance: Annotated[
        int | None, typer.Option(min=0, max=1000, help="Left out: as it is, or 0.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="How long it is valid.")] = 90,
    ingest: Annotated[bool, typer.Option(help="May it upload documents?")] = True,
) -> None:
    """Make a key; it is shown once and stored hashed."""

    async def work(desk: Desk) -> tuple[uuid.UUID, str]:
        tenant_id, _ = await made_tenant(desk.database, desk.everywhere.tenant)
        async with desk.database.as_worker(tenant_id) as conn:
            principal = await _updated(conn, tenant_id, user, groups=groups, clearance=clearance)
            valid_for = timedelta(days=days)
            return await create_key(conn, principal, valid_for=valid_for, may_ingest=ingest)

    key_id, key = with_database(ctx, work)
    typer.echo(key)
    typer.echo(
        f"It is not shown again. `roadworthy key revoke {key_id}` makes it useless.", err=True
    )


@app.command("list")
def list_(
    ctx: typer.Context, *, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the keys, oldest first; what they are is not stored."""

    async def work(desk: Desk) -> list[ApiKey]:
        tenant_id = await desk.tenant()
        async with desk.database.as_worker(tenant_id) as conn:
            return await list_keys(conn, tenant_id=tenant_id)

    keys = with_database(ctx, work)
    if json:
        show.as_json(list[ApiKey], keys)
        return
    rows = [
        (
            key.id,
            key.user_id,
            "yes" if key.may_ingest else "no",
            f"{key.expires_at:%Y-%m-%d}",
            _state(key),
        )
        for key in keys
    ]
    columns = ("id", "user", "may ingest", "expires", "state")
    show.table(columns, rows, empty="There are no keys; `roadworthy key create` makes one.")


@app.command()
def revoke(ctx: typer.Context, key: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Make a key useless from the next call on."""
    try:
        key_id = uuid.UUID(key)
    except ValueError:
        raise Invalid("That is no key id; `roadworthy key list` shows them.") from None

    async def work(desk: Desk) -> None:
        tenant_id = await desk.tenant()
        async with desk.database.as_worker(tenant_id) as conn:
            await revoke_key(conn, tenant_id=tenant_id, key_id=key_id)

    with_database(ctx, work)
    typer.echo(f"Revoked {key_id}.")


async def _updated(
    conn: WorkerConnection, tenant_id: int, user: str, *, groups: str | None, clearance: int | None
) -> Principal:
    try:
        known = await find_principal(conn, tenant_id=tenant_id, user_id=user)
    except Missing:
        known = Principal(tenant_id=tenant_id, user_id=user, groups=frozenset(), clearance=0)
    names = known.groups if groups is None else frozenset(_split(groups))
    principal = Principal(
        tenant_id=tenant_id,
        user_id=user,
        groups=names,
        clearance=known.clearance if clearance is None else clearance,
    )
    await put_principal(conn, principal)
    return principal


def _split(groups: str) -> list[str]:
    return [name.strip() for name in groups.split(",") if name.strip()]


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "valid" if key.expires_at > now() else "expired"

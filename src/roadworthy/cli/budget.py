"""`roadworthy budget`: what may be spent on models."""

import uuid
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.core.errors import Invalid
from roadworthy.releases import find_release
from roadworthy.traces.budgets import (
    Budget,
    Period,
    Scope,
    list_budgets,
    put_budget,
    remove_budget,
)

app = typer.Typer(help="Set, list and remove budgets.")

Release = Annotated[str | None, typer.Option(metavar="NAME", help="Of this release.")]
Key = Annotated[str | None, typer.Option(metavar="ID", help="Of this key.")]
Each = Annotated[Period, typer.Option("--period", help="In UTC.")]
Usd = Annotated[str | None, typer.Option(metavar="USD")]
Tokens = Annotated[int | None, typer.Option(min=0, metavar="N")]


@app.command("set")
def set_(
    ctx: typer.Context,
    *,
    release: Release = None,
    key: Key = None,
    period: Each = "month",
    soft_usd: Usd = None,
    hard_usd: Usd = None,
    soft_tokens: Tokens = None,
    hard_tokens: Tokens = None,
) -> None:
    """Limit what the tenant, a release or a key may spend; what is left out has no limit.

    At a soft limit answers say so; at a hard one no chat model is called until the period ends.
    """
    scope, name = _of(release, key)
    budget = Budget(
        scope=scope,
        name=name,
        period=period,
        soft_usd=_usd(soft_usd),
        hard_usd=_usd(hard_usd),
        soft_tokens=soft_tokens,
        hard_tokens=hard_tokens,
    )

    async def work(desk: Desk) -> None:
        tenant_id = await desk.operator()
        await desk.check_approved("budget set", budget.told)
        async with desk.database.as_worker(tenant_id) as conn:
            if release is not None:
                await find_release(conn, tenant_id=tenant_id, name=release)
            await put_budget(conn, budget, tenant_id=tenant_id)

    with_database(ctx, work)
    typer.echo(f"Set the budget of the {' '.join((scope, name)).strip()} for each {period}.")


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the budgets."""

    async def work(desk: Desk) -> list[Budget]:
        tenant_id = await desk.operator()
        async with desk.database.as_worker(tenant_id) as conn:
            return await list_budgets(conn, tenant_id=tenant_id)

    rows = [
        (b.scope, b.name, b.period, b.soft_usd, b.hard_usd, b.soft_tokens, b.hard_tokens)
        for b in with_database(ctx, work)
    ]
    columns = ("of", "name", "each", "soft USD", "hard USD", "soft tokens", "hard tokens")
    show.table(columns, rows, empty="There are no budgets.")


@app.command()
def remove(
    ctx: typer.Context, *, release: Release = None, key: Key = None, period: Each = "month"
) -> None:
    """Remove a budget."""
    scope, name = _of(release, key)

    async def work(desk: Desk) -> None:
        tenant_id = await desk.operator()
        await desk.check_approved("budget remove", " ".join((scope, name, period)))
        async with desk.database.as_worker(tenant_id) as conn:
            await remove_budget(conn, tenant_id=tenant_id, scope=scope, name=name, period=period)

    with_database(ctx, work)
    typer.echo(f"Removed the budget of the {' '.join((scope, name)).strip()} for each {period}.")


def _of(release: str | None, key: str | None) -> tuple[Scope, str]:
    if release is not None and key is not None:
        raise Invalid("A budget is of a release or of a key; set two.")
    if release is not None:
        return "release", release
    if key is None:
        return "tenant", ""
    try:
        return "key", str(uuid.UUID(key))
    except ValueError:
        raise Invalid(f"{key[:60]!r} is no id; `roadworthy key list` shows them.") from None


def _usd(told: str | None) -> Decimal | None:
    try:
        amount = None if told is None else Decimal(told)
    except InvalidOperation:
        raise Invalid(f"{told!r} is no amount; write one such as 2.50.") from None
    if amount is not None and not amount.is_finite():
        raise Invalid(f"{told!r} is no amount; write one such as 2.50.")
    return amount

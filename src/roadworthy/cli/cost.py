"""`roadworthy cost`: what answers took and cost, and what was spared."""

from decimal import Decimal
from typing import Annotated

import typer

from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.traces.ledger import MOST_DAYS, By, Cost, Spending, read_costs

app = typer.Typer()
AVOIDED = {
    "cached": "given again",
    "unanswerable": "the documents do not say",
    "blocked": "refused before",
    "smaller model": "answered by a smaller model",
}


@app.command()
def cost(
    ctx: typer.Context,
    *,
    by: Annotated[By, typer.Option(help="One line for each.")] = "release",
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="Today and before, UTC.")] = 30,
    stages: Annotated[bool, typer.Option(help="Tell each stage.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what answers and searches took and cost, and which calls were not needed."""

    async def work(desk: Desk) -> list[Cost]:
        async with desk.reading() as (conn, tenant_id):
            return await read_costs(conn, tenant_id=tenant_id, by=by, days=days)

    found = with_database(ctx, work)
    if json:
        show.as_json(list[Cost], found)
        return
    columns = (by, "what", "times", "calls", "tokens in", "out", "USD", "no price", "seconds")
    rows = [row for each in found for row in _rows(each, with_stages=stages)]
    show.table(columns, rows, empty="Nothing was asked on those days.")
    for each in found:
        if each.avoided_estimate_usd is not None and each.avoided:
            typer.echo(
                f"{each.of}: what was spared without a known price would have cost about "
                f"{_usd(each.avoided_estimate_usd)} USD, by the mean of its chat calls."
            )


def _rows(cost: Cost, *, with_stages: bool) -> list[tuple[object, ...]]:
    rows = [_row(cost.of, "all", cost.total)]
    rows += [_row("", each.name, each) for each in cost.outcomes]
    if with_stages:
        rows += [_row("", f"stage {each.name}", each) for each in cost.stages]
    return rows + [
        _row("", f"spared: {AVOIDED.get(each.name, each.name)}", each) for each in cost.avoided
    ]


def _row(of: str, what: str, spent: Spending) -> tuple[object, ...]:
    return (
        of,
        what,
        spent.times,
        spent.calls,
        spent.input_tokens,
        spent.output_tokens,
        None if spent.cost_usd is None else _usd(spent.cost_usd),
        spent.unpriced or None,
        f"{spent.ms / 1000:.1f}",
    )


def _usd(cost: Decimal) -> str:
    return f"{cost:.6f}".rstrip("0").rstrip(".")

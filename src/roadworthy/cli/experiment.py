"""`roadworthy experiment`: what was measured on corpora, and what came of it."""

import uuid
from typing import Annotated

import typer

from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.core.errors import Invalid
from roadworthy.tuning.experiments import Experiment, find_experiment, list_experiments

app = typer.Typer(help="See what was measured by `corpus tune` and `search tune`.")

MOST = 100


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the experiments, the latest first."""

    async def work(desk: Desk) -> list[Experiment]:
        tenant_id = await desk.operator()
        async with desk.database.as_worker(tenant_id) as conn:
            return await list_experiments(conn, tenant_id=tenant_id, limit=MOST + 1)

    found = with_database(ctx, work)

    rows = [
        (
            each.id,
            each.kind,
            each.corpus,
            each.questions,
            len(each.tried),
            "keep" if each.chosen is None else "change",
            each.made_by,
            f"{each.made_at:%Y-%m-%d %H:%M}",
        )
        for each in found[:MOST]
    ]
    columns = ("id", "kind", "corpus", "questions", "tried", "advice", "by", "made")
    show.table(
        columns, rows, empty="There is no experiment yet; `roadworthy corpus tune` makes one."
    )
    if len(found) > MOST:
        typer.echo(f"These are the latest {MOST}; there are older ones.")


@app.command("show")
def show_(ctx: typer.Context, experiment: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Print what was tried and measured, as JSON."""
    try:
        experiment_id = uuid.UUID(experiment)
    except ValueError:
        raise Invalid(f"{experiment[:60]!r} is no id.") from None

    async def work(desk: Desk) -> Experiment:
        tenant_id = await desk.operator()
        async with desk.database.as_worker(tenant_id) as conn:
            return await find_experiment(conn, tenant_id=tenant_id, experiment_id=experiment_id)

    show.as_json(Experiment, with_database(ctx, work))

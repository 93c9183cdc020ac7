"""`roadworthy webhook`: what receivers check signatures with."""

import typer

from roadworthy.cli.desk import Desk, with_database
from roadworthy.core.errors import Invalid
from roadworthy.plumbing.webhooks import secret_of

app = typer.Typer(help="Show what webhooks are signed with.")


@app.callback()
def _top() -> None:
    """Keep `secret` a command of its own, though it is the only one."""


@app.command()
def secret(ctx: typer.Context) -> None:
    """Show the tenant's secret; its receivers check the signature of each request with it."""

    async def work(desk: Desk) -> str:
        key = desk.settings.webhook_key
        if key is None:
            raise Invalid("Set webhook_key first: the secrets of all tenants are derived from it.")
        return secret_of(key.get_secret_value(), tenant_id=await desk.operator())

    typer.echo(with_database(ctx, work))

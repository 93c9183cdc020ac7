"""`roadworthy person delete` and `roadworthy tenant delete`: whoever leaves is forgotten."""

from typing import Annotated

import typer

from roadworthy.bootstrap import deletion_service
from roadworthy.cli.desk import Desk, with_database
from roadworthy.cli.people import found_principal
from roadworthy.cli.receipts import printed, progress
from roadworthy.corpus.people import tenant_id as find_tenant
from roadworthy.deletion import Receipt
from roadworthy.deletion.receipts import TENANT, open_receipt

person = typer.Typer(help="Delete a person, or what a person has handed in.")
tenant = typer.Typer(help="Delete a tenant.")
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")]


@person.callback()
def _person() -> None:
    """Delete a person, or what a person has handed in."""


@tenant.callback()
def _tenant() -> None:
    """Delete a tenant."""


@person.command("delete")
def delete_person(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(metavar="USER")],
    *,
    documents_only: Annotated[
        bool, typer.Option("--documents-only", help="Keep the person, the keys and the traces.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Delete a person: documents, keys, groups, and the text of what was asked and answered.

    Nobody sees the documents from the first moment on. Run it again when it was interrupted.
    """
    meant(f"Delete {'the documents of ' if documents_only else ''}{user} for good?", yes=yes)

    async def work(desk: Desk) -> Receipt:
        tenant_id = await desk.operator()
        async with desk.database.as_worker(tenant_id) as conn:
            found = await found_principal(conn, tenant_id=tenant_id, user=user)
        service = deletion_service(desk.settings, desk.database)
        with progress() as report:
            return await service.delete_person(found, documents_only=documents_only, report=report)

    printed(with_database(ctx, work))


@tenant.command("delete")
def delete_tenant(
    ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME")], *, yes: Yes = False
) -> None:
    """Delete a tenant with everybody and everything in it, but for receipts.

    Nobody sees anything of it from the first moment on. Run it again when it was interrupted.
    """
    meant(f"Delete the tenant {name} for good?", yes=yes)

    async def work(desk: Desk) -> Receipt:
        desk.check_operator()
        async with desk.database.as_worker() as conn:
            tenant_id = await find_tenant(conn, name)
            begun = await open_receipt(
                conn, tenant_id=tenant_id, scope=TENANT, subject=str(tenant_id)
            )
        if begun is None:  # else it was granted, and nobody has a key to grant it again
            await desk.check_approved("tenant delete", name, tenant_id=tenant_id)
        service = deletion_service(desk.settings, desk.database)
        with progress() as report:
            return await service.delete_tenant(tenant_id, report=report)

    printed(with_database(ctx, work))


def meant(question: str, *, yes: bool) -> None:
    """Ask whether a deletion is meant.

    Raises:
        Abort: it is not, or nobody is there to say so.
    """
    if not yes:
        typer.confirm(question, abort=True, err=True)

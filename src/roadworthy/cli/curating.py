"""`roadworthy corpus policy`: what a corpus asks of its documents."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.core.errors import Invalid, Refused
from roadworthy.corpus.policies import CurationPolicy, policy_of, read_policy, write_policy

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `corpus list` shows it.")]


def policy(
    ctx: typer.Context,
    name: Name,
    *,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Repeatable; a list by commas."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="A TOML or JSON file with the whole policy.")
    ] = None,
) -> None:
    """Show what a corpus asks of its documents, or set it for what is read from now on."""

    async def work(desk: Desk) -> CurationPolicy:
        async with desk.reading() as (conn, tenant_id):
            before = await read_policy(conn, tenant_id=tenant_id, corpus=name)
        if file is None and not assignments:
            return before
        if desk.everywhere.user is not None:
            raise Refused("Only the operator sets a policy; leave --as out.")
        whole = _read(file) if file else before.model_dump(mode="json")
        wanted = policy_of(whole | dict(map(_assigned, assignments or ())))
        async with desk.database.as_worker(tenant_id) as conn:
            await write_policy(conn, wanted, tenant_id=tenant_id, corpus=name)
        return wanted

    show.as_json(CurationPolicy, with_database(ctx, work))


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} cannot be read as text.") from error
    if file.suffix == ".toml":
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise Invalid(f"{file} is no TOML: {error}.") from error
    try:
        return CurationPolicy.model_validate_json(text).model_dump(mode="json")
    except ValueError as error:
        raise Invalid(f"{file} holds no policy: {error}.") from error


def _assigned(assignment: str) -> tuple[str, str | list[str]]:
    key, equals, value = assignment.partition("=")
    if not equals:
        raise Invalid(f"--set {assignment!r} assigns nothing; write --set secrets=mask.")
    if key in {"languages", "sources", "reviewers"}:
        return key, [part.strip() for part in value.split(",") if part.strip()]
    return key, value

"""`roadworthy corpus policy | report`: what it asks of its documents, and how good they are."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.cli.report_page import page
from roadworthy.core.errors import Invalid, Refused
from roadworthy.corpus.condition import Condition, condition_of
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


def report(
    ctx: typer.Context,
    name: Name = "main",
    *,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page, too.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Report in what condition the documents of a corpus are, as far as the person may see them."""

    async def work(desk: Desk) -> Condition:
        async with desk.reading() as (conn, tenant_id):
            return await condition_of(conn, tenant_id=tenant_id, corpus=name)

    condition = with_database(ctx, work)
    if html is not None:
        _write(html, page(condition))
    if json:
        show.as_json(Condition, condition)
    else:
        show.table(("", "", ""), list(_rows(condition)), empty="")


def _rows(condition: Condition) -> Iterator[tuple[str, str, object]]:
    totals, passages, duplicates = condition.totals, condition.passages, condition.duplicates
    yield "documents", "", totals.documents
    for title, rows in (("state", condition.states), ("age", condition.ages)):
        yield from ((title, each.name, each.number) for each in rows)
    for title, moment in (("oldest", totals.oldest), ("newest", totals.newest)):
        yield title, "", f"{moment:%Y-%m-%d}" if moment else ""
    yield from (("language", each.name, each.number) for each in condition.languages)
    yield "duplicates", "copies that were not stored", duplicates.exact
    yield "duplicates", "nearly the same, kept back", duplicates.beaten
    yield "duplicates", "nearly the same, searchable", duplicates.standing
    yield "passages", "in all", passages.total
    if passages.documents:
        cut = f"{passages.least} / {passages.median} / {passages.most}"
        yield "passages", "a document: least / median / most", cut
    yield from (("longest", each.name, each.number) for each in condition.longest)
    yield from (("shortest", each.name, each.number) for each in condition.shortest)
    for number, count in enumerate(condition.scores):
        if count:
            yield "quality", f"{number / 10:.1f} to {(number + 1) / 10:.1f}", count
    yield "repeated lines", "taken out", condition.lines_removed
    yield from (("check", each.name, each.number) for each in condition.checks)
    yield from (("found", each.name, each.number) for each in condition.found)
    yield "kept back", "documents, or newer versions of them", condition.waiting
    yield from (("kept back", each.name, each.reason) for each in condition.kept_back)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise Invalid(f"{file} cannot be written: {error.strerror}.") from error

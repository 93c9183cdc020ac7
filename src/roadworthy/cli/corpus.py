"""`roadworthy corpus`: how the passages of a corpus are searched, and the change of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from roadworthy.bootstrap import Services, deletion_service
from roadworthy.cli import probe, show
from roadworthy.cli.curating import policy, report
from roadworthy.cli.desk import Desk, with_database, with_services
from roadworthy.cli.ingest import worked
from roadworthy.cli.leaving import Yes, meant
from roadworthy.cli.receipts import printed, progress
from roadworthy.cli.reindexing import follow, queue_all
from roadworthy.cli.tune_passages import tune
from roadworthy.core.errors import Conflict, Invalid
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus import reembedding, switching
from roadworthy.corpus.documents import Corpus, find_corpus, list_corpora
from roadworthy.corpus.reembedding import Filled, filled
from roadworthy.corpus.routing import AUTO, EVERY, check_language, check_text_search
from roadworthy.corpus.spaces import find_space, list_spaces
from roadworthy.deletion import Receipt
from roadworthy.deletion.receipts import CORPUS, open_receipt
from roadworthy.gateway.engine.catalogue import EMBEDDING_MODELS
from roadworthy.installation import Installation
from roadworthy.plumbing.database import WorkerConnection
from roadworthy.releases import list_releases
from roadworthy.spaces import ensure_model_space

app = typer.Typer(help="Change how a corpus is searched and checked; delete one.")
app.command()(policy)
app.command()(report)
app.command()(tune)
app.add_typer(probe.app, name="probe")

Name = Annotated[str, typer.Argument(metavar="NAME")]
Space = Annotated[str, typer.Option(help="Name of an embedding space.")]
OneLanguage = Annotated[
    str, typer.Option(help="Only passages of this language, such as en; * is every one.")
]
Wait = Annotated[bool, typer.Option(help="Follow the work to its end; Ctrl-C leaves it to go on.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """A corpus with what each of its spaces holds."""

    corpus: Corpus
    spaces: dict[int, EmbeddingSpace]
    held: dict[int, list[Filled]]


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the corpora, and where each is searched."""

    async def work(desk: Desk) -> tuple[list[Corpus], dict[int, str]]:
        async with desk.reading() as (conn, tenant_id):
            spaces = {each.id: each.name for each in await list_spaces(conn)}
            return await list_corpora(conn, tenant_id=tenant_id), spaces

    corpora, names = with_database(ctx, work)
    rows = [
        (
            each.name,
            names[each.space_id],
            each.routing.text_search,
            ", ".join(f"{r.language}: {names[r.space_id]}" for r in each.routing.routes),
        )
        for each in corpora
    ]
    columns = ("corpus", "space", "text search", "but")
    show.table(columns, rows, empty="There is no corpus yet; `roadworthy ingest` makes one.")


@app.command("show")
def show_(ctx: typer.Context, name: Name) -> None:
    """Show the routing of a corpus, and how many passages each of its spaces holds."""

    async def work(desk: Desk) -> _State:
        tenant_id = await desk.operator()
        async with desk.database.as_worker(tenant_id) as conn:
            corpus = await find_corpus(conn, tenant_id=tenant_id, name=name)
            routing = corpus.routing
            held = {
                space_id: await filled(
                    conn, tenant_id=tenant_id, corpus_id=corpus.id, space_id=space_id
                )
                for space_id in sorted(routing.spaces)
            }
            spaces = {each.id: each for each in await list_spaces(conn)}
        return _State(corpus=corpus, spaces=spaces, held=held)

    state = with_database(ctx, work)
    show.table(("language", "space", "text search"), _routes(state), empty="")
    typer.echo("")
    columns = ("space", "language", "passages", "held", "")
    show.table(columns, _held(state), empty="It holds no passage.")


@app.command()
def route(
    ctx: typer.Context,
    name: Name,
    *,
    language: Annotated[str, typer.Option(help="Such as en; * is the fallback.")],
    space: Annotated[str | None, typer.Option(help="In which its passages are searched.")] = None,
    text_search: Annotated[
        str | None, typer.Option(help="Whose rules make its terms: auto, und or a language.")
    ] = None,
    wait: Wait = True,
) -> None:
    """Say in which space and by whose rules the passages of a language are searched.

    They are embedded and analysed first, in the background; then the search is switched.
    """
    if space is None and text_search is None:
        raise Invalid("Say --space, --text-search, or both.")
    code = _language(language)
    rules = None if text_search is None else check_text_search(text_search)

    async def work(desk: Desk, opened: Services, place: Installation) -> str:
        tenant_id = await desk.operator()
        if space is not None:
            await _made(desk, opened, space)
        await _check_approved(
            desk, "corpus route", name=name, language=code, space=space, rules=rules
        )
        if rules is not None:
            async with desk.database.as_worker(tenant_id) as conn:
                await switching.set_text_search(
                    conn, tenant_id=tenant_id, name=name, language=code, rules=rules
                )
        if space is not None:
            await _begin(desk, opened, name=name, space=space, language=code)
        count = await _reindex(desk, opened, place, name=name, wait=wait)
        if space is None:
            return f"{count} documents are analysed by those rules."
        if not wait:
            return _later(name, space, code, count=count)
        await _switch(desk, name=name, space=space, language=code)
        return f"{_said(code)} of {name} are searched in {space}."

    typer.echo(with_services(ctx, work))


@app.command()
def reembed(
    ctx: typer.Context,
    name: Name,
    *,
    space: Space,
    language: OneLanguage = EVERY,
    wait: Wait = True,
) -> None:
    """Embed a corpus in another space too, beside the one that is searched.

    Broken off, it goes on where it was. Documents handed in meanwhile are embedded in both.
    """
    code = _language(language)

    async def work(desk: Desk, opened: Services, place: Installation) -> str:
        await _begin(desk, opened, name=name, space=space, language=code)
        count = await _reindex(desk, opened, place, name=name, wait=wait)
        if wait and code == EVERY:
            await _confirm(desk, name=name, space=space)
        return _later(name, space, code, count=count)

    typer.echo(with_services(ctx, work))


@app.command()
def switch(ctx: typer.Context, name: Name, *, space: Space, language: OneLanguage = EVERY) -> None:
    """Search a corpus in another space that holds all of it, from the next question on.

    The space before is kept up to date beside it, so that this can be taken back.
    """
    code = _language(language)

    async def work(desk: Desk) -> None:
        async with desk.database.as_worker(await desk.operator()) as conn:
            await find_space(conn, space)
        await _check_approved(desk, "corpus switch", name=name, language=code, space=space)
        await _switch(desk, name=name, space=space, language=code)

    with_database(ctx, work)
    typer.echo(f"{_said(code)} of {name} are searched in {space}.")


@app.command("drop-space")
def drop_space(ctx: typer.Context, name: Name, *, space: Space) -> None:
    """Delete the vectors of a space that the corpus is no longer searched in."""

    async def work(desk: Desk) -> int:
        tenant_id = await desk.operator()
        async with desk.database.as_worker(tenant_id) as conn:
            found = await find_space(conn, space)
            await _check_not_live(conn, tenant_id=tenant_id, name=name, space=space)
            await reembedding.forget_space(conn, tenant_id=tenant_id, name=name, space=found)
        dropped = 0
        while True:
            async with desk.database.as_worker(tenant_id) as conn:
                some = await reembedding.drop_vectors(
                    conn, tenant_id=tenant_id, name=name, space=found
                )
            if not some:
                return dropped
            dropped += some

    typer.echo(f"Deleted {with_database(ctx, work)} vectors of {space} in {name}.")


@app.command()
def reindex(ctx: typer.Context, name: Name, *, wait: Wait = True) -> None:
    """Bring every document of a corpus in line with its routing, and with this version."""

    async def work(desk: Desk, opened: Services, place: Installation) -> int:
        return await _reindex(desk, opened, place, name=name, wait=wait)

    typer.echo(f"{with_services(ctx, work)} documents of {name} were looked at.")


@app.command("delete")
def delete_(ctx: typer.Context, name: Name, *, yes: Yes = False) -> None:
    """Delete a corpus with its documents; a release that names it finds nothing any more.

    Nobody sees the documents from the first moment on. Run it again when it was interrupted.
    """
    meant(f"Delete the corpus {name} for good?", yes=yes)

    async def work(desk: Desk) -> Receipt:
        tenant_id = await desk.operator()
        async with desk.database.as_worker(tenant_id) as conn:
            corpus = await find_corpus(conn, tenant_id=tenant_id, name=name)
            begun = await open_receipt(
                conn, tenant_id=tenant_id, scope=CORPUS, subject=str(corpus.id)
            )
        if begun is None:  # else it was granted
            await desk.check_approved("corpus delete", f"{name} (id {corpus.id})")
        service = deletion_service(desk.settings, desk.database)
        with progress() as report:
            return await service.delete_corpus(corpus, tenant_id=tenant_id, report=report)

    printed(with_database(ctx, work))


async def _check_not_live(conn: WorkerConnection, *, tenant_id: int, name: str, space: str) -> None:
    named = [
        each
        for each in await list_releases(conn, tenant_id=tenant_id)
        if (each.release.corpus, each.release.space) == (name, space)
    ]
    if any(each.is_live for each in named):
        raise Conflict(
            f"The live release searches {name!r} in {space!r} alone; make another one live first "
            "(`roadworthy release use`)."
        )
    for each in named:
        typer.echo(f"The release {each.name} needs {space} and cannot answer any more.", err=True)


async def _begin(desk: Desk, opened: Services, *, name: str, space: str, language: str) -> None:
    tenant_id = await desk.operator()
    found = await _made(desk, opened, space)
    async with desk.database.as_worker(tenant_id) as conn:
        await reembedding.keep_beside(
            conn, tenant_id=tenant_id, name=name, space=found, language=language
        )


async def _made(desk: Desk, opened: Services, space: str) -> EmbeddingSpace:
    if space in EMBEDDING_MODELS:  # shipped, and perhaps not made yet
        await ensure_model_space(desk.settings, desk.database, opened.embeddings, model=space)
    async with desk.database.as_worker() as conn:
        return await find_space(conn, space)


async def _check_approved(
    desk: Desk,
    operation: str,
    *,
    name: str,
    language: str,
    space: str | None,
    rules: str | None = None,
) -> None:
    tenant_id = await desk.operator()
    async with desk.database.as_worker(tenant_id) as conn:
        corpus = await find_corpus(conn, tenant_id=tenant_id, name=name)
    words = [f"{_said(language)} of {name} (id {corpus.id})"]
    if space is not None:
        words.append(f"in {space}")
    if rules is not None:
        words.append(f"by the rules {rules}")
    await desk.check_approved(operation, " ".join(words))


async def _reindex(
    desk: Desk, opened: Services, place: Installation, *, name: str, wait: bool
) -> int:
    tenant_id = await desk.operator()
    async with desk.database.as_worker(tenant_id) as conn:
        corpus = await find_corpus(conn, tenant_id=tenant_id, name=name)
    count = await queue_all(desk.database, tenant_id=tenant_id, corpus=corpus)
    if wait:
        async with worked(opened, place):
            await follow(desk.database, tenant_id=tenant_id, corpus=corpus)
    return count


async def _confirm(desk: Desk, *, name: str, space: str) -> None:
    tenant_id = await desk.operator()
    async with desk.database.as_worker(tenant_id) as conn:
        found = await find_space(conn, space)
        await reembedding.confirm_whole(conn, tenant_id=tenant_id, name=name, space=found)


async def _switch(desk: Desk, *, name: str, space: str, language: str) -> None:
    tenant_id = await desk.operator()
    async with desk.database.as_worker(tenant_id) as conn:
        found = await find_space(conn, space)
        await switching.switch(conn, tenant_id=tenant_id, name=name, space=found, language=language)


def _language(told: str) -> str:
    return told if told == EVERY else check_language(told)


def _said(language: str) -> str:
    return "Passages" if language == EVERY else f"Passages in {language}"


def _later(name: str, space: str, language: str, *, count: int) -> str:
    of = "" if language == EVERY else f" --language {language}"
    return (
        f"{count} documents of {name} go into {space}; `roadworthy corpus show {name}` says how "
        f"far, and `roadworthy corpus switch {name} --space {space}{of}` searches there."
    )


def _routes(state: _State) -> list[Sequence[object]]:
    routing, names = state.corpus.routing, state.spaces
    rows: list[Sequence[object]] = [
        (each.language, names[each.space_id].name, each.text_search) for each in routing.routes
    ]
    return [*rows, (EVERY, names[routing.space_id].name, routing.text_search or AUTO)]


def _held(state: _State) -> list[Sequence[object]]:
    routing = state.corpus.routing
    rows: list[Sequence[object]] = []
    for space_id, counts in state.held.items():
        for each in counts:
            searched = routing.space_of(each.language) == space_id
            wanted = space_id in routing.wanted_by(each.language)
            if wanted or each.embedded:
                role = "searched" if searched else "kept" if wanted else "left over"
                name = state.spaces[space_id].name
                rows.append((name, each.language, each.passages, each.embedded, role))
    return rows

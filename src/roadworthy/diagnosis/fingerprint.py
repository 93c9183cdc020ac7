"""What decides how an installation behaves, in words that can be held against another's."""

import asyncio
import hashlib
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psycopg
from pydantic import TypeAdapter, ValidationError

from roadworthy.bootstrap import DatabaseUrls
from roadworthy.core.errors import Invalid
from roadworthy.core.spaces import DECLARED, EmbeddingSpace
from roadworthy.corpus import languages, postings, terms
from roadworthy.corpus.directory import tenant_names
from roadworthy.corpus.documents import Corpus, list_corpora
from roadworthy.corpus.people import tenant_id
from roadworthy.corpus.spaces import list_spaces
from roadworthy.diagnosis.records import Check
from roadworthy.ingestion import split
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.settings import Settings
from roadworthy.releases import list_releases

PACKAGES = ("roadworthy", "onnxruntime", "tokenizers", "kreuzberg", "psycopg", "numpy")
METHODS = {
    "terms": terms.METHOD,
    "postings": postings.METHOD,
    "languages": languages.METHOD,
    "split": split.METHOD,
}
MOST_BYTES = 5_000_000  # of the other's report
# These say where an installation is, and are to differ from place to place.
OF_THE_PLACE = {"platform"} | {
    f"setting.{name}"
    for name in """
    home host port stage database_url database_app_url database_worker_url embeddings_url
    embeddings_key chat_url chat_key endpoints price_book broker_url pseudonym_key tokenizer_file
    log_level
    """.split()  # noqa: SIM905
}
SERVER = """
SELECT current_setting('server_version') AS server,
       (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS vector,
       (SELECT datcollate FROM pg_database WHERE datname = current_database()) AS collation
"""
MIGRATIONS = "SELECT name || ' ' || checksum FROM schema_migration ORDER BY name"

Fingerprint = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What doctor found, for programs."""

    fingerprint: Fingerprint
    checks: list[Check]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing in which two installations differ; "" where one has nothing."""

    what: str
    here: str
    there: str
    is_expected: bool  # it only says where an installation is


def fingerprint(
    settings: Settings, *, locales: Mapping[str, str], urls: DatabaseUrls | None
) -> Fingerprint:
    """Describe an installation; secrets are masked.

    Args:
        urls: None when the database is not fit to be asked.
    """
    found = dict(_program(settings, locales))
    if urls is not None:
        found |= _server(urls)
        found |= asyncio.run(_stored(urls))
    return dict(sorted(found.items()))


def read_report(path: Path) -> Report:
    """Read what `doctor --json` printed elsewhere.

    Raises:
        Invalid: it is no such file.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Invalid(f"{path} is no report of doctor: it is too large.")
        return TypeAdapter(Report).validate_json(path.read_bytes())
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        raise Invalid(f"{path} is no report of `roadworthy doctor --json`.") from error


def differences(here: Fingerprint, there: Fingerprint) -> list[Difference]:
    """Hold two installations side by side; what is the same is left out."""
    return [
        Difference(
            what=key,
            here=here.get(key, ""),
            there=there.get(key, ""),
            is_expected=key in OF_THE_PLACE,
        )
        for key in sorted(here.keys() | there.keys())
        if here.get(key, "") != there.get(key, "")
    ]


def _program(settings: Settings, locales: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "platform", f"{platform.system()} {platform.machine()}"
    yield "python", platform.python_version()
    for package in PACKAGES:
        yield f"package.{package}", _version(package)
    for name, method in METHODS.items():
        yield f"method.{name}", method
    for name, value in locales.items():
        yield f"locale.{name}", value
    for name, value in settings.masked().items():
        yield f"setting.{name}", value


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _server(urls: DatabaseUrls) -> dict[str, str]:
    with psycopg.connect(urls.app, connect_timeout=5, autocommit=True) as conn:
        [[server, vector, collation]] = conn.execute(SERVER).fetchall()
        applied = [row[0] for row in conn.execute(MIGRATIONS)]
    digest = hashlib.sha256("\n".join(applied).encode()).hexdigest()[:12]
    return {
        "database.postgresql": server.split(" ")[0],
        "database.pgvector": vector or "",
        "database.collation": collation,
        "database.migrations": f"{len(applied)} ({digest})",
    }


async def _stored(urls: DatabaseUrls) -> dict[str, str]:
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=2)
    await database.open()
    try:
        async with database.as_worker() as conn:
            spaces = await list_spaces(conn)
            tenants = {name: await tenant_id(conn, name) for name in await tenant_names(conn)}
        found = {key: value for space in spaces for key, value in _space(space)}
        names = {space.id: space.name for space in spaces}
        for name, number in tenants.items():
            async with database.as_worker(number) as conn:
                for corpus in await list_corpora(conn, tenant_id=number):
                    found[f"corpus.{name}.{corpus.name}"] = _routing(corpus, names)
                for each in await list_releases(conn, tenant_id=number):
                    if each.is_live:
                        found[f"release.{name}"] = f"{each.name} ({each.hash[:12]})"
        return found
    finally:
        await database.close()


def _space(space: EmbeddingSpace) -> Iterator[tuple[str, str]]:
    for setting in DECLARED:
        yield f"space.{space.name}.{setting}", str(getattr(space, setting))
    yield f"space.{space.name}.languages", ", ".join(space.languages) or "any"


def _routing(corpus: Corpus, names: Mapping[int, str]) -> str:
    routing = corpus.routing
    routes = [f"{r.language}: {names[r.space_id]} {r.text_search}" for r in routing.routes]
    return "; ".join([*routes, f"*: {names[routing.space_id]} {routing.text_search}"])

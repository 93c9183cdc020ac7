"""Find or start what this installation runs on: its PostgreSQL and its local engine.

PostgreSQL is shared by all processes of a home. An engine that `roadworthy up` or `roadworthy
engine` runs is published in `engine.json`; a command that finds none starts one for itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from roadworthy.bootstrap import DatabaseUrls, database_urls, provision
from roadworthy.core.errors import Unavailable
from roadworthy.gateway.engine.local import (
    EngineAddress,
    LocalEngine,
    await_engine,
    published_engine,
)
from roadworthy.plumbing.embedded_postgres import EmbeddedPostgres
from roadworthy.plumbing.processes import Guard
from roadworthy.plumbing.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What runs and how it is reached."""

    urls: DatabaseUrls
    engine: EngineAddress | None  # None: embeddings and chat are elsewhere


@contextmanager
def local_installation(settings: Settings) -> Iterator[Installation]:
    """Run what is needed for a block; what others run already is shared.

    Raises:
        Unavailable: PostgreSQL or the engine cannot run here.
        Invalid: the settings do not say how the database is reached.
    """
    with _engine_begun(settings) as ready, running_database(settings) as urls:
        yield Installation(urls=urls, engine=ready())


@contextmanager
def attached_installation(settings: Settings) -> Iterator[Installation]:
    """Share, for a block, an engine that somebody else runs; PostgreSQL is started if need be.

    Raises:
        Unavailable: no engine became ready in time, or PostgreSQL cannot run here.
    """
    with running_database(settings) as urls:
        yield Installation(
            urls=urls, engine=await_engine(settings.home) if settings.needs_engine else None
        )


@contextmanager
def engine_for_a_while(settings: Settings) -> Iterator[EngineAddress | None]:
    """Share the published engine, or run one for a block; None when none is needed.

    Raises:
        Unavailable: it does not run here.
    """
    with _engine_begun(settings) as ready:
        yield ready()


@contextmanager
def running_database(settings: Settings) -> Iterator[DatabaseUrls]:
    """Reach the database of the settings, or run the embedded one for a block.

    The embedded one is brought to this version's schema; another one is left as it is.

    Raises:
        Unavailable: it does not answer, or cannot run here; the sentence says why.
        Invalid: the settings do not say how it is reached.
    """
    if settings.names_database:
        owner = settings.database_url
        urls = database_urls(settings, owner_url=owner.get_secret_value() if owner else None)
        _require_answer(urls)
        yield urls
        return
    with EmbeddedPostgres(settings.home).running() as owner_url:
        urls = database_urls(settings, owner_url=owner_url)
        provision(urls, progress=lambda _: None, stage=settings.stage)
        yield urls


def _require_answer(urls: DatabaseUrls) -> None:
    """Say at once what a pool would say after its patience."""
    try:
        psycopg.connect(urls.app, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        said = (error.diag.message_primary or str(error)).strip().splitlines()[-1].rstrip(".")
        raise Unavailable(
            f"The database cannot be reached as its service role: {said}. Check that it runs and "
            "its URL; `roadworthy migrate` makes the roles."
        ) from error


@contextmanager
def _engine_begun(settings: Settings) -> Iterator[Callable[[], EngineAddress | None]]:
    """Start an engine unless one is published, without waiting for it yet."""
    if not settings.needs_engine:
        yield lambda: None
        return
    if published_engine(settings.home) is not None:
        yield lambda: await_engine(settings.home)
        return
    guard = Guard()
    engine = LocalEngine(settings.home, guard, threads=settings.engine_threads, published=False)
    try:
        engine.ensure_running()
        yield engine.wait
    finally:
        engine.release()
        guard.close()

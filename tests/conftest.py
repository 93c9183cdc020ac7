"""Real services for every test: PostgreSQL cloned from a template, and a world to ask about."""

from contextlib import asynccontextmanager

import pytest

from roadworthy.bootstrap import database_urls, provision
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.settings import load_settings
from tests.postgres_cluster import empty_database, fresh_database, postgres_cluster
from tests.world import World, make_world

__all__ = ["empty_database", "fresh_database", "postgres_cluster"]


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def urls(fresh_database):
    """One database, as each role."""
    found = database_urls(load_settings({}), owner_url=fresh_database)
    provision(found, progress=lambda _: None)
    return found


@asynccontextmanager
async def opened(urls):
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=4)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database(urls):
    """The pools of the app role and the worker role."""
    async with opened(urls) as database:
        yield database


@pytest.fixture
async def world(database) -> World:
    """A tenant with people and an empty corpus."""
    return await make_world(database)

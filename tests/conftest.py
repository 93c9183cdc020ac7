"""Real services for every test: PostgreSQL from a template, a world to ask about, and models."""

import signal
from contextlib import asynccontextmanager

import pytest
from hypothesis import settings

from roadworthy.bootstrap import DatabaseUrls, database_urls, provision
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.settings import load_settings
from tests.command_line import command_line
from tests.doubles.model_server import running_model_server
from tests.postgres_cluster import empty_database, fresh_database, postgres_cluster
from tests.world import World, make_world

__all__ = ["empty_database", "fresh_database", "postgres_cluster"]

settings.register_profile("thorough", max_examples=1_000)

# A shell starts what runs in the background with SIGINT ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend():
    return "asyncio"


def provisioned(url) -> DatabaseUrls:
    """Give one database, as each role."""
    found = database_urls(load_settings({}), owner_url=url)
    provision(found, progress=lambda _: None)
    return found


@pytest.fixture
def urls(fresh_database):
    """A database of the test's own."""
    return provisioned(fresh_database)


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


@pytest.fixture(scope="session")
def model_server():
    with running_model_server() as server:
        yield server


@pytest.fixture
def models(model_server):
    """A model server that remembers nothing of another test."""
    model_server.forget()
    return model_server


@pytest.fixture
def cli(tmp_path, urls, models):
    """The command line over that database and those models."""
    return command_line(home=tmp_path, database_url=urls.owner, models_url=models.url)

"""A model server for the tests of this room, and an endpoint that leads to it."""

import pytest

from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from tests.doubles.model_server import KEY, running_model_server


@pytest.fixture(scope="session")
def _model_server():
    with running_model_server() as server:
        yield server


@pytest.fixture
def models(_model_server):
    """A model server that remembers nothing of another test."""
    _model_server.forget()
    return _model_server


@pytest.fixture
async def endpoint(models):
    """What leads to `models`."""
    made = Endpoint(EndpointAddress(url=models.url, key=KEY, timeout_s=5))
    yield made
    await made.close()

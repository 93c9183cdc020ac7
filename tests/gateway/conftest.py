"""A model server for the tests of this room, and an endpoint that leads to it."""

import pytest

from roadworthy.gateway import endpoint as gateway_endpoint
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from tests.doubles.model_server import KEY, running_model_server


@pytest.fixture(scope="session")
def _model_server():
    with running_model_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    """Try again sooner than in earnest, with the same number of tries."""
    monkeypatch.setattr(gateway_endpoint, "FIRST_PAUSE_S", 0.01)


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

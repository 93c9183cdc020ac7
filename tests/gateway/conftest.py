"""An endpoint that leads to the model server of the tests."""

import io

import pytest

from roadworthy.gateway import endpoint as gateway_endpoint
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from roadworthy.plumbing.logs import log_to
from tests.command_line import logging_restored
from tests.doubles.model_server import KEY


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    """Try again sooner than in earnest, with the same number of tries."""
    monkeypatch.setattr(gateway_endpoint, "FIRST_PAUSE_S", 0.01)


@pytest.fixture
def logged():
    """What is logged meanwhile, at its most."""
    with logging_restored():
        written = io.StringIO()
        log_to(written, level="debug")
        yield written


@pytest.fixture
async def endpoint(models):
    """What leads to `models`."""
    made = Endpoint(EndpointAddress(url=models.url, key=KEY, timeout_s=5))
    yield made
    await made.close()

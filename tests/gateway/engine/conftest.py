"""One real engine and the real models for all tests of this folder."""

import httpx
import pytest

from roadworthy.gateway.engine.cache import converted
from roadworthy.gateway.engine.catalogue import EMBEDDING_MODELS
from roadworthy.gateway.engine.embedder import Embedder
from tests.engine_process import KEPT_HOME, running_engine


@pytest.fixture(scope="session")
def model_folders():
    """The folder of each converted embedding model, by name."""
    return {
        name: converted(model, KEPT_HOME / "models", progress=lambda *_: None)
        for name, model in EMBEDDING_MODELS.items()
    }


@pytest.fixture(scope="session", params=EMBEDDING_MODELS)
def embedder(request, model_folders):
    """Each embedding model in turn, opened in this process."""
    return Embedder(EMBEDDING_MODELS[request.param], model_folders[request.param])


@pytest.fixture(scope="session")
def engine(model_folders):
    """A running engine."""
    with running_engine() as process:
        yield process


@pytest.fixture
def client(engine):
    """A client that knows the engine's token."""
    headers = {"authorization": f"Bearer {engine.token}"}
    with httpx.Client(base_url=engine.url, headers=headers, timeout=120, trust_env=False) as client:
        yield client

"""The fake model server and the local engine speak alike, so that one stands for the other."""

import pytest

from roadworthy.core.errors import Invalid, Unavailable
from roadworthy.gateway.embeddings import embed, model_revision
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from tests.engine_process import running_engine

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="session")
def engine():
    with running_engine() as engine:
        yield engine


@pytest.fixture(params=["fake", "engine"])
async def spoken(request, model_server):
    """An endpoint with the name of its embedding model."""
    if request.param == "fake":
        address = EndpointAddress(url=model_server.url, key=None, timeout_s=20)
        model = model_server.model
    else:
        engine = request.getfixturevalue("engine")
        address = EndpointAddress(url=f"{engine.url}/v1", key=engine.token, timeout_s=20)
        model = "e5-small"
    endpoint = Endpoint(address)
    yield endpoint, model
    await endpoint.close()


async def test_a_vector_a_text_of_length_1(spoken):
    endpoint, model = spoken
    vectors = await embed(endpoint, ["a plan", "another plan", "a plan"], model=model)
    assert vectors.shape[0] == 3
    assert (vectors**2).sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-3)
    assert vectors[0] == pytest.approx(vectors[2], abs=1e-3)
    assert abs(vectors[0] - vectors[1]).max() > 1e-3


async def test_the_model_is_listed_with_its_revision(spoken):
    endpoint, model = spoken
    assert await model_revision(endpoint, model)


async def test_another_model_is_refused(spoken):
    endpoint, _ = spoken
    with pytest.raises((Invalid, Unavailable)):
        await embed(endpoint, ["a plan"], model="none")


async def test_nothing_to_embed_is_refused(spoken):
    endpoint, model = spoken
    with pytest.raises(Invalid):
        await endpoint.post("/embeddings", {"model": model, "input": []})

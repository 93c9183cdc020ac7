"""What a real server answered is kept without secrets, and answers the same without the server."""

from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.chat import Message, chat
from roadworthy.gateway.embeddings import embed
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from tests.doubles.recording import Recorder, Replayer
from tests.fake_provider import running_fake_provider

pytestmark = pytest.mark.anyio

ENGINE = Path(__file__).parent / "recordings" / "engine.jsonl"
KEY = "sk-canary-recorded"


@asynccontextmanager
async def endpoint(transport, url="http://recording/v1"):
    address = EndpointAddress(url=url, key=KEY, timeout_s=10)
    made = Endpoint(address, tries=1, transport=transport)
    yield made
    await made.close()


async def ask(to, model, question):
    messages = [Message(role="user", content=question)]
    return [piece async for piece in chat(to, messages, model=model, max_tokens=8)]


@pytest.fixture
async def recorded(tmp_path):
    """Gives a file of exchanges with a server that has ended, and what it had answered."""
    file = tmp_path / "exchanges.jsonl"
    with running_fake_provider() as provider:
        async with endpoint(Recorder(file, secrets=[KEY]), provider.url) as to:
            said = await ask(to, "fake-text=echo", f"My key is {KEY}, says José.")
            vectors = await embed(to, ["leave", "coat"], model="fake")
            with pytest.raises(Unavailable):
                await ask(to, "fake-error=1", "Fail.")
    return file, said, vectors


async def test_it_answers_again_without_the_server(recorded):
    file, _, vectors = recorded
    async with endpoint(Replayer(file)) as to:
        assert np.array_equal(await embed(to, ["leave", "coat"], model="fake"), vectors)
        with pytest.raises(Unavailable, match="as its name says"):
            await ask(to, "fake-error=1", "Fail.")


async def test_a_stream_comes_in_the_same_pieces(recorded):
    file, said, _ = recorded
    async with endpoint(Replayer(file)) as to:
        again = await ask(to, "fake-text=echo", "My key is ***, says José.")
    blotted = [piece.text.replace(KEY, "***") for piece in said]
    assert [piece.text for piece in again] == blotted
    assert again[-1] == said[-1]


async def test_no_secret_is_kept(recorded):
    file, _, _ = recorded
    assert KEY not in file.read_text("utf-8")
    assert "authorization" not in file.read_text("utf-8").lower()


async def test_what_was_not_recorded_is_no_answer(recorded):
    file, _, _ = recorded
    async with endpoint(Replayer(file)) as to:
        with pytest.raises(AssertionError, match="no recording"):
            await ask(to, "fake", "Something else.")


async def test_the_local_engine_is_understood():
    """As it answered when it was recorded: by its own weights, over HTTP."""
    async with endpoint(Replayer(ENGINE)) as to:
        pieces = await ask(to, "smollm2", "Say yes.")
        [vector] = await embed(to, ["query: leave"], model="e5-small")
    said = "".join(piece.text for piece in pieces)
    assert said == "I'm sorry for any misunderstanding, but"
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["length"]
    assert (pieces[-1].input_tokens, pieces[-1].output_tokens) == (33, 8)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)

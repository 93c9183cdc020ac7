"""What a real server answered is kept without secrets, and answers the same without the server."""

import gzip
import json
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.chat import Message, chat
from roadworthy.gateway.embeddings import embed
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from tests.doubles.model_server import Behaviour, said
from tests.doubles.recording import Recorder, Replayer
from tests.fake_provider import running_fake_provider

pytestmark = pytest.mark.anyio

ENGINE = Path(__file__).parent / "recordings" / "engine.jsonl"
KEY = "sk-canary-recorded"


@asynccontextmanager
async def endpoint(transport, url="http://recording/v1"):
    address = EndpointAddress(url=url, key=KEY, timeout_s=10)
    made = Endpoint(address, tries=1, transport=transport)
    try:
        yield made
    finally:
        await made.close()


def asking(to, model, question):
    messages = [Message(role="user", content=question)]
    return chat(to, messages, model=model, max_tokens=8)


async def ask(to, model, question):
    return [piece async for piece in asking(to, model, question)]


async def told_until_it_breaks_off(transport, url):
    async with endpoint(transport, url) as to:
        pieces = asking(to, "words", "Tell.")
        told = [await anext(pieces) for _ in range(3)]
        with pytest.raises(Unavailable, match="broke off"):
            await anext(pieces)
    return told


async def body(transport, url):
    asked = {"model": "words", "messages": ["Tell."]}
    async with (
        httpx.AsyncClient(transport=transport) as client,
        client.stream("POST", f"{url}/chat/completions", json=asked) as response,
    ):
        return [part async for part in response.aiter_raw()]


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


async def test_no_secret_is_kept_that_lies_across_parts(tmp_path, models):
    whole = b"".join(said([f"your key is {KEY}!"]))
    at = whole.index(KEY.encode()) + 6
    models.events = [whole[:at], whole[at:]]
    file = tmp_path / "exchanges.jsonl"
    async with endpoint(Recorder(file, secrets=[KEY]), models.url) as to:
        await ask(to, "words", "Tell.")
    assert KEY not in "".join(json.loads(file.read_text("utf-8"))["parts"])
    async with endpoint(Replayer(file)) as to:
        assert (await ask(to, "words", "Tell."))[0].text == "your key is ***!"


@pytest.mark.parametrize("where", ["path", "header", "blot"])
async def test_a_secret_that_would_stay_is_not_written(tmp_path, models, where):
    file = tmp_path / "exchanges.jsonl"
    url = f"{models.url}/{KEY}" if where == "path" else models.url
    if where == "header":
        models.plan.append(Behaviour(headers={"content-type": f"text/event-stream; key={KEY}"}))
    secrets = [KEY, "*"] if where == "blot" else [KEY]
    async with endpoint(Recorder(file, secrets=secrets), url) as to:
        with pytest.raises(AssertionError, match="a secret would stay") as refusal:
            await ask(to, "words", f"My key is {KEY}.")
    assert KEY not in str(refusal.value)
    assert not file.exists()


async def test_an_answer_that_broke_off_breaks_off_again(tmp_path, models):
    file = tmp_path / "exchanges.jsonl"
    models.events = said(["It", " is."])
    models.plan.append(Behaviour(cut_after=3))  # the reason to stop has come
    told = await told_until_it_breaks_off(Recorder(file, secrets=[KEY]), models.url)
    assert [piece.finish_reason for piece in told] == [None, None, "stop"]
    assert await told_until_it_breaks_off(Replayer(file), models.url) == told


async def test_an_answer_left_half_read_is_not_written(tmp_path, models):
    file = tmp_path / "exchanges.jsonl"
    async with (
        endpoint(Recorder(file, secrets=[KEY]), models.url) as to,
        aclosing(asking(to, "words", "Tell.")) as pieces,
    ):
        await anext(pieces)
    assert not file.exists()


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([b"Jos\xc3", b"\xa9"], id="letter-across-parts"),
        pytest.param([b"Jos\xe9"], id="latin-1"),
        pytest.param(["two\u2028lines".encode()], id="line-separator"),
    ],
)
async def test_bytes_come_as_they_came(tmp_path, models, parts):
    file = tmp_path / "exchanges.jsonl"
    models.events = parts
    assert await body(Recorder(file, secrets=[KEY]), models.url) == parts
    assert await body(Replayer(file), models.url) == parts


async def test_a_compressed_answer_is_kept_as_it_reads(tmp_path, models):
    file = tmp_path / "exchanges.jsonl"
    packed = gzip.compress(b"".join(said([f"My key is {KEY}, says José."])))
    models.plan.append(Behaviour(body=packed, headers={"content-encoding": "gzip"}))
    async with endpoint(Recorder(file, secrets=[KEY]), models.url) as to:
        live = await ask(to, "words", "Tell.")
    async with endpoint(Replayer(file)) as to:
        [piece, *rest] = await ask(to, "words", "Tell.")
    assert piece.text == "My key is ***, says José."
    assert rest == live[1:]


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

"""The real OpenAI client asks, streams, lists and embeds, and understands what is refused."""

import base64

import numpy as np
import openai
import pytest

from tests.doubles.model_server import said
from tests.world import words_vector

pytestmark = pytest.mark.anyio

ASK = [{"role": "user", "content": "What is the plan?"}]


@pytest.fixture
async def ai(door, served):
    key = await door.key()
    async with openai.AsyncOpenAI(base_url=f"{served}/v1", api_key=key, max_retries=0) as client:
        yield client


async def test_a_completion_carries_the_citations(ai, plan):
    done = await ai.chat.completions.create(model="default", messages=ASK, temperature=0.3, seed=1)
    assert "leave on Monday" in done.choices[0].message.content
    assert done.choices[0].finish_reason == "stop"
    told = done.roadworthy
    assert (told["outcome"], told["release"]) == ("answered", "extract")
    assert told["citations"][0]["document_id"] == str(plan)
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens


async def test_a_stream_says_the_same(ai, plan):
    whole = await ai.chat.completions.create(model="live", messages=ASK)
    stream = await ai.chat.completions.create(
        model="live", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage is not None
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-2].roadworthy["citations"] == whole.roadworthy["citations"]
    assert len({chunk.id for chunk in chunks}) == 1


async def test_usage_is_streamed_only_when_asked_for(ai, plan):
    stream = await ai.chat.completions.create(model="extract", messages=ASK, stream=True)
    chunks = [chunk async for chunk in stream]
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


async def test_tokens_of_a_model_are_told(ai, plan, generating):
    done = await ai.chat.completions.create(model=generating, messages=ASK)
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (7, 4)


async def test_an_answer_that_was_cut_says_so(ai, plan, models, generating):
    models.events = said(["The plan"], finish_reason="length")
    done = await ai.chat.completions.create(model=generating, messages=ASK)
    assert done.choices[0].finish_reason == "length"
    stream = await ai.chat.completions.create(model=generating, messages=ASK, stream=True)
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices[0].finish_reason == "length"


async def test_what_real_clients_send_is_understood(ai, plan):
    done = await ai.chat.completions.create(
        model="extract",
        messages=[
            {"role": "system", "content": "You are a pirate."},
            {"role": "user", "content": "Take one coat with you"},
            {"role": "assistant", "content": None},
            {"role": "user", "content": [{"type": "text", "text": "And then?"}]},
        ],
        n=1,
        tools=[],
        response_format={"type": "text"},
        max_tokens=5,
        stop=["x"],
        user="u",
        extra_body={"min_p": 0.1},
    )
    assert "coat" in done.choices[0].message.content


@pytest.mark.parametrize(
    ("refused", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
    ],
)
async def test_what_is_not_offered_is_refused_by_name(ai, refused, param):
    with pytest.raises(openai.UnprocessableEntityError, match="leave it out") as caught:
        await ai.chat.completions.create(model="default", messages=ASK, **refused)
    assert (caught.value.param, caught.value.code) == (param, "invalid")


async def test_an_image_is_refused(ai):
    image = [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}]
    with pytest.raises(openai.UnprocessableEntityError):
        await ai.chat.completions.create(
            model="default", messages=[{"role": "user", "content": image}]
        )


async def test_a_wrong_key_is_an_authentication_error(served):
    async with openai.AsyncOpenAI(base_url=f"{served}/v1", api_key="rw_x", max_retries=0) as ai:
        with pytest.raises(openai.AuthenticationError, match="roadworthy key create"):
            await ai.models.list()


async def test_an_unknown_release_is_not_found(ai):
    with pytest.raises(openai.NotFoundError, match="release list"):
        await ai.chat.completions.create(model="none", messages=ASK, stream=True)


async def test_a_failure_in_mid_stream_is_an_error_of_the_client(ai, plan, models, generating):
    models.events = said(["The plan.", " It", " is"])[:2]
    stream = await ai.chat.completions.create(model=generating, messages=ASK, stream=True)
    with pytest.raises(openai.APIError, match="broke off"):
        async for _ in stream:
            pass


async def test_releases_are_models(ai, generating):
    assert [model.id async for model in ai.models.list()] == ["extract", generating]
    assert (await ai.models.retrieve("default")).id == "extract"
    with pytest.raises(openai.NotFoundError):
        await ai.models.retrieve("none")


@pytest.mark.parametrize("form", ["float", "base64", openai.omit])
async def test_embeddings_are_of_the_space(ai, form):
    made = await ai.embeddings.create(model="words", input=["one", "two"], encoding_format=form)
    vector = made.data[1].embedding
    if isinstance(vector, str):
        vector = np.frombuffer(base64.b64decode(vector), dtype="<f4")
    assert np.allclose(vector, words_vector("two"), atol=1e-6)


async def test_a_single_text_and_a_question_are_embedded(ai):
    made = await ai.embeddings.create(
        model="default", input="one", extra_body={"input_type": "query"}
    )
    assert len(made.data) == 1
    assert made.model == "words"


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"model": "none", "input": "a"}, openai.NotFoundError),
        ({"model": "words", "input": "a", "dimensions": 7}, openai.UnprocessableEntityError),
        ({"model": "words", "input": [1, 2]}, openai.UnprocessableEntityError),
        ({"model": "words", "input": []}, openai.UnprocessableEntityError),
    ],
)
async def test_what_cannot_be_embedded_is_refused(ai, asked, error):
    with pytest.raises(error):
        await ai.embeddings.create(**asked)

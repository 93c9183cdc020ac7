"""A model's answer arrives piece by piece and whole, or the caller is told that it broke off."""

import asyncio
from codecs import BOM_UTF8

import pytest

from roadworthy.core.errors import Busy, Invalid, Unavailable
from roadworthy.gateway.chat import ChatPiece, Message, chat
from tests.doubles.model_server import Behaviour, event, failing, refusing, said

pytestmark = pytest.mark.anyio


def ask(endpoint, **kwargs):
    messages = [Message(role="user", content="Why?")]
    return chat(endpoint, messages, model="words", max_tokens=10, **kwargs)


async def heard(endpoint, **kwargs) -> list[ChatPiece]:
    return [piece async for piece in ask(endpoint, **kwargs)]


def text_of(pieces):
    return "".join(piece.text for piece in pieces)


async def test_the_pieces_make_the_answer(models, endpoint):
    models.pieces = ["Él", " dijo", ": 年次", "\n\nsí"]
    pieces = await heard(endpoint)
    assert text_of(pieces) == "Él dijo: 年次\n\nsí"
    assert [p.finish_reason for p in pieces if p.finish_reason] == ["stop"]
    assert pieces[-1] == ChatPiece(input_tokens=7, output_tokens=4)


async def test_what_is_asked_for_is_sent(models, endpoint):
    await heard(endpoint, temperature=0.5, options={"stop": ["\n"]})
    body = models.asked[0].body
    assert body["messages"] == [{"role": "user", "content": "Why?"}]
    assert (body["max_tokens"], body["temperature"], body["stop"]) == (10, 0.5, ["\n"])
    assert body["stream"] is True


async def test_a_model_is_asked_by_the_parameters_that_it_takes(models, endpoint):
    models.plan.extend([refusing("max_tokens"), refusing("temperature")])
    for _ in range(2):
        assert text_of(await heard(endpoint)) == "It is."
    assert len(models.asked) == 4
    for asked in models.asked[2:]:
        assert asked.body["max_completion_tokens"] == 10
        assert not asked.body.keys() & {"max_tokens", "temperature"}


async def test_two_that_learn_it_at_once_are_both_answered(models, endpoint):
    models.plan.extend([refusing("max_tokens")] * 2)
    told = await asyncio.gather(heard(endpoint), heard(endpoint))
    assert [text_of(pieces) for pieces in told] == ["It is."] * 2


async def test_a_temperature_that_was_chosen_is_not_given_up(models, endpoint):
    models.plan.extend([refusing("temperature")] * 2)
    with pytest.raises(Unavailable, match="no temperature"):
        await heard(endpoint, temperature=0.5)
    assert len(models.asked) == 1


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r", "\0"])
async def test_no_character_of_an_answer_ends_its_line(models, endpoint, odd):
    models.pieces = [f"one{odd}two"]
    assert text_of(await heard(endpoint)) == f"one{odd}two"


async def test_comments_other_fields_and_crlf_are_read_over(models, endpoint):
    events = [b": ping\n\n", b"event: delta\n", *said(["a", "b"])]
    models.events = [one.replace(b"\n", b"\r\n") for one in events]
    assert text_of(await heard(endpoint)) == "ab"


@pytest.mark.parametrize("size", [1, 2, 100])
async def test_a_byte_order_mark_costs_no_piece(models, endpoint, size):
    stream = BOM_UTF8 + b"".join(said(["a", "b"]))
    models.events = [stream[i : i + size] for i in range(0, len(stream), size)]
    assert text_of(await heard(endpoint)) == "ab"


async def test_an_event_may_arrive_in_any_bits(models, endpoint):
    whole = b"".join(said(["é年", "ü"]))
    models.events = [whole[i : i + 3] for i in range(0, len(whole), 3)]
    assert text_of(await heard(endpoint)) == "é年ü"


@pytest.mark.parametrize("pieces", [0, 1, 2])
async def test_a_cut_stream_is_an_error_and_no_ending(models, endpoint, pieces):
    models.pieces = ["a", "b", "c"]
    models.plan.append(Behaviour(cut_after=pieces))
    got = []

    async def listen():
        async for piece in ask(endpoint):
            got.append(piece.text)  # noqa: PERF401 - what was heard is kept when it breaks off

    with pytest.raises(Unavailable, match="broke off"):
        await listen()
    assert got == ["a", "b", "c"][:pieces]
    assert len(models.asked) == 1


async def test_a_stream_that_only_stops_is_an_error(models, endpoint):
    models.events = said(["a", "b"])[:2]
    with pytest.raises(Unavailable, match="broke off"):
        await heard(endpoint)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("content_filter", "content_filter"),
        ("error", "error"),
        ("abort", "abort"),
        ("tool_calls", "tool_calls"),
        ("Insufficient_System_Resource", "insufficient_system_resource"),
        ("see\nhttp://bad.example", "unknown"),
        ("a" * 1_000, "unknown"),
    ],
)
async def test_an_end_that_is_none_is_an_error_with_its_reason(models, endpoint, reason, told):
    models.events = said(["half"], finish_reason=reason)
    with pytest.raises(Unavailable, match=f"broke off in mid-answer: {told}[.]") as caught:
        await heard(endpoint)
    assert caught.value.facts == {"finish_reason": told}


async def test_a_fault_after_an_end_is_not_passed_over(models, endpoint):
    models.events = said(["half"]) + said([], finish_reason="error")
    with pytest.raises(Unavailable, match="error"):
        await heard(endpoint)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("stop", "stop"),
        ("STOP", "stop"),
        ("eos", "stop"),
        ("eos_token", "stop"),
        ("stop_sequence", "stop"),
        ("end_turn", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("model_length", "length"),
    ],
)
async def test_ends_are_told_by_one_name_each(models, endpoint, reason, told):
    models.events = said(["a"], finish_reason=reason)
    pieces = await heard(endpoint)
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == [told]


@pytest.mark.parametrize("garbage", [b"data: {\n\n", b"data: <html>\n\n", b"data: []\n\n"])
async def test_garbage_in_a_stream_is_an_error(models, endpoint, garbage):
    models.events = [*said(["a"])[:1], garbage]
    with pytest.raises(Unavailable, match="protocol"):
        await heard(endpoint)


async def test_an_error_within_a_stream_is_told_in_the_servers_words(models, endpoint):
    problem = event({"error": {"message": "context is full", "code": 500}})
    models.events = [*said(["a"])[:1], problem, b"data: [DONE]\n\n"]
    with pytest.raises(Unavailable, match="context is full"):
        await heard(endpoint)


@pytest.mark.parametrize(
    "first",
    [
        {"choices": None, "usage": None},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"role": "assistant", "content": None}}], "usage": None},
        {"choices": [], "usage": {"prompt_tokens": None}},
        {"choices": [{"delta": {"content": ""}, "finish_reason": ""}]},
    ],
)
async def test_empty_fields_are_no_fault(models, endpoint, first):
    models.events = [event(first), *said(["a"])]
    assert text_of(await heard(endpoint)) == "a"


async def test_an_empty_finish_reason_does_not_finish(models, endpoint):
    models.events = [event({"choices": [{"delta": {"content": "a"}, "finish_reason": ""}]})]
    with pytest.raises(Unavailable, match="broke off"):
        await heard(endpoint)


async def test_a_failure_before_the_first_byte_is_not_seen(models, endpoint):
    models.plan.extend([failing(503), Behaviour(is_reset=True)])
    assert text_of(await heard(endpoint)) == "It is."


@pytest.mark.parametrize(("status", "kind"), [(400, Invalid), (429, Busy), (500, Unavailable)])
async def test_a_refusal_says_why(models, endpoint, status, kind):
    models.plan.extend([failing(status, "too long a prompt")] * 4)
    with pytest.raises(kind, match="too long a prompt"):
        await heard(endpoint)


async def test_a_connection_serves_one_answer_after_the_other(models, endpoint):
    for _ in range(3):
        await heard(endpoint)
    assert endpoint.connections == 1


async def test_a_caller_who_closes_hangs_up(models, endpoint):
    models.pieces, models.pause_s = ["a"] * 100, 0.1
    pieces = ask(endpoint)
    await anext(pieces)
    await pieces.aclose()
    assert await asyncio.to_thread(models.asked[0].is_left.wait, 2)


async def test_a_cancelled_caller_hangs_up(models, endpoint):
    models.pieces, models.pause_s = ["a"] * 100, 0.1
    task = asyncio.create_task(heard(endpoint))
    await models.until_asked("/chat/completions")
    task.cancel()
    await asyncio.wait({task})
    assert await asyncio.to_thread(models.asked[0].is_left.wait, 2)

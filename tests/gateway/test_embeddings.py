"""Vectors come in order, whole and of one space, or they do not come."""

import asyncio
import base64
import dataclasses
import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.clock import now
from roadworthy.core.errors import RoadworthyError, Unavailable
from roadworthy.core.spaces import (
    PROBE_TEXTS,
    EmbeddingSpace,
    QueryVector,
    SpaceMismatch,
    check_probes,
)
from roadworthy.gateway import embeddings
from roadworthy.gateway.embeddings import (
    FEW_TEXTS,
    MOST_CONNECTIONS,
    MOST_TEXTS,
    SpaceEmbedder,
    embed,
    model_revision,
)
from roadworthy.gateway.engine.line import SHORT_CHARACTERS, SHORT_TEXTS
from roadworthy.gateway.uses import shares
from roadworthy.plumbing import breaker
from roadworthy.retrieval.search import LONGEST_QUESTION
from tests.doubles.model_server import Behaviour, encoded, failing, turned_vector
from tests.waiting import until
from tests.world import DECLARED, DIMENSION, words_vector

pytestmark = pytest.mark.anyio

PROBES = np.stack([words_vector(text) for text in PROBE_TEXTS])
SPACE = EmbeddingSpace(
    **{
        field.name: getattr(DECLARED, field.name)
        for field in dataclasses.fields(DECLARED)
        if field.name != "languages"
    },
    id=1,
    languages=[],
    probe_texts=list(PROBE_TEXTS),
    probe_vectors=PROBES.astype("<f4").tobytes(),
    created_at=now(),
)


def embedder_of(endpoint, *, space=SPACE, **declared):
    return SpaceEmbedder(endpoint, space=space, declared=dataclasses.replace(DECLARED, **declared))


@pytest.fixture
def embedder(endpoint):
    return embedder_of(endpoint)


async def refusal(embedder) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        await embedder.embed_passages(["a"])
    return caught.value


async def test_many_texts_come_back_in_their_order(models, endpoint):
    texts = [f"word{i}" for i in range(2 * MOST_TEXTS + 3)]
    found = await embed(endpoint, texts, model="words")
    assert np.allclose(found, [words_vector(text) for text in texts])
    assert [len(a.body["input"]) for a in models.asked] == [MOST_TEXTS, MOST_TEXTS, 3]


async def test_rows_are_put_in_order_by_their_index(models, endpoint):
    models.plan.append(Behaviour(alter=lambda rows: rows[::-1]))
    found = await embed(endpoint, ["one", "two"], model="words")
    assert np.allclose(found, [words_vector("one"), words_vector("two")])


async def test_numbers_are_read_as_well_as_base64(models, endpoint):
    def numbers(rows):
        return [row | {"embedding": [0.5] * DIMENSION} for row in rows]

    models.plan.append(Behaviour(alter=numbers))
    assert (await embed(endpoint, ["one"], model="words")).tolist() == [[0.5] * DIMENSION]


def replaced(**values):
    return lambda rows: [row | values for row in rows]


@pytest.mark.parametrize(
    "alter",
    [
        lambda rows: rows[:-1],
        lambda rows: [*rows, rows[0]],
        lambda _: [],
        replaced(index=0),
        replaced(index=7),
        replaced(embedding=encoded([float("nan")] * DIMENSION)),
        replaced(embedding=encoded([float("inf")] * DIMENSION)),
        replaced(embedding=[1e300] * DIMENSION),
        replaced(embedding="no base64!"),
        replaced(embedding="abc"),
        replaced(embedding=base64.b64encode(b"12345").decode()),
        replaced(embedding=""),
        replaced(embedding=[]),
        replaced(embedding=None),
        replaced(embedding=[None]),
        lambda rows: [rows[0], rows[1] | {"embedding": encoded([1.0])}],
    ],
    ids=[
        "fewer", "more", "none", "one-index", "other-index", "nan", "infinite", "too-large",
        "no-base64", "bad-padding", "odd-length", "empty-base64", "empty", "null", "null-number",
        "mixed",
    ],
)  # fmt: skip
async def test_what_is_no_vector_is_not_handed_out(models, endpoint, alter):
    models.plan.append(Behaviour(alter=alter))
    with pytest.raises(Unavailable):
        await embed(endpoint, ["one", "two"], model="words")


async def test_batches_of_different_dimension_are_not_handed_out(models, endpoint):
    models.plan.extend([Behaviour(), Behaviour(alter=replaced(embedding=encoded([1.0])))])
    with pytest.raises(Unavailable):
        await embed(endpoint, ["one"] * (MOST_TEXTS + 1), model="words")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"data": 3}', b"null", b"\xff\xfe"])
async def test_an_answer_of_another_protocol_is_an_outage(models, endpoint, body):
    models.plan.append(Behaviour(body=body))
    with pytest.raises(Unavailable, match="protocol"):
        await embed(endpoint, ["one"], model="words")


async def test_no_texts_give_no_vectors_and_no_request(models, endpoint, embedder):
    assert (await embedder.embed_passages([])).shape == (0, DIMENSION)
    assert models.asked == []


async def test_the_revision_is_what_the_endpoint_tells(models, endpoint):
    models.revision = "abc"
    assert await model_revision(endpoint, "words") == "abc"


async def test_an_unknown_model_is_named_with_those_that_exist(models, endpoint):
    with pytest.raises(Unavailable, match=r"'nosuch'.*embeddings_model.*words"):
        await model_revision(endpoint, "nosuch")


async def test_prefixes_are_put_before_what_they_are_for(models, endpoint):
    prefixes = {"query_prefix": "query: ", "passage_prefix": "passage: "}
    probes = np.stack([words_vector(f"passage: {text}") for text in PROBE_TEXTS])
    space = dataclasses.replace(SPACE, **prefixes, probe_vectors=probes.tobytes())
    prefixed = embedder_of(endpoint, space=space, **prefixes)
    found = await prefixed.embed_question("why")
    passages = await prefixed.embed_passages(["because"])
    assert np.allclose(found.vector, words_vector("query: why"))
    assert np.allclose(passages, [words_vector("passage: because")])
    for as_questions, prefix in ((True, "query"), (False, "passage")):
        for texts in (["why"], ["why"] * (FEW_TEXTS + 1)):
            vectors = await prefixed.embed_for_client(texts, as_questions=as_questions)
            assert np.allclose(vectors, [words_vector(f"{prefix}: why")] * len(texts))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("model", "other"),
        ("revision", "2"),
        ("dimension", 384),
        ("normalised", False),
        ("query_prefix", "query: "),
        ("passage_prefix", "passage: "),
    ],
)
async def test_each_setting_that_differs_is_refused_by_name(endpoint, setting, value):
    with pytest.raises(SpaceMismatch, match=f"'words'.*{setting}") as caught:
        embedder_of(endpoint, **{setting: value})
    assert caught.value.facts == {"space": "words", "setting": setting}


@pytest.mark.parametrize(
    ("embed_otherwise", "setting"),
    [
        (turned_vector, "embeddings_model"),
        (lambda text: words_vector(text)[:16], "dimension"),
        (lambda text: 3 * words_vector(text), "normalised"),
        (lambda text: words_vector(f"passage: {text}"), "embeddings_model"),
        (lambda _: np.zeros(DIMENSION), "normalised"),
    ],
    ids=["model", "dimension", "length", "prefix", "zeros"],
)
async def test_another_model_behind_the_same_name_is_refused(
    models, embedder, embed_otherwise, setting
):
    models.embed = embed_otherwise
    error = await refusal(embedder)
    assert isinstance(error, SpaceMismatch)
    assert "'words'" in error.message
    assert error.facts["setting"] == setting


def test_a_probe_just_too_far_is_refused_and_one_just_near_enough_is_not():
    across = np.roll(PROBES, 1, axis=0)
    across -= np.sum(across * PROBES, axis=1, keepdims=True) * PROBES
    across /= np.linalg.norm(across, axis=1, keepdims=True)

    def at(cosine):
        return (cosine * PROBES + np.sqrt(1 - cosine**2) * across).astype(np.float32)

    check_probes(SPACE, at(0.9992))
    with pytest.raises(SpaceMismatch):
        check_probes(SPACE, at(0.9988))


async def test_the_probes_are_checked_at_the_first_use_and_then_no_more(models, embedder):
    for _ in range(3):
        await embedder.embed_question("why")
    assert models.probings == 1


async def test_a_restarted_model_is_checked_again(models, embedder):
    await embedder.embed_question("why")
    models.restart()
    await embedder.embed_question("why")
    assert models.probings == 2


async def test_a_model_that_changed_in_a_restart_hands_out_nothing(models, embedder):
    await embedder.embed_question("why")
    models.restart(embed=turned_vector)
    for _ in range(2):
        error = await refusal(embedder)
        assert isinstance(error, SpaceMismatch)
        assert "'words'" in error.message


async def test_a_model_that_comes_back_right_is_served_again(models, embedder):
    models.embed = turned_vector
    await refusal(embedder)
    models.restart()
    assert (await embedder.embed_passages(["a"])).shape == (1, DIMENSION)


async def test_concurrent_first_calls_are_checked_and_all_end(models, embedder):
    calls = [embedder.embed_question(f"why{i}") for i in range(40)]
    found = await asyncio.wait_for(asyncio.gather(*calls), 10)
    assert np.allclose(found[7].vector, words_vector("why7"))
    # Each may have to vouch for the connection that it came over, and none does so twice.
    assert 1 <= models.probings <= len(calls)


async def test_who_asks_together_shares_what_was_read(models, embedder):
    for _ in range(2):  # over connections that are known
        models.plan.extend([Behaviour(delay_s=0.2)] * 2)
        await asyncio.gather(*[embedder.embed_question(each) for each in ("first", "second")])
    models.embeddings_usage = {"prompt_tokens": 10, "total_tokens": 10}
    uses = []
    models.plan.extend([Behaviour(delay_s=0.2)] * 2)  # meanwhile the others come together
    questions = ["one", "two", "a" * 60, "b" * 30]
    await asyncio.gather(*[embedder.embed_question(each, on_use=uses.append) for each in questions])
    assert sorted(use.tokens for use in uses) == [4, 6, 10, 10]
    assert {(use.endpoint, use.model, use.is_at_least) for use in uses} == {
        ("embeddings", "words", False)
    }
    assert sorted(use.share for use in uses) == [Decimal("0.5"), Decimal("0.5"), 1, 1]


async def test_what_a_new_connection_takes_counts_too(models, embedder):
    models.embeddings_usage = {"prompt_tokens": 10}
    uses = []
    for question in ("one", "two"):
        await embedder.embed_question(question, on_use=uses.append)
    assert [use.tokens for use in uses] == [20, 10]  # it is asked again beside the probes


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None}, {"prompt_tokens": "many"}])
async def test_what_nobody_told_is_estimated_low(models, embedder, usage):
    models.embeddings_usage = usage
    uses = []
    await embedder.embed_question("what is it about?", on_use=uses.append)
    [use] = uses
    assert (use.tokens, use.is_at_least) == (2, True)


@given(st.integers(0, 10**6), st.lists(st.text(max_size=50), min_size=1, max_size=20))
def test_shares_are_all_of_it(tokens, texts):
    parts = shares(tokens, texts)
    assert min(parts) >= 0
    assert sum(parts) == (tokens if any(texts) else 0)


def is_right(found) -> bool:
    return isinstance(found, QueryVector) and np.allclose(found.vector, words_vector("a"))


async def test_a_second_connection_to_another_model_hands_out_nothing(models, embedder):
    # As behind a balancer: each connection leads to a server of its own.
    await embedder.embed_question("first")
    models.embed_by_connection = dict.fromkeys(range(2, 100), turned_vector)
    models.plan.extend([Behaviour(delay_s=0.1), Behaviour(delay_s=0.1)])
    calls = [embedder.embed_question("a"), embedder.embed_question("a")]
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert {asked.connection for asked in models.asked} >= {1, 2}
    for one in found:
        assert isinstance(one, SpaceMismatch) or is_right(one)


async def test_a_second_connection_that_differs_stays_refused(models, embedder):
    await embedder.embed_question("first")
    models.embed_by_connection = dict.fromkeys(range(2, 100), turned_vector)
    for _ in range(3):
        calls = [embedder.embed_question("a") for _ in range(4)]
        for one in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(one, SpaceMismatch) or is_right(one)


async def test_a_check_that_fails_for_an_outage_is_made_again(models, embedder):
    models.plan.extend([Behaviour(), failing(400)])
    with pytest.raises(Exception, match="400"):
        await embedder.embed_question("why")
    await embedder.embed_question("why")
    assert models.probings == 2


async def test_probes_are_embedded_as_passages(models, embedder):
    await embedder.check()
    assert models.asked[0].body["input"] == list(PROBE_TEXTS)
    assert json.dumps(models.asked[0].body["model"]) == '"words"'


async def test_whatever_the_model_gives_is_handed_out_with_length_1(models, endpoint):
    """A space of longer vectors is admitted; who compares sentences multiplies them."""
    models.embed = lambda text: words_vector(text) * 7
    probes = (PROBES * 7).astype("<f4").tobytes()
    space = dataclasses.replace(SPACE, normalised=False, probe_vectors=probes)
    embedder = embedder_of(endpoint, space=space, normalised=False)
    for vector in (
        *await embedder.embed_passages(["a b", "c"]),
        (await embedder.embed_question("a")).vector,
    ):
        assert np.linalg.norm(vector) == pytest.approx(1)


async def test_a_question_without_direction_is_not_compared(models, embedder):
    await embedder.check()
    models.embed = lambda _: np.zeros(DIMENSION, np.float32)
    with pytest.raises(Unavailable, match="without direction"):
        await embedder.embed_question("a")
    with pytest.raises(Unavailable, match="without direction"):
        await embedder.embed_for_client(["a", "b"], as_questions=True)
    assert not (await embedder.embed_for_client(["a", "b"], as_questions=False)).any()


async def test_vectors_of_another_dimension_are_refused_on_a_checked_connection(models, embedder):
    await embedder.check()
    models.embed = lambda _: np.ones(DIMENSION + 1, np.float32)
    with pytest.raises(Unavailable, match="no vectors"):
        await embedder.embed_passages(["a"])


async def test_an_answer_without_end_is_not_read(models, endpoint, monkeypatch):
    monkeypatch.setattr(embeddings, "MOST_BYTES_A_TEXT", 50_000)
    models.plan.append(Behaviour(body=b" " * 10_000, is_endless=True))
    with pytest.raises(Unavailable, match="more than 100000 bytes"):
        await embed(endpoint, ["a", "b"], model="words")


async def test_vectors_of_many_numbers_are_read(models, endpoint):
    models.plan.append(Behaviour(alter=replaced(embedding=[-1.2345678901234567e-123] * 16_384)))
    assert (await embed(endpoint, ["a"], model="words")).shape == (1, 16_384)


@pytest.mark.parametrize(("patience_s", "asked"), [(0.3, 1), (0.05, 3)], ids=["late", "in-a-hurry"])
async def test_a_model_that_is_silent_for_long_is_left_alone_whoever_leaves(
    models, embedder, monkeypatch, patience_s, asked
):
    monkeypatch.setattr(embeddings, "LATE_S", 0.2)
    models.plan.extend([Behaviour(delay_s=10)] * 3)
    for _ in range(3):
        with pytest.raises((TimeoutError, Unavailable)):
            async with asyncio.timeout(patience_s):
                await embedder.embed_question("why", in_haste=True)
        await asyncio.sleep(0.01)
    assert len(models.asked) == asked


async def test_in_haste_a_model_that_is_down_is_asked_once_and_then_not(models, embedder):
    models.plan.extend([failing(503)] * 3)
    for _ in range(5):
        with pytest.raises(Unavailable):
            await embedder.embed_question("why", in_haste=True)
    assert len(models.asked) == 1


async def test_who_is_in_no_haste_asks_again(models, embedder):
    models.plan.extend([failing(503)] * 3)
    assert len(await embedder.embed_passages(["a"])) == 1
    models.plan.extend([failing(503)] * 3)
    assert is_right(await embedder.embed_question("a"))


@pytest.mark.parametrize("status", [429, 400, 401, 404])
async def test_a_question_that_is_refused_keeps_no_other_from_being_asked(models, embedder, status):
    models.plan.append(failing(status))
    with pytest.raises(RoadworthyError, match=str(status)):
        await embedder.embed_question("why", in_haste=True)
    assert is_right(await embedder.embed_question("a", in_haste=True))


async def test_a_model_that_comes_back_is_found_within_its_rest(models, embedder, monkeypatch):
    monkeypatch.setattr(breaker, "FIRST_REST_S", 0.05)
    models.plan.append(failing(503))
    with pytest.raises(Unavailable):
        await embedder.embed_question("a", in_haste=True)
    await asyncio.sleep(0.1)
    assert is_right(await embedder.embed_question("a", in_haste=True))


async def test_a_question_in_haste_waits_behind_no_passages(models, endpoint, embedder):
    await embedder.embed_question("why", in_haste=True)
    models.plan.extend([Behaviour(delay_s=30)] * 20)
    passages = [asyncio.create_task(embedder.embed_passages(["a"])) for _ in range(20)]
    await until(lambda: not models.plan)
    assert is_right(await asyncio.wait_for(embedder.embed_question("a", in_haste=True), 5))
    for each in passages:
        each.cancel()
    await asyncio.wait(passages)


@pytest.mark.parametrize("in_haste", [True, False])
async def test_questions_that_go_together_are_never_passages_to_the_engine(
    models, embedder, in_haste
):
    """However long they are: what the engine does not take for short waits behind passages."""
    asked = ["q" * LONGEST_QUESTION] * 4 + ["q" * 400] * 66
    await asyncio.gather(*[embedder.embed_question(each, in_haste=in_haste) for each in asked])
    calls = [call.body["input"] for call in models.requests("/embeddings")]
    assert max(map(len, calls)) <= SHORT_TEXTS
    assert max(len("".join(texts)) for texts in calls) <= SHORT_CHARACTERS


@pytest.mark.parametrize("as_questions", [True, False])
async def test_what_a_client_wants_goes_in_batches(models, embedder, as_questions):
    texts = [f"word{i}" for i in range(2 * MOST_TEXTS + 3)]
    await embedder.embed_for_client(texts, as_questions=as_questions)  # proves the connection
    models.asked.clear()
    found = await embedder.embed_for_client(texts, as_questions=as_questions)
    assert np.allclose(found, [words_vector(text) for text in texts])
    assert [len(a.body["input"]) for a in models.asked] == [MOST_TEXTS, MOST_TEXTS, 3]


async def test_what_nobody_waits_for_and_many_texts_of_a_client_let_all_others_go_first(
    models, embedder
):
    async def told(asking):
        models.asked.clear()
        await asking
        return {asked.headers.get("priority") for asked in models.asked}

    for texts, priority in ((["a"] * FEW_TEXTS, None), (["a"] * (FEW_TEXTS + 1), "u=7")):
        for as_questions in (True, False):
            asking = embedder.embed_for_client(texts, as_questions=as_questions)
            assert await told(asking) == {priority}
    passages = embedder.embed_passages(["a"], is_background=True)
    assert await told(passages) == {"u=7"}
    # Somebody waits for the sentences of an answer, and for a question.
    assert await told(embedder.embed_passages(["a"] * MOST_TEXTS)) == {None}
    assert await told(embedder.embed_question("a")) == {None}


async def test_many_texts_of_clients_leave_connections_to_the_others(models, embedder):
    many = ["a"] * (FEW_TEXTS + 1)
    models.plan.extend([Behaviour(delay_s=30)] * MOST_CONNECTIONS)
    asking = [
        asyncio.create_task(embedder.embed_for_client(many, as_questions=False))
        for _ in range(MOST_CONNECTIONS + 1)
    ]
    await until(lambda: not models.plan)
    passages = embedder.embed_passages(["a"])
    assert (await asyncio.wait_for(passages, 5)).shape == (1, DIMENSION)
    assert sum(asked.headers.get("priority") == "u=7" for asked in models.asked) == MOST_CONNECTIONS
    for each in asking:
        each.cancel()
    await asyncio.wait(asking)

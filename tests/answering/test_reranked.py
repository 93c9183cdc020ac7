"""A cross-encoder puts hits in order if it is there in time; else they stay, and it is said."""

import asyncio

import pytest
from structlog.testing import capture_logs

from roadworthy.answering.searching import Sought
from roadworthy.core.errors import Invalid
from roadworthy.corpus.access import access
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from roadworthy.gateway.reranking import Reranker
from roadworthy.releases import Rerank
from roadworthy.retrieval.filters import Filter
from roadworthy.traces.ledger import read_costs
from tests.answering.conftest import open_desk
from tests.doubles.model_server import KEY, Behaviour, failing, running_model_server

pytestmark = pytest.mark.anyio

ASKED = {"candidates": 3, "budget_ms": 5000}
QUESTION = "pump"


def scored(*scores):
    """Give the texts, in the order that they are sent in, these scores."""
    body = [f'{{"index": {n}, "relevance_score": {score}}}' for n, score in enumerate(scores)]
    return Behaviour(body=f'{{"results": [{", ".join(body)}]}}'.encode())


@pytest.fixture(scope="module")
def server():
    """What reranks, apart from what embeds."""
    with running_model_server() as running:
        yield running


@pytest.fixture
async def desk(world, models, server, tmp_path):
    server.forget()
    endpoint = Endpoint(EndpointAddress(url=server.url, key=KEY, timeout_s=30), tries=1)
    for number in range(5):
        await world.upload(f"{number}.txt", "pump " * (5 - number) + f"n{number} of oil")
    await world.upload("secret.txt", "pump pump pump secret", readers=access(groups=["hr"]))
    await world.publish_all()
    reranker = Reranker(endpoint, model="words")
    async with open_desk(world, models, tmp_path / "spool", reranker=reranker) as opened:
        yield opened
    await endpoint.close()


async def search(desk, *, limit=5, rerank=ASKED):
    release = await desk.quoting(rerank=Rerank.model_validate(rerank) if rerank else None)
    sought = Sought(question=QUESTION, surface="search", limit=limit, release=release)
    return await desk.searching.search(desk.world.person(), sought)


def names(result):
    return [hit.document_name for hit in result.hits]


async def test_the_best_are_read_again_and_the_others_follow(desk, server):
    before = await search(desk, rerank=None)
    server.plan.append(scored(-3.5, 0.1, 7))
    result = await search(desk)
    first, second, third, *rest = names(before)
    assert names(result) == [third, second, first, *rest]
    assert [hit.rank for hit in result.hits] == [1, 2, 3, 4, 5]
    assert [hit.fused_rank for hit in result.hits] == [3, 2, 1, 4, 5]
    assert [hit.rerank_score for hit in result.hits] == [7, 0.1, -3.5, None, None]
    assert not result.degraded


async def test_what_models_read_is_in_the_ledger(desk, models, server):
    server.rerank_shape = "jina"  # tells its tokens: 7
    await search(desk)
    models.embeddings_usage = {"prompt_tokens": 5}
    result = await search(desk)
    told = {each.name: (each.calls, each.input_tokens) for each in result.stages if each.calls}
    assert told == {"embed": (1, 5), "rerank": (1, 7)}
    server.plan.append(Behaviour(delay_s=5))
    with pytest.raises(TimeoutError):  # who asked has left, and it was embedded
        await asyncio.wait_for(search(desk, rerank={"candidates": 3, "budget_ms": 4900}), 1)
    await desk.recorder.flush()
    async with desk.world.database.as_worker(desk.world.tenant_id) as conn:
        found = await read_costs(conn, tenant_id=desk.world.tenant_id, by="release", days=1)
    assert {each.of for each in found} == {each.release_name for each in await desk.traces()}
    assert len(found) == 2  # a release for each way to rerank
    assert sum(each.total.calls for each in found) == 5
    assert {outcome.name for each in found for outcome in each.outcomes} == {"found", "cancelled"}


async def test_what_scores_alike_keeps_its_order(desk, server):
    before = await search(desk, rerank=None)
    server.plan.append(scored(1, 1, 1))
    assert names(await search(desk)) == names(before)


async def test_more_are_read_than_are_shown(desk, server):
    before = await search(desk, rerank=None)
    server.plan.append(scored(0, 0, 1))
    result = await search(desk, limit=1)
    assert names(result) == [names(before)[2]]


async def test_only_what_the_asker_may_see_is_sent(desk, server):
    await search(desk, rerank={"candidates": 100, "budget_ms": 5000})
    [asked] = server.requests("/rerank")
    assert asked.body["query"] == QUESTION
    assert len(asked.body["documents"]) == 5
    assert not any("secret" in text for text in asked.body["documents"])


@pytest.mark.parametrize(
    "behaviour",
    [
        failing(401),
        failing(400),
        scored(1, 1),
        scored(1, 1, "NaN"),
        Behaviour(body=b"<html>"),
        Behaviour(cut_after=10),
    ],
    ids=["key", "request", "partial", "nan", "page", "cut"],
)
async def test_the_order_stays_where_it_is_not_reranked(desk, server, behaviour):
    before = await search(desk, rerank=None)
    server.plan.append(behaviour)
    result = await search(desk)
    assert names(result) == names(before)
    assert [hit.rerank_score for hit in result.hits] == [None] * 5
    assert result.degraded == ["reranking"]


@pytest.mark.parametrize(
    "behaviour", [Behaviour(delay_s=3), Behaviour(drip_s=0.03)], ids=["silent", "dripping"]
)
async def test_a_budget_is_an_end(desk, server, behaviour):
    """Both would give a right answer, after three seconds."""
    server.plan.append(behaviour)
    result = await search(desk, rerank={"candidates": 3, "budget_ms": 300})
    assert result.degraded == ["reranking"]


async def test_one_that_failed_is_left_alone_by_who_asks_the_same(desk, server):
    server.plan.append(Behaviour(delay_s=3))
    soon = {"candidates": 3, "budget_ms": 300}
    assert [(await search(desk, rerank=soon)).degraded for _ in range(3)] == [["reranking"]] * 3
    assert len(server.requests("/rerank")) == 1
    assert not (await search(desk)).degraded


async def test_one_that_refuses_a_request_is_asked_again(desk, server):
    """It is there, and the next texts may do."""
    server.plan.append(failing(413))
    assert [(await search(desk)).degraded for _ in range(2)] == [["reranking"], []]


@pytest.mark.parametrize("status", [400, 503])
async def test_what_it_says_is_not_logged(desk, server, status):
    """It may quote the question and what it was asked to read."""
    server.plan.append(failing(status, "too long: pump n0 of oil"))
    with capture_logs() as logged:
        await search(desk)
    [line] = [line for line in logged if "reranker" in line["event"]]
    assert line["status"] == status
    assert "pump" not in str(logged)


async def test_a_release_that_reranks_where_nothing_does(world, models, tmp_path):
    await world.add("a.txt", "A pump.")
    async with open_desk(world, models, tmp_path / "spool") as desk:
        result = await search(desk)
    assert (names(result), result.degraded) == (["a.txt"], ["reranking"])


async def test_nothing_is_asked_about_nothing(desk, server):
    release = await desk.quoting(rerank=Rerank.model_validate(ASKED))
    nowhere = Filter(name="nowhere/")
    sought = Sought(question=QUESTION, surface="search", release=release, among=nowhere)
    result = await desk.searching.search(desk.world.person(), sought)
    assert (result.hits, result.degraded) == ([], [])
    assert not server.requests("/rerank")


async def test_an_answer_is_written_from_what_was_reranked(desk, server):
    third = names(await search(desk, rerank=None))[2]
    asked = Rerank.model_validate(ASKED)
    release = await desk.generating(["It is said [1]."], rerank=asked, passages=1)
    server.plan.append(scored(0, 0, 1))
    answer = (await desk.ask(QUESTION, release=release)).answer
    assert {each.document_name for each in answer.citations} == {third}
    assert "rerank" in [stage.name for stage in answer.stages]
    assert not answer.degraded


async def test_an_answer_and_its_trace_say_what_they_are_without(desk, server):
    release = await desk.quoting(rerank=Rerank.model_validate(ASKED), least_relevance=0)
    server.plan.append(failing(401))
    told = await desk.ask(QUESTION, release=release)
    assert told.answer.degraded == ("reranking",)
    await search(desk)
    searched, answered = await desk.traces()
    assert searched.degraded == answered.degraded == ["reranking"]
    steps = ["release", "embed", "count", "words", "vectors", "fetch", "rerank"]
    assert [stage["name"] for stage in searched.stages] == steps
    stages = [stage["name"] for stage in answered.stages]
    assert stages.index("judge") + 1 == stages.index("rerank")


async def test_another_order_makes_no_answer_an_abstention(desk, server):
    """Relevance is fitted to the best hits as they were found."""
    asked = Rerank.model_validate(ASKED)
    changes = {"rerank": asked, "passages": 1, "least_relevance": 0.8}
    release = await desk.generating(["It is said [1]."], **changes)
    server.plan.append(scored(0, 0, 1))
    answer = (await desk.ask("pump n0", release=release)).answer
    [citation] = answer.citations
    assert (citation.document_name != "0.txt", answer.outcome) == (True, "answered")


async def test_nothing_is_sent_of_what_is_not_about_the_question(desk, server):
    asked = Rerank.model_validate(ASKED)
    release = await desk.quoting(rerank=asked, least_relevance=0.8)
    assert (await desk.ask("pump zebra", release=release)).answer.outcome == "abstained"
    assert not server.requests("/rerank")


async def test_a_deletion_does_not_wait_for_a_search_of_others_that_is_reranked(desk, server):
    server.plan.append(Behaviour(delay_s=3))
    searching = asyncio.create_task(search(desk))
    await server.until_asked("/rerank")

    async def gone(tenant_id, documents):
        assert len(documents) == 5
        return frozenset()

    await desk.searching._in_flight.settle(gone)
    assert not searching.done()
    await searching


@pytest.mark.parametrize("limit", [-1, 0, 101])
async def test_as_many_hits_are_refused_as_without_reranking(desk, limit):
    with pytest.raises(Invalid, match="From 1 to 100"):
        await search(desk, limit=limit)

"""Probes tell the truth without a key, and counters move without a word of the user."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from roadworthy.api.app import create_app
from roadworthy.plumbing import jobs
from roadworthy.plumbing.database import Database
from roadworthy.releases import Release, Rerank, add_release
from tests.api.test_guards import FAILING
from tests.doubles.model_server import failing

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stranger(door):
    async with door.client(None) as client:
        yield client


@pytest.fixture
async def no_database(door, urls):
    """A stranger before a door whose database is gone."""
    gone = Database(app_url=urls.app, worker_url=urls.worker, connections=2)
    app = create_app(replace(door.services, database=gone))
    async with replace(door, app=app).client("rw_any") as client:
        yield client


async def test_it_lives_without_anything(no_database):
    assert (await no_database.get("/livez")).status_code == 200


async def test_it_is_ready_when_questions_can_be_answered(stranger):
    assert (await stranger.get("/readyz")).json() == {"status": "ready"}


async def test_it_is_not_ready_without_its_database(no_database):
    response = await no_database.get("/readyz")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert "database" in response.json()["facts"]


async def test_without_a_database_everybody_is_told_to_wait(no_database):
    response = await no_database.get("/v1/documents")
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")


async def test_it_is_not_ready_when_its_space_is_refused(door):
    refused = {"words": "The model has changed."}
    app = create_app(replace(door.services, embedders={}, refused_spaces=refused))
    async with replace(door, app=app).client(None) as client:
        problem = (await client.get("/readyz")).json()
    assert problem["detail"] == "The model has changed."


async def test_answers_and_requests_are_counted(client, plan):
    await client.post("/v1/answers", json={"question": "a heron plan"})
    await client.get("/v1/nowhere/heron")
    told = (await client.get("/metrics")).text
    assert (
        'roadworthy_http_requests_total{method="POST",route="/v1/answers",status="200"} 1.0' in told
    )
    assert 'route="unmatched",status="404"' in told
    assert 'roadworthy_answer_seconds_count{outcome="answered"} 1.0' in told
    assert "heron" not in told


async def test_what_waits_in_the_queue_is_told_by_state_and_of_no_tenant(door, client, world):
    for name in ("failed", "waiting", "running", "due"):
        await world.upload(f"{name}.txt", f"Text {name}.")
    async with world.database.as_worker() as conn:
        failed, waiting, _ = [await jobs.claim(conn) for _ in range(3)]
        await jobs.fail(conn, failed, problem="secret", kind="bug")
        await jobs.retry(conn, waiting, after=timedelta(hours=1), problem="secret")
        await conn.execute("UPDATE job SET run_at = now() - interval '1 hour' WHERE attempts = 0")
    told = (await client.get("/metrics")).text
    for state, problem in (
        ("failed", "bug"), ("queued", "unavailable"), ("running", ""), ("queued", ""),
    ):  # fmt: skip
        pile = f'roadworthy_jobs{{kind="ingest",problem="{problem}",state="{state}"}} 1.0'
        assert pile in told
    [oldest] = re.findall(r'roadworthy_oldest_due_job_seconds{kind="ingest"} (\S+)', told)
    assert 3600 <= float(oldest) < 3700
    posting = dict(re.findall(r'roadworthy_oldest_posting_seconds{state="(\w+)"} (\S+)', told))
    assert posting["uncleared"] == "0.0"
    assert 0 < float(posting["unmerged"]) < 3600
    assert "secret" not in told
    await world.upload("more.txt", "More.")
    assert 'problem="",state="queued"} 1.0' in (await client.get("/metrics")).text  # as just now


async def test_of_a_queue_that_cannot_be_read_nothing_is_told(no_database):
    told = await no_database.get("/metrics")
    assert told.status_code == 200
    assert "roadworthy_jobs{" not in told.text


async def test_a_degraded_answer_is_counted(client, plan, models):
    models.plan.append(failing(404))
    answer = (await client.post("/v1/search", json={"question": "coat"})).json()
    assert answer["degraded"] == ["embeddings"]
    told = (await client.get("/metrics")).text
    assert 'roadworthy_degraded_answers_total{without="embeddings"} 1.0' in told


async def test_what_an_answer_went_on_without_is_counted_where_it_fails_later(
    client, plan, door, models
):
    models.plan.extend([failing(404)] * 2)  # for the guard of questions, and for the embedding
    asked = {"tenant_id": door.world.tenant_id, "name": "failing", "release": FAILING}
    async with door.world.database.as_worker(door.world.tenant_id) as conn:
        await add_release(conn, **asked)
    body = {"question": "What is the plan?", "release": "failing"}
    assert (await client.post("/v1/answers", json=body)).status_code == 503
    told = (await client.get("/metrics")).text
    assert 'roadworthy_degraded_answers_total{without="embeddings"} 1.0' in told


async def test_a_search_that_was_to_be_reranked_says_so(client, plan, door):
    release = Release(answerer="extract", space="words", rerank=Rerank())
    asked = {"tenant_id": door.world.tenant_id, "name": "reranked", "release": release}
    async with door.world.database.as_worker(door.world.tenant_id) as conn:
        await add_release(conn, **asked)
    body = {"question": "coat", "release": "reranked"}
    answer = (await client.post("/v1/search", json=body)).json()
    assert answer["degraded"] == ["reranking"]
    assert [hit["rerank_score"] for hit in answer["hits"]] == [None] * len(answer["hits"])
    told = (await client.get("/metrics")).text
    assert 'roadworthy_degraded_answers_total{without="reranking"} 1.0' in told


async def test_the_log_holds_no_word_of_the_question(client, plan, capfd):
    await client.post("/v1/search?q=secretquery", json={"question": "secretword"})
    out, err = capfd.readouterr()
    assert "/v1/search" in out + err
    assert "secret" not in out + err

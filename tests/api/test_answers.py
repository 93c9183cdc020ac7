"""A question is answered with citations, whole or as a stream, and a trace says how."""

import json

import pytest

from roadworthy.core.scores import Score, digest_of
from roadworthy.corpus.access import access
from roadworthy.corpus.scores import KeptScore, keep_scores
from roadworthy.gateway.lanes import Lane, Limits
from roadworthy.retrieval import wording
from tests.doubles.model_server import said

pytestmark = pytest.mark.anyio

COAT = "Take one coat with you ."
QUESTION = {"question": "What is the plan?"}
CHAT = {"model": "generating", "messages": [{"role": "user", "content": "What is the plan?"}]}


async def events(client, path, body):
    """Read a stream of events as (name, data)."""
    async with client.stream("POST", path, json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        blocks = "".join([piece async for piece in response.aiter_text()]).split("\n\n")
    parsed = []
    for block in filter(None, blocks):
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        parsed.append((lines["event"], json.loads(lines["data"])))
    return parsed


async def test_an_answer_cites_its_document(client, plan):
    answer = (await client.post("/v1/answers", json=QUESTION)).json()
    assert answer["outcome"] == "answered"
    assert answer["citations"][0]["document_id"] == str(plan)
    assert "The plan is to leave on Monday." in answer["text"]


async def test_a_stream_ends_with_the_whole_answer(client, plan):
    told = await events(client, "/v1/answers", QUESTION | {"stream": True})
    names = [name for name, _ in told]
    assert names[0] == "stage"
    assert names[-1] == "end"
    assert "citation" in names
    text = "".join(data["text"] for name, data in told if name == "text")
    assert text == told[-1][1]["text"]


async def test_a_failure_in_mid_stream_is_an_error_event(client, plan, models, generating):
    models.events = said(["The plan.", " It", " is"])[:2]
    asked = QUESTION | {"stream": True, "release": generating}
    told = await events(client, "/v1/answers", asked)
    assert [name for name, _ in told][-2:] == ["text", "error"]
    assert told[-1][1]["type"] == "urn:roadworthy:problem:unavailable"
    assert "broke off" in told[-1][1]["detail"]


@pytest.fixture
def once_a_minute(door, monkeypatch):
    """The chat endpoint may be asked once a minute."""
    lanes = door.services.router.lanes
    limits = Limits(requests_per_minute=1, wait_s=0)
    monkeypatch.setitem(lanes, "chat", Lane("chat", lanes["chat"].endpoint, limits=limits))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_at_its_limit_is_told_with_the_time_to_wait(
    client, plan, generating, once_a_minute, stream
):
    asked = QUESTION | {"release": generating}
    assert (await client.post("/v1/answers", json=asked)).status_code == 200
    refused = await client.post("/v1/chat/completions", json=CHAT | {"stream": stream})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert refused.json()["error"]["type"] == "rate_limit_error"


async def test_a_conversation_is_passed_on(client, plan):
    turns = [
        {"role": "user", "content": "Take one coat with you"},
        {"role": "assistant", "content": "Why?"},
        {"role": "user", "content": "And then?"},
    ]
    answer = (await client.post("/v1/answers", json={"messages": turns})).json()
    assert "coat" in answer["text"]


async def test_the_filter_is_passed_on(client, plan):
    asked = QUESTION | {"filter": {"name": "elsewhere/"}}
    answer = (await client.post("/v1/answers", json=asked)).json()
    assert (answer["outcome"], answer["citations"]) == ("abstained", [])


FITTING = [
    {"title": "plan is"},
    {"after": "2020-01-31", "before": "9999-01-01", "media_type": "text/plain"},
    {"name": "plan"},
]
MISSING = [
    {"title": "is plan"},
    {"author": "ana"},
    {"before": "2020-01-31"},
    {"after": "9999-01-01"},
    {"metadata": {"site": "lyon"}},
]


@pytest.mark.parametrize("among", [*FITTING, *MISSING], ids=str)
async def test_every_filter_is_passed_on(client, plan, among):
    body = {"question": "one coat", "filter": among}
    found = (await client.post("/v1/search", json=body)).raise_for_status().json()
    assert bool(found["hits"]) == (among in FITTING)


@pytest.mark.parametrize(
    "among",
    [
        {"after": "spring"},
        {"after": 1704067200},
        {"after": "1704067200"},
        {"title": "x" * 151},
        {"type": "pdf"},
        {"media_type": "pdff"},
        {"language": "klingon"},
    ],
    ids=str,
)
async def test_a_filter_that_means_nothing_is_refused(client, among):
    body = {"question": "one coat", "filter": among}
    assert (await client.post("/v1/search", json=body)).status_code == 422


@pytest.mark.parametrize(
    "among", [{"language": "EN"}, {"language": "en-GB"}, {"media_type": "TXT"}], ids=str
)
async def test_a_filter_is_read_as_where_it_is_typed(client, plan, among):
    body = {"question": "one coat", "filter": among}
    assert (await client.post("/v1/search", json=body)).raise_for_status().json()["hits"]


@pytest.mark.parametrize("path", ["/v1/search", "/v1/answers"])
async def test_filters_may_be_typed(client, plan, path, wait_for_traces):
    for typed, found in (("type:txt", True), ("type:pdf", False), ("before:2020", False)):
        body = {"question": f"{QUESTION['question']} {typed}", "filter": {"name": "plan"}}
        told = (await client.post(path, json=body)).raise_for_status().json()
        assert bool(told.get("hits") or told.get("citations")) == found
    read = {"text": QUESTION["question"], "filters": ["name:plan", "before:2020-01-01"]}
    assert told["searched_for"] == read
    assert (await wait_for_traces(client, of=3))[0]["searched_for"] == read


async def test_a_search_that_looked_at_too_few_says_so(client, world, monkeypatch):
    monkeypatch.setattr(wording, "MOST_READ", 100)
    await world.add("many.txt", "\n\n".join(f"one coat {n}" for n in range(120)))
    for question, degraded in (("one -coat", ["further matches"]), ('one "coat 7"', [])):
        body = {"question": question}
        found = (await client.post("/v1/search", json=body)).raise_for_status().json()
        assert found["degraded"] == degraded


async def test_what_looks_like_a_filter_is_refused_where_it_is_searched_alone(client, plan):
    body = {"question": "the plan? after:spring"}
    refused = await client.post("/v1/search", json=body)
    assert refused.status_code == 422
    assert "write after:2024-01-31" in refused.json()["detail"]
    answered = (await client.post("/v1/answers", json=body)).raise_for_status().json()
    assert answered["searched_for"] == {"text": body["question"], "filters": []}


async def test_typed_and_given_filters_hold_together(client, plan):
    body = {"question": "one coat title:plan", "filter": {"title": "elsewhere"}}
    assert (await client.post("/v1/search", json=body)).json()["hits"] == []
    body = {"question": "one coat lang:en", "filter": {"language": "fr"}}
    found = (await client.post("/v1/search", json=body)).raise_for_status().json()
    assert (found["hits"], found["searched_for"]["filters"]) == ([], ["language:en", "language:fr"])


async def test_what_was_filtered_before_is_not_filtered_now(client, plan):
    """A client sends the whole conversation, with what was refused in it."""
    turns = [
        {"role": "user", "content": "What is the plan? type:pdf after:spring"},
        {"role": "assistant", "content": "The documents do not say."},
        {"role": "user", "content": "What is the plan?"},
    ]
    told = (await client.post("/v1/answers", json={"messages": turns})).raise_for_status().json()
    assert told["outcome"] == "answered"


async def test_the_answer_has_a_trace(client, plan, wait_for_traces):
    answer = (await client.post("/v1/answers", json=QUESTION)).json()
    [trace] = await wait_for_traces(client)
    assert (trace["id"], trace["surface"]) == (answer["id"], "answers")
    whole = (await client.get(f"/v1/traces/{answer['id']}")).json()
    assert whole["trace"]["answer"] == answer["text"]
    assert whole["hits"][0]["document_id"] == str(plan)


async def test_nobody_reads_the_trace_of_another(client, plan, door, wait_for_traces):
    await client.post("/v1/answers", json=QUESTION)
    [trace] = await wait_for_traces(client)
    async with door.client(await door.key("bo")) as other:
        assert (await other.get(f"/v1/traces/{trace['id']}")).status_code == 404
        assert (await other.get("/v1/traces")).json() == {"data": [], "next": None}


async def test_what_may_not_be_read_is_not_found(client, door, world):
    await world.add("pay.txt", "The plan is to pay nobody.", readers=access(groups=["hr"]))
    answer = (await client.post("/v1/answers", json=QUESTION)).json()
    assert answer["outcome"] == "abstained"
    async with door.client(await door.key("hal", groups=["hr"])) as hal:
        assert (await hal.post("/v1/answers", json=QUESTION)).json()["outcome"] == "answered"


async def test_a_search_tells_nothing_of_what_the_guards_keep(client, world, plan):
    async with world.database.as_worker(world.tenant_id) as conn:
        passages = await (await conn.execute("SELECT id, text FROM passage")).fetchall()
        score = Score(value=0.9, threshold=0.5, version="1")
        kept = {number: KeptScore(digest=digest_of(text), score=score) for number, text in passages}
        await keep_scores(conn, kept)
    found = await client.post("/v1/search", json={"question": "one coat"})
    assert found.status_code == 200
    assert {"kept_score", "told"}.isdisjoint(found.json()["hits"][0])


async def test_search_gives_hits_with_text_and_scores(client, plan):
    found = (
        await client.post("/v1/search", json={"question": "one coat with you", "limit": 1})
    ).json()
    [hit] = found["hits"]
    assert (hit["rank"], hit["text"], hit["document_name"]) == (1, COAT, "plan.txt")
    assert found["visible_passages"] == 2
    assert (hit["vector_path"], hit["keyword_rank"], hit["vector_rank"]) == ("exact", 1, 1)
    steps = {stage["name"]: stage for stage in found["stages"]}
    assert list(steps) == ["release", "embed", "count", "words", "vectors", "fetch"]
    assert steps["vectors"]["note"] == "words: exact of 2"
    assert sum(stage["ms"] for stage in found["stages"]) < found["ms"]


async def test_releases_say_which_is_live(client):
    [release] = (await client.get("/v1/releases")).json()["data"]
    assert (release["name"], release["is_live"]) == ("extract", True)
    assert release["content"]["answerer"] == "extract"

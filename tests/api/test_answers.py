"""A question is answered with citations, whole or as a stream, and a trace says how."""

import json

import pytest

from roadworthy.corpus.access import access
from tests.doubles.model_server import said

pytestmark = pytest.mark.anyio

COAT = "Take one coat with you ."
QUESTION = {"question": "What is the plan?"}


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
    models.events = said(models.pieces)[:2]
    asked = QUESTION | {"stream": True, "release": generating}
    told = await events(client, "/v1/answers", asked)
    assert [name for name, _ in told][-2:] == ["text", "error"]
    assert told[-1][1]["type"] == "urn:roadworthy:problem:unavailable"
    assert "broke off" in told[-1][1]["detail"]


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


async def test_search_gives_hits_with_text_and_scores(client, plan):
    found = (
        await client.post("/v1/search", json={"question": "one coat with you", "limit": 1})
    ).json()
    [hit] = found["hits"]
    assert (hit["rank"], hit["text"], hit["document_name"]) == (1, COAT, "plan.txt")
    assert found["visible_passages"] == 2


async def test_releases_say_which_is_live(client):
    [release] = (await client.get("/v1/releases")).json()["data"]
    assert (release["name"], release["is_live"]) == ("extract", True)
    assert release["content"]["answerer"] == "extract"

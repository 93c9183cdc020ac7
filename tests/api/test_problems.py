"""Whatever fails is a problem that names the mend: on every route, in every shape of request."""

import json
from dataclasses import replace

import pytest

from roadworthy.api.app import create_app
from roadworthy.api.problems import STATUS, TITLES
from roadworthy.core.errors import RoadworthyError

pytestmark = pytest.mark.anyio

NESTED = b"[" * 100_000
OPENAI = ["/v1/chat/completions", "/v1/embeddings"]


def kinds(error=RoadworthyError):
    """Walk the error tree."""
    for each in error.__subclasses__():
        yield each.kind
        yield from kinds(each)


def test_every_kind_of_the_tree_has_a_status_and_a_title():
    assert set(kinds()) == STATUS.keys()
    assert STATUS.keys() <= TITLES.keys()


def check(response, status, kind):
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == f"urn:roadworthy:problem:{kind}"
    assert problem["status"] == status
    assert problem["instance"] == response.headers["x-request-id"]
    assert problem["detail"].endswith((".", "'")) or problem["errors"]
    return problem


@pytest.mark.parametrize("key", [None, "rw_unknown", "rw_" + "x" * 300, "ä"])
@pytest.mark.parametrize("path", ["/v1/answers", "/v1/models", "/v1/nowhere"])
async def test_without_a_valid_key_nothing_is_said(door, path, key):
    async with door.client(None) as client:
        headers = {"authorization": f"Bearer {key}".encode()} if key else {}
        response = await client.get(path, headers=headers)
    check(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_an_unknown_address_is_a_problem(client):
    check(await client.get("/v1/nowhere"), 404, "missing")
    check(await client.get("/nowhere"), 404, "missing")


async def test_a_wrong_method_names_the_right_one(client):
    response = await client.put("/v1/answers")
    check(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"
    several = await client.put("/v1/documents")
    assert several.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": ""},
        {"question": "a", "messages": [{"role": "user", "content": "a"}]},
        {"question": "a\0b"},
        {"question": "\ud800"},
        {"question": 7},
        {"question": "a", "stream": "yes"},
        {"question": "a", "unknown": 1},
        {"question": "x" * 8001},
        {"question": "   "},
        {"question": "a", "filter": {"metadata": {"k": float("inf")}}},
        {"question": "a", "filter": {"metadata": {"k": 10**400}}},
        {"question": "a", "filter": {"metadata": {"k\0": 1}}},
        {"messages": [{"role": "assistant", "content": "a"}]},
        {"messages": [{"role": "system", "content": "a"}]},
    ],
)
async def test_a_wrong_body_is_refused(client, plan, body):
    problem = check(await post(client, "/v1/answers", body), 422, "invalid")
    assert "error" not in problem or problem["error"] is None


async def post(client, path, body):
    content = json.dumps(body, ensure_ascii=True)
    return await client.post(path, content=content, headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    ("content", "status"),
    [(NESTED, 400), (b'{"question":' + b"9" * 5000 + b"}", 400), (b"\xff\xfe{", 400), (b"{", 422)],
    ids=["nested", "huge-number", "no-text", "cut-off"],
)
@pytest.mark.parametrize("path", ["/v1/answers", "/v1/search", *OPENAI])
async def test_an_unreadable_body_is_refused(client, path, content, status):
    response = await client.post(
        path, content=content, headers={"content-type": "application/json"}
    )
    check(response, status, "malformed" if status == 400 else "invalid")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/documents/nobody",
        "/v1/documents/%00",
        "/v1/jobs/1",
        "/v1/traces/x",
        "/v1/documents?limit=-1",
        "/v1/documents?limit=99999999999999999999",
        "/v1/documents?after=x",
        "/v1/documents?corpus=%00",
        "/v1/traces?limit=0",
    ],
)
async def test_a_wrong_address_is_refused(client, path):
    check(await client.get(path), 422, "invalid")


async def test_a_body_beyond_the_limit_is_refused_while_it_is_read(client):
    sent = 0

    async def endless():
        nonlocal sent
        while True:
            sent += 100_000
            yield b" " * 100_000

    response = await client.post(
        "/v1/answers", content=endless(), headers={"content-type": "application/json"}
    )
    check(response, 413, "too-large")
    assert sent < 1_500_000


@pytest.mark.parametrize("path", OPENAI)
async def test_openais_protocol_has_its_error_too(client, path):
    problem = check(await client.post(path, json={}), 422, "invalid")
    error = problem["error"]
    assert error["message"] == problem["detail"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid")
    assert error["param"] == problem["errors"][0]["field"].removeprefix("body.")


async def test_what_is_missing_says_how_to_find_what_exists(client):
    response = await client.post("/v1/answers", json={"question": "a", "release": "none"})
    assert "release list" in check(response, 404, "missing")["detail"]


async def test_a_full_house_says_when_to_come_again(client, door, plan, monkeypatch):
    monkeypatch.setattr(door.services.bounds.answers, "_places", 0)
    monkeypatch.setattr(door.services.bounds.answers, "_waiting", 0)
    response = await client.post("/v1/answers", json={"question": "plan"})
    check(response, 429, "busy")
    assert response.headers["retry-after"] == "5"


async def test_a_mistake_of_ours_tells_nothing_of_its_insides(door, plan):
    broken = replace(door, app=create_app(replace(door.services, answering=None)))
    async with broken.client(await door.key()) as client:
        response = await client.post("/v1/answers", json={"question": "plan"})
    problem = check(response, 500, "bug")
    assert "NoneType" not in response.text
    assert "Traceback" not in response.text
    assert problem["facts"] == {}


async def test_a_callers_request_id_is_kept_when_it_is_plain(client):
    kept = await client.get("/livez", headers={"x-request-id": "abc-1"})
    assert kept.headers["x-request-id"] == "abc-1"
    replaced = await client.get("/livez", headers={"x-request-id": "a b\tc"})
    assert replaced.headers["x-request-id"] != "a b\tc"

"""Languages may be told: of a question, of an upload, of a document that is there."""

import pytest

pytestmark = pytest.mark.anyio


async def test_the_corpora_say_how_they_are_searched(client, plan):
    [corpus] = (await client.get("/v1/corpora")).json()["data"]
    assert corpus == {
        "name": "main",
        "routes": [{"language": "*", "space": "words", "text_search": "auto"}],
        "languages": ["en"],
    }


async def test_whoever_may_read_nothing_sees_no_languages(door, client, plan):
    async with door.client(await door.key("bob")) as bobs:
        await client.patch(
            f"/v1/documents/{plan}", json={"groups": [], "users": ["ana"], "clearance": 0}
        )
        [corpus] = (await bobs.get("/v1/corpora")).json()["data"]
    assert corpus["languages"] == []


@pytest.mark.parametrize("path", ["/v1/search", "/v1/answers"])
async def test_a_question_may_tell_its_language(client, plan, path, wait_for_traces):
    asked = {"question": "What is the plan?", "language": "fr-CA"}
    assert (await client.post(path, json=asked)).status_code == 200
    [trace] = await wait_for_traces(client)
    assert trace["language"] == "fr"


@pytest.mark.parametrize("language", ["french", "x", "", "en_XX", "C"])
@pytest.mark.parametrize("path", ["/v1/search", "/v1/answers"])
async def test_what_is_no_language_is_refused(client, path, language):
    asked = {"question": "What is the plan?", "language": language}
    assert (await client.post(path, json=asked)).status_code == 422


async def test_each_hit_says_in_which_space_it_was_found(client, plan):
    found = (await client.post("/v1/search", json={"question": "the plan"})).json()
    assert {hit["space"] for hit in found["hits"]} == {"words"}


async def test_a_document_may_be_told_its_language_and_lose_it(client, plan):
    path = f"/v1/documents/{plan}"
    assert (await client.patch(path, json={"language": "fr"})).status_code == 200
    assert (await client.patch(path, json={"language": None})).status_code == 200
    assert (await client.patch(path, json={"language": "frensh"})).status_code == 422


@pytest.mark.parametrize(
    "body", [{}, {"groups": ["hr"]}, {"groups": [], "users": [], "clearance": 0, "language": "fr"}]
)
async def test_a_change_of_readers_is_whole_or_none(client, plan, body):
    assert (await client.patch(f"/v1/documents/{plan}", json=body)).status_code == 422


async def test_an_upload_may_tell_its_language(client):
    files = {"file": ("a.txt", b"The pump.")}
    told = await client.post("/v1/documents", files=files, data={"language": "de"})
    assert told.status_code == 202
    wrong = await client.post("/v1/documents", files=files, data={"language": "deutsch"})
    assert wrong.status_code == 422

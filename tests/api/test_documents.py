"""Files are handed in one transaction each, and belong to those who hand them in."""

import uuid

import pytest

pytestmark = pytest.mark.anyio


def file(name="plan.txt", content=b"The plan.", media_type="text/plain"):
    return ("file", (name, content, media_type))


async def upload(client, *files, **fields):
    return await client.post("/v1/documents", files=list(files or [file()]), data=fields)


async def test_an_accepted_file_has_a_job(client, world):
    response = await upload(client, groups=["legal"], users=["ana"], metadata='{"year": 2024}')
    assert response.status_code == 202
    [handed] = response.json()["data"]
    assert (handed["name"], handed["outcome"]) == ("plan.txt", "accepted")
    job = (await client.get(f"/v1/jobs/{handed['job_id']}")).json()
    assert (job["state"], job["document_id"]) == ("queued", handed["document_id"])
    await world.publish_all()
    assert (await client.get(f"/v1/jobs/{handed['job_id']}")).json()["state"] == "done"
    document = (await client.get(f"/v1/documents/{handed['document_id']}")).json()
    assert document["readers"] == ["group:legal", "user:ana"]
    assert (document["metadata"], document["state"]) == ({"year": 2024}, "ready")


async def test_the_same_file_again_is_unchanged(client):
    await upload(client)
    [handed] = (await upload(client)).json()["data"]
    assert (handed["outcome"], handed["job_id"]) == ("unchanged", None)


async def test_the_same_file_with_other_metadata_is_updated(client):
    await upload(client, metadata='{"year": 2024}')
    [handed] = (await upload(client, metadata='{"year": 2025}')).json()["data"]
    assert (handed["outcome"], handed["job_id"]) == ("updated", None)
    document = (await client.get(f"/v1/documents/{handed['document_id']}")).json()
    assert document["metadata"] == {"year": 2025}


async def test_one_bad_file_takes_no_other_with_it(client):
    response = await upload(client, file("a.txt"), file("b.txt", b""), file("c.txt", b"Other."))
    handed = response.json()["data"]
    assert [each["outcome"] for each in handed] == ["accepted", "failed", "accepted"]
    assert handed[1]["problem"]["status"] == 422
    assert len((await client.get("/v1/documents")).json()["data"]) == 2


async def test_a_single_bad_file_is_the_answer(client):
    response = await upload(client, file(content=b""))
    assert (response.status_code, response.json()["facts"]["reason"]) == (422, "empty")


@pytest.mark.parametrize(
    "fields",
    [
        {"clearance": "-1"},
        {"clearance": "x"},
        {"metadata": "{"},
        {"metadata": '{"a": [1]}'},
        {"metadata": '{"a": "\\u0000"}'},
        {"groups": "a\0"},
        {"name": "a\0"},
        {"name": "x" * 1001},
        {"unknown": "1"},
        {"corpus": ["main", "other"]},
    ],
)
async def test_a_wrong_field_is_refused(client, fields):
    assert (await upload(client, **fields)).status_code == 422
    assert (await client.get("/v1/documents")).json()["data"] == []


async def test_no_file_is_refused(client):
    assert (await client.post("/v1/documents", data={"name": "x"})).status_code == 422
    assert (await client.post("/v1/documents")).status_code == 422


async def test_a_broken_form_is_refused(client):
    headers = {"content-type": "multipart/form-data; boundary=x"}
    response = await client.post("/v1/documents", content=b"--y\r\n\r\n", headers=headers)
    assert response.status_code in {400, 422}


async def test_an_odd_charset_makes_no_half_characters(client):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="\\ud800"\r\n\r\n'
        b"text\r\n--x--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=x; charset=unicode_escape"}
    response = await client.post("/v1/documents", content=body, headers=headers)
    assert response.status_code == 422


async def test_a_file_beyond_the_limit_is_refused_while_it_is_read(client):
    sent = 0

    async def endless():
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        while True:
            sent += 100_000
            yield b"x" * 100_000

    headers = {"content-type": "multipart/form-data; boundary=x"}
    response = await client.post("/v1/documents", content=endless(), headers=headers)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert sent < 1_500_000  # the limit of these tests is 1 MB


async def test_a_declared_length_beyond_the_limit_is_refused_at_once(client):
    response = await upload(client, file(content=b"x" * 1_200_000))
    assert response.status_code == 413


async def test_an_unknown_corpus_is_missing(client):
    assert (await upload(client, corpus="none")).status_code == 404


async def test_a_reading_key_changes_nothing(door, client):
    [handed] = (await upload(client)).json()["data"]
    path = f"/v1/documents/{handed['document_id']}"
    async with door.client(await door.key(may_ingest=False)) as reader:
        assert (await upload(reader)).status_code == 403
        readers = {"groups": ["everyone"], "users": [], "clearance": 0}
        assert (await reader.patch(path, json=readers)).status_code == 403
        assert (await reader.delete(path)).status_code == 403
        assert (await reader.get(path)).status_code == 200


async def test_new_readers_hold_from_the_next_request(door, client):
    [handed] = (await upload(client)).json()["data"]
    path = f"/v1/documents/{handed['document_id']}"
    async with door.client(await door.key("bo")) as other:
        assert (await other.get(path)).status_code == 200
        changed = await client.patch(path, json={"groups": [], "users": ["ana"], "clearance": 0})
        assert changed.json()["readers"] == ["user:ana"]
        assert (await other.get(path)).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"clearance": 1}, {"groups": [], "users": [], "clearance": 0}]
)
async def test_nobody_shares_with_everybody_by_leaving_things_out(client, body):
    [handed] = (await upload(client, users=["ana"])).json()["data"]
    path = f"/v1/documents/{handed['document_id']}"
    assert (await client.patch(path, json=body)).status_code == 422


async def test_only_the_owner_deletes(door, client):
    [handed] = (await upload(client)).json()["data"]
    path = f"/v1/documents/{handed['document_id']}"
    async with door.client(await door.key("bo")) as other:
        assert (await other.delete(path)).status_code == 403
    assert (await client.delete(path)).status_code == 200
    assert (await client.get(path)).status_code == 404
    assert (await client.delete(f"/v1/documents/{uuid.uuid4()}")).status_code == 404


async def test_pages_hold_each_document_once(client):
    for number in range(5):
        await upload(client, file(f"{number}.txt", b"%d" % number))
    seen, cursor = [], {}
    for _ in range(3):
        page = (await client.get("/v1/documents", params={"limit": 2, **cursor})).json()
        seen += [document["name"] for document in page["data"]]
        cursor = {"after": page["next"]}
    assert page["next"] is None
    assert seen == [f"{number}.txt" for number in range(5)]

"""No canary of a document reaches anybody who may not read it, on any surface, ever."""

import json
import re
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from roadworthy.corpus.access import Access, access
from roadworthy.corpus.ownership import reshare
from roadworthy.worker.questions import answer_next
from tests.world import make_world

pytestmark = pytest.mark.anyio

QUESTION = "Where does the harbour plan keep its canary word?"
GROUPS, USERS = ("legal", "hr", "board"), ("ana", "bo")
CASES = max(250, settings().max_examples)  # the profile "thorough" makes more
OPENED = {"groups": ["everyone"], "users": [], "clearance": 0}
APPROVALS = {"/v1/approvals/{approval_id}", "/v1/approvals/{approval_id}/grant"}
# Of documents.
TELL_NOTHING = {"/livez", "/readyz", "/v1/embeddings", "/v1/models/{model}", *APPROVALS}
COUNTED = iter(range(10 * CASES))


@dataclass(frozen=True)
class Person:
    user: str
    groups: frozenset[str]
    clearance: int


AUDIENCES = st.builds(
    access,
    groups=st.frozensets(st.sampled_from(GROUPS), max_size=2),
    users=st.frozensets(st.sampled_from(USERS), max_size=1),
    clearance=st.integers(0, 2),
)
PEOPLE = st.builds(
    Person,
    user=st.sampled_from(USERS),
    groups=st.frozensets(st.sampled_from(GROUPS), max_size=2),
    clearance=st.integers(0, 2),
)


def canary(number: int) -> str:
    return f"zyqx{number}zyqx"


async def surfaces(door, client, documents, jobs):
    """Call everything that could tell something, and give all that was said."""
    said = {}

    async def note(name, method, path, **kwargs):
        assert name not in said
        response = await client.request(method, path, **kwargs)
        assert response.status_code < 500, (name, response.text)
        said[name] = response.text + json.dumps(dict(response.headers))
        return response

    asked = {"messages": [{"role": "user", "content": QUESTION}], "model": "live"}
    await note("search", "POST", "/v1/search", json={"question": QUESTION, "limit": 50})
    await note("answer", "POST", "/v1/answers", json={"question": QUESTION})
    await note("stream", "POST", "/v1/answers", json={"question": QUESTION, "stream": True})
    kept = await note("later", "POST", "/v1/answers", json={"question": QUESTION, "async": True})
    await answer_next(door.services)
    await note("kept", "GET", f"/v1/answers/{kept.json()['id']}")
    await note("chat", "POST", "/v1/chat/completions", json=asked)
    for name in ("documents", "jobs", "corpora", "releases", "models", "costs"):
        await note(name, "GET", f"/v1/{name}")
    await door.services.recorder.flush()
    traces = await note("traces", "GET", "/v1/traces")
    for number, trace in enumerate(traces.json()["data"]):
        await note(f"trace {number}", "GET", f"/v1/traces/{trace['id']}")
    for number, (document, job) in enumerate(zip(documents, jobs, strict=True)):
        await about(note, number, document, job)
    await note("upload", "POST", "/v1/documents", files={"file": ("doc0.txt", b"Mine.")})
    receipt = await note("leave", "POST", "/v1/deletions", json={"documents": "mine"})
    await note("receipt", "GET", f"/v1/deletions/{receipt.json().get('id')}")
    await note("deletions", "GET", "/v1/deletions")
    await note("metrics", "GET", "/metrics")
    return said


async def about(note, number, document, job):
    """Call what is about one document."""
    path = f"/v1/documents/{document}"
    await note(f"document {number}", "GET", path)
    await note(f"verdicts {number}", "GET", f"{path}/verdicts")
    await note(f"job {number}", "GET", f"/v1/jobs/{job}")
    # Refused, and must not tell either.
    await note(f"review {number}", "POST", f"{path}/review", json={"decision": "reject"})
    await note(f"retry {number}", "POST", f"/v1/jobs/{job}/retry")
    await note(f"drop {number}", "DELETE", f"/v1/jobs/{job}")
    await note(f"share {number}", "PATCH", path, json=OPENED)
    await note(f"language {number}", "PATCH", path, json={"language": "fr"})
    await note(f"delete {number}", "DELETE", path)


async def jobs_of(world, documents):
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await conn.execute("SELECT document_id, id FROM job")
        found = dict(await rows.fetchall())
    return [found[document] for document in documents]


async def test_every_route_is_a_surface(door):
    document = await door.world.add("doc0.txt", "The harbour plan.")
    asked = []

    async def note(request):
        asked.append((request.method.lower(), request.url.path))

    async with door.client(await door.key()) as client:
        client.event_hooks["request"].append(note)
        await surfaces(door, client, [document], await jobs_of(door.world, [document]))
    for template, methods in door.app.openapi()["paths"].items():
        path = re.compile(re.sub(r"{[^}]*}", "[^/]+", template))
        called = {method for method, one in asked if path.fullmatch(one)}
        assert template in TELL_NOTHING or called >= methods.keys(), template


@settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # a case is small enough to read as it is
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    audiences=st.lists(AUDIENCES, min_size=1, max_size=3),
    person=PEOPLE,
    narrowed=st.one_of(st.none(), AUDIENCES),
)
async def test_no_surface_tells_what_may_not_be_read(door, audiences, person, narrowed):
    world = await make_world(door.world.database, f"leak-{next(COUNTED)}")
    door = type(door)(world=world, services=door.services, app=door.app)
    documents = [
        (
            await world.upload(
                f"doc{n}-{canary(n)}.txt",
                f"The harbour plan {n}.\n\nThe canary word is {canary(n)}.",
                readers=readers,
            )
        ).document_id
        for n, readers in enumerate(audiences)
    ]
    await world.publish_all()
    jobs = await jobs_of(world, documents)
    key = await door.key(person.user, groups=person.groups, clearance=person.clearance)
    async with door.client(key) as client:
        check(await surfaces(door, client, documents, jobs), audiences, world, person)
        if narrowed is not None:
            async with world.database.as_worker(world.tenant_id) as conn:
                await reshare(
                    conn,
                    tenant_id=world.tenant_id,
                    document_id=documents[0],
                    wanted=narrowed,
                    by=None,
                )
            now = [narrowed, *audiences[1:]]
            check(await surfaces(door, client, documents, jobs), now, world, person)


def check(said, audiences: list[Access], world, person: Person):
    who = world.person(person.user, groups=person.groups, clearance=person.clearance)
    for number, readers in enumerate(audiences):
        if readers.admits(who):
            for surface in ("search", "documents", "jobs", f"document {number}", f"job {number}"):
                assert str(number) in said[surface]
            assert canary(number) in said["search"]
        else:
            told = [surface for surface, text in said.items() if canary(number) in text]
            assert told == [], f"{person} must not read document {number}: {readers}"

"""What is under legal hold is not deleted and not replaced, whichever way somebody takes."""

import contextlib
import uuid

import psycopg
import pytest

from roadworthy.core.errors import Conflict, Invalid, Missing, Refused
from roadworthy.corpus.accepting import Upload, accept
from roadworthy.corpus.access import access
from roadworthy.corpus.documents import find_corpus
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.corpus.publishing import publish
from roadworthy.deletion import add_hold, lift_hold, list_holds
from roadworthy.plumbing import jobs
from tests.world import extract

pytestmark = pytest.mark.anyio
ALL_ROWS = """
SELECT (SELECT array_agg(to_jsonb(d) - 'updated_at' - 'problem' - 'acl_id') FROM document d),
       (SELECT array_agg(content || convert_to(text, 'UTF8')) FROM revision),
       (SELECT array_agg(text ORDER BY id) FROM passage)
"""


@pytest.fixture
async def ana(world):
    person = world.person("ana")
    await world.put(person)
    return person


@pytest.fixture
async def document(world, ana):
    return await world.add("plan.txt", "The plan.\n\nIt is old.", owner="ana")


async def place(world, *, by="operator", **target):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await add_hold(conn, tenant_id=world.tenant_id, reason="A dispute.", by=by, **target)


async def stored(world):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await (await conn.execute(ALL_ROWS)).fetchone()


def targets(world, document):
    return {
        "document": {"document_id": document},
        "person": {"user_id": "ana"},
        "corpus": {"corpus_id": world.corpus.id},
    }


async def by_owner(world, deletion, document):
    await deletion.delete_document(document, tenant_id=world.tenant_id, by=world.person("ana"))


async def by_operator(world, deletion, document):
    await deletion.delete_document(document, tenant_id=world.tenant_id, by=None)


async def without_receipt(world, deletion, document):
    async with world.database.as_worker(world.tenant_id) as conn:
        await delete(conn, tenant_id=world.tenant_id, document_id=document, by=None)


async def with_the_person(world, deletion, document):
    await deletion.delete_person(world.person("ana"), report=lambda _: None)


async def with_the_documents_of_the_person(world, deletion, document):
    await deletion.delete_person(world.person("ana"), documents_only=True, report=lambda _: None)


async def with_the_corpus(world, deletion, document):
    await deletion.delete_corpus(world.corpus, tenant_id=world.tenant_id, report=lambda _: None)


async def with_the_tenant(world, deletion, document):
    await deletion.delete_tenant(world.tenant_id, report=lambda _: None)


async def by_a_new_version(world, deletion, document):
    await world.upload("plan.txt", "The new plan.", owner="ana")


async def by_a_new_version_for_others(world, deletion, document):
    await world.upload("plan.txt", "The new plan.", owner="ana", readers=access(groups=["board"]))


async def by_other_metadata(world, deletion, document):
    await world.upload("plan.txt", "The plan.\n\nIt is old.", owner="ana", metadata={"a": 1})


async def by_the_owners_new_version(world, deletion, document):
    upload = Upload(name="plan.txt", content=b"Mine.", access=access(), owner="ana")
    async with world.database.write_as(world.person("ana")) as conn:
        await accept(conn, upload, tenant_id=world.tenant_id, corpus=world.corpus, by="ana")


PATHS = [
    by_owner,
    by_operator,
    without_receipt,
    with_the_person,
    with_the_documents_of_the_person,
    with_the_corpus,
    with_the_tenant,
    by_a_new_version,
    by_a_new_version_for_others,
    by_other_metadata,
    by_the_owners_new_version,
]


@pytest.mark.parametrize("on", ["document", "person", "corpus"])
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
async def test_no_path_takes_it(world, deletion, document, path, on):
    before = await stored(world)
    hold = await place(world, **targets(world, document)[on])
    with pytest.raises(Conflict, match=str(hold)):
        await path(world, deletion, document)
    assert await stored(world) == before


REFUSALS = (
    psycopg.errors.RestrictViolation,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ForeignKeyViolation,
)
STATEMENTS = [
    "DELETE FROM document",
    "DELETE FROM revision",
    "DELETE FROM passage",
    "UPDATE revision SET content = '', content_hash = sha256('')",
    "UPDATE revision SET text = ''",
    "UPDATE revision SET text = NULL",
    "UPDATE passage SET text = ''",
    "UPDATE passage SET revision_id = gen_random_uuid()",
    "UPDATE document SET metadata = '{}', name = 'other'",
    "UPDATE document SET owner = 'bo'",
    "UPDATE document SET corpus_id = 0",
    "DELETE FROM corpus",
    "DELETE FROM principal",
    "DELETE FROM legal_hold",
    "TRUNCATE document CASCADE",
    "ALTER TABLE document DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
]


@pytest.mark.parametrize("on", ["document", "person", "corpus"])
@pytest.mark.parametrize("role", ["app", "worker"])
@pytest.mark.parametrize("statement", STATEMENTS)
async def test_no_statement_of_a_role_takes_it(world, urls, document, role, statement, on):
    await place(world, **targets(world, document)[on])
    before = await stored(world)
    with psycopg.connect(getattr(urls, role)) as conn:
        for name, value in (
            ("tenant", str(world.tenant_id)),
            ("user", "ana"),
            ("subjects", "{user:ana,group:everyone}"),
            ("clearance", "1000"),
        ):
            conn.execute("SELECT set_config(%s, %s, false)", [f"roadworthy.{name}", value])
        conn.commit()
        with contextlib.suppress(*REFUSALS):
            conn.execute(statement)
            conn.commit()
    assert await stored(world) == before
    async with world.database.as_worker(world.tenant_id) as conn:
        assert len(await list_holds(conn, tenant_id=world.tenant_id)) == 1


async def test_a_version_that_was_accepted_before_is_not_published(world, document):
    await world.upload("plan.txt", "The new plan.", owner="ana")
    hold = await place(world, document_id=document)
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    async with world.database.as_worker(world.tenant_id) as conn:
        with pytest.raises(Refused, match=str(hold)):
            await publish(conn, lease, extract("The new plan.", world.space))
        await conn.rollback()


async def test_a_new_document_of_a_held_person_can_be_published(world, ana):
    await place(world, user_id="ana")
    await world.add("new.txt", "New.", owner="ana")
    assert "New." in (await stored(world))[2]


async def test_readers_may_change(world, document):
    await place(world, document_id=document)
    async with world.database.as_worker(world.tenant_id) as conn:
        await reshare(
            conn,
            tenant_id=world.tenant_id,
            document_id=document,
            wanted=access(groups=["board"]),
            by=None,
        )


async def test_a_lifted_hold_holds_nothing(world, deletion, document):
    hold = await place(world, document_id=document)
    async with world.database.as_worker(world.tenant_id) as conn:
        await lift_hold(conn, tenant_id=world.tenant_id, hold_id=hold, by="operator")
        assert await list_holds(conn, tenant_id=world.tenant_id) == []
    await by_owner(world, deletion, document)
    assert await stored(world) == (None, None, None)


async def test_other_documents_go(world, deletion, document):
    await place(world, document_id=document)
    other = await world.add("other.txt", "Other.", owner="ana")
    await by_owner(world, deletion, other)


async def test_people_of_the_group_place_lift_and_see_holds(world, document):
    holder = world.person("lea", groups=["legal-hold"])
    async with world.database.write_as(holder) as conn:
        hold = await add_hold(
            conn, tenant_id=world.tenant_id, reason="A claim.", by="lea", document_id=document
        )
        assert [h.id for h in await list_holds(conn, tenant_id=world.tenant_id)] == [hold]
        await lift_hold(conn, tenant_id=world.tenant_id, hold_id=hold, by="lea")
    async with world.database.read_as(holder) as conn:
        [found] = await list_holds(conn, tenant_id=world.tenant_id, lifted=True)
    assert (found.placed_by, found.lifted_by) == ("lea", "lea")


@pytest.mark.parametrize("groups", [(), ("legal",)])
async def test_nobody_else_does(world, document, groups):
    hold = await place(world, document_id=document)
    eve = world.person("eve", groups=groups)
    async with world.database.write_as(eve) as conn:
        assert await list_holds(conn, tenant_id=world.tenant_id) == []
        with pytest.raises(Missing):
            await lift_hold(conn, tenant_id=world.tenant_id, hold_id=hold, by="eve")
    with pytest.raises(Refused, match="legal-hold"):
        async with world.database.write_as(eve) as conn:
            await add_hold(
                conn, tenant_id=world.tenant_id, reason="Mine.", by="eve", document_id=document
            )


async def test_a_holder_does_not_learn_of_what_he_may_not_see(world):
    secret = await world.add("s.txt", "Secret.", readers=access(groups=["board"]))
    holder = world.person("lea", groups=["legal-hold"])
    for unseen in (secret, uuid.uuid4()):
        with pytest.raises(Refused):
            async with world.database.write_as(holder) as conn:
                await add_hold(
                    conn, tenant_id=world.tenant_id, reason="?", by="lea", document_id=unseen
                )


async def test_there_is_nothing_to_hold(world):
    for target in ({"document_id": uuid.uuid4()}, {"user_id": "nobody"}, {"corpus_id": 0}):
        with pytest.raises(Missing):
            await place(world, **target)
    for target in ({}, {"user_id": "a", "corpus_id": world.corpus.id}):
        with pytest.raises(Invalid):
            await place(world, **target)


async def test_the_corpus_is_found_by_its_name(world):
    hold = await place(world, corpus_id=world.corpus.id)
    async with world.database.as_worker(world.tenant_id) as conn:
        corpus = await find_corpus(conn, tenant_id=world.tenant_id, name="main")
        [found] = await list_holds(conn, tenant_id=world.tenant_id)
    assert (found.id, found.corpus) == (hold, corpus.name)

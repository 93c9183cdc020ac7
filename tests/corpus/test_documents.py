"""What is handed in is stored once, replaced whole, shared and deleted by its owner alone."""

import pytest

from roadworthy.core.errors import Invalid, Missing, Refused
from roadworthy.corpus.accepting import Upload, accept
from roadworthy.corpus.access import access
from roadworthy.corpus.documents import find_document
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.fusion import Fusion
from roadworthy.retrieval.search import search

pytestmark = pytest.mark.anyio


async def names(world, question, *, who=None):
    async with world.database.read_as(who or world.person()) as conn:
        found = await search(
            conn,
            question,
            queries=[world.query(question)],
            corpus=world.corpus,
            tenant_id=world.tenant_id,
            among=Filter(),
            limit=10,
            fusion=Fusion(vector_weight=0.5),
        )
    return [hit.document_name for hit in found.hits]


async def counted(world):
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await conn.execute(
            "SELECT coalesce(sum(passages), 0), coalesce(sum(terms), 0) FROM passage_count"
        )
        true = await conn.execute("SELECT count(*), coalesce(sum(term_count), 0) FROM passage")
        return await rows.fetchone(), await true.fetchone()


async def described(world, document):
    async with world.database.read_as(world.person()) as conn:
        return await find_document(conn, tenant_id=world.tenant_id, document_id=document)


async def test_the_same_file_again_is_unchanged(world):
    await world.add("plan.txt", "The plan.")
    assert (await world.upload("plan.txt", "The plan.")).outcome == "unchanged"


async def test_other_metadata_for_the_same_content_replaces_it(world):
    document = await world.add("plan.txt", "The plan.", metadata={"year": 2024, "draft": True})
    again = await world.upload("plan.txt", "The plan.", metadata={"year": 2025})
    assert (again.outcome, again.document_id, again.revision_id) == ("updated", document, None)
    assert (await described(world, document)).metadata == {"year": 2025}
    same = await world.upload("plan.txt", "The plan.", metadata={"year": 2025})
    assert same.outcome == "unchanged"


async def test_other_metadata_and_readers_for_the_same_content_replace_it_too(world):
    document = await world.add("plan.txt", "The plan.", metadata={"year": 2024})
    again = await world.upload(
        "plan.txt", "The plan.", metadata={"year": 2025}, readers=access(users=["ana"])
    )
    found = await described(world, document)
    assert (again.outcome, found.metadata) == ("reshared", {"year": 2025})
    assert found.readers == ["user:ana"]


async def test_metadata_of_a_version_that_was_withdrawn_goes_with_it(world):
    document = await world.add("plan.txt", "The plan.", metadata={"year": 2024})
    await world.upload("plan.txt", "A mistake.", metadata={"year": 1024})
    back = await world.upload("plan.txt", "The plan.", metadata={"year": 2024})
    assert back.outcome == "updated"
    assert (await described(world, document)).metadata == {"year": 2024}


async def test_the_same_content_under_another_name_is_stored_once(world):
    first = await world.add("plan.txt", "The plan.")
    again = await world.upload("copy.txt", "The plan.")
    assert (again.outcome, again.document_id) == ("duplicate", first)


async def test_the_same_content_for_other_readers_is_kept_apart(world):
    await world.add("plan.txt", "The plan.", readers=access(groups=["board"]))
    await world.add("copy.txt", "The plan.")
    assert await names(world, "plan") == ["copy.txt"]


async def test_a_new_version_replaces_the_old_one(world):
    await world.add("plan.txt", "Build in Lyon.\n\nHire ten.")
    await world.add("plan.txt", "Build in Nantes.")
    async with world.database.read_as(world.person()) as conn:
        texts = await (await conn.execute("SELECT text FROM passage")).fetchall()
    assert texts == [("Build in Nantes.",)]


async def test_the_old_version_is_found_until_the_new_one_is(world):
    await world.add("plan.txt", "Build in Lyon.")
    await world.upload("plan.txt", "Build in Nantes.")
    assert await names(world, "Lyon") == ["plan.txt"]


async def test_other_readers_of_a_new_version_never_see_the_old_one(world):
    await world.add("plan.txt", "Build in Lyon.", readers=access(groups=["board"]))
    await world.upload("plan.txt", "The plan is public.", readers=access())
    assert await names(world, "Lyon") == []
    await world.publish_all()
    assert await names(world, "plan") == ["plan.txt"]


async def test_counts_follow_every_change(world):
    await world.add("a.txt", "One two three.\n\nFour five.")
    document = await world.add("b.txt", "Six seven.")
    await world.add("a.txt", "Eight nine ten.")
    async with world.database.as_worker(world.tenant_id) as conn:
        await reshare(
            conn,
            tenant_id=world.tenant_id,
            document_id=document,
            wanted=access(groups=["hr"]),
            by=None,
        )
    kept, true = await counted(world)
    assert kept == true == (2, 5)


async def test_the_owner_shares_and_revokes_at_once(world):
    document = await world.add("plan.txt", "The plan.", owner="ana")
    ana, bo = world.person("ana"), world.person("bo")
    for readers, seen in ((access(users=["ana"]), []), (access(), ["plan.txt"])):
        async with world.database.write_as(ana) as conn:
            await reshare(
                conn, tenant_id=world.tenant_id, document_id=document, wanted=readers, by="ana"
            )
        assert await names(world, "plan", who=bo) == seen


async def test_only_the_owner_shares_or_deletes(world):
    document = await world.add("plan.txt", "The plan.", owner="ana")
    for change in (
        lambda conn: reshare(
            conn, tenant_id=world.tenant_id, document_id=document, wanted=access(), by="bo"
        ),
        lambda conn: delete(conn, tenant_id=world.tenant_id, document_id=document, by="bo"),
    ):
        with pytest.raises(Refused):
            async with world.database.write_as(world.person("bo")) as conn:
                await change(conn)


async def test_the_database_itself_lets_only_the_owner_write(world):
    await world.add("plan.txt", "The plan.", owner="ana")
    async with world.database.write_as(world.person("bo")) as conn:
        deleted = await conn.execute("DELETE FROM document")
        moved = await conn.execute("UPDATE passage SET acl_id = acl_id")
    assert (deleted.rowcount, moved.rowcount) == (0, 0)


async def test_nobody_shares_himself_out(world):
    document = await world.add("plan.txt", "The plan.", owner="ana")
    with pytest.raises(Refused, match="would not be able to read"):
        async with world.database.write_as(world.person("ana")) as conn:
            await reshare(
                conn,
                tenant_id=world.tenant_id,
                document_id=document,
                wanted=access(groups=["hr"]),
                by="ana",
            )


async def test_nobody_uploads_what_he_could_not_read(world):
    await world.put(world.person("ana"))
    upload = Upload(name="x", content=b"x", access=access(groups=["board"]), owner="ana")
    with pytest.raises(Refused, match="what you can read"):
        async with world.database.write_as(world.person("ana")) as conn:
            await accept(conn, upload, tenant_id=world.tenant_id, corpus=world.corpus, by="ana")


async def test_nobody_hands_in_in_the_name_of_another(world):
    await world.add("plan.txt", "The plan.", owner="ana")
    upload = Upload(name="plan.txt", content=b"The plan.", access=access(), owner="ana")
    with pytest.raises(Refused, match="your own name"):
        async with world.database.write_as(world.person("bo")) as conn:
            await accept(conn, upload, tenant_id=world.tenant_id, corpus=world.corpus, by="bo")


async def test_a_name_that_is_not_seen_is_free(world):
    await world.put(world.person("ana"))
    await world.add("plan.txt", "The board's plan.", readers=access(groups=["board"]))
    upload = Upload(name="plan.txt", content=b"My plan.", access=access(), owner="ana")
    async with world.database.write_as(world.person("ana")) as conn:
        receipt = await accept(
            conn, upload, tenant_id=world.tenant_id, corpus=world.corpus, by="ana"
        )
    assert receipt.outcome == "accepted"


async def test_deleting_leaves_nothing(world):
    document = await world.add("plan.txt", "The plan.", owner="ana")
    async with world.database.write_as(world.person("ana")) as conn:
        await delete(conn, tenant_id=world.tenant_id, document_id=document, by="ana")
    async with world.database.as_worker(world.tenant_id) as conn:
        for table in ("document", "revision", "passage", "embedding", "posting", "job"):
            assert await (await conn.execute(f"SELECT FROM {table}")).fetchall() == []
    assert (await counted(world))[0] == (0, 0)
    with pytest.raises(Missing):
        async with world.database.read_as(world.person("ana")) as conn:
            await find_document(conn, tenant_id=world.tenant_id, document_id=document)


@pytest.mark.parametrize("name", ["", "x" * 1001, "a\0b"], ids=["empty", "long", "nul"])
async def test_an_unusable_name_is_refused(world, name):
    with pytest.raises(Invalid):
        await world.upload(name, "The plan.")

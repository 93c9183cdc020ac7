"""Merged or not, postings say the same, and nothing of them is lost or left behind."""

import asyncio

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Conflict, Refused, Unavailable
from roadworthy.corpus import clearing, merging, segments
from roadworthy.corpus.access import access
from roadworthy.corpus.clearing import clear_some, clear_tenant
from roadworthy.corpus.merging import chosen, merge_tenant
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.corpus.postings import decode_postings, unpack_revision
from roadworthy.retrieval.filters import Filter
from tests.retrieval.test_search import ask
from tests.shared_database import urls, world

__all__ = ["urls", "world"]
pytestmark = pytest.mark.anyio
BOARD, ALL = access(groups=["board"]), access()


async def merge(world):
    return await merge_tenant(world.database, tenant_id=world.tenant_id)


async def clear(world):
    await clear_tenant(world.database, tenant_id=world.tenant_id)


async def rows(world, query, **asked):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await (await conn.execute(query, asked)).fetchall()


async def count(world, table):
    [(number,)] = await rows(world, f"SELECT count(*) FROM {table}")
    return number


async def stored(world):
    """Give every posting that a search would count, by class, term and passage."""
    found = {}
    async with (
        world.database.as_worker(world.tenant_id) as conn,
        conn.cursor(binary=True) as cursor,
    ):
        for table in ("posting", "posting_segment"):
            await cursor.execute(f"SELECT acl_id, term, packed FROM {table}")
            for acl_id, term, packed in await cursor.fetchall():
                held = decode_postings(packed)
                columns = (held.passage_ids, held.frequencies, held.lengths)
                for passage, *said in zip(*(each.tolist() for each in columns), strict=True):
                    assert (acl_id, term, passage) not in found  # in one place only
                    found[acl_id, term, passage] = said
    return found


async def words(world, question, person=None, among=None):
    """Give what is found by words alone, with its score."""
    who = person or world.person()
    found = await ask(world, who, question, by_vector=False, among=among)
    return {hit.text: hit.keyword_score for hit in found.hits}


async def share(world, document, wanted, by=None):
    who = world.person(by, groups=["board"]) if by else None
    opened = world.database.write_as(who) if who else world.database.as_worker(world.tenant_id)
    async with opened as conn:
        await reshare(conn, tenant_id=world.tenant_id, document_id=document, wanted=wanted, by=by)


async def drop(world, document):
    async with world.database.as_worker(world.tenant_id) as conn:
        await delete(conn, tenant_id=world.tenant_id, document_id=document, by=None)


async def stock(world, documents=3):
    return [
        await world.add(f"{n}.txt", f"Pump {n} heron.\n\nValve {n} heron heron.")
        for n in range(documents)
    ]


async def test_merging_changes_no_posting_and_no_score(world):
    await stock(world)
    await world.add("secret.txt", "Heron pump.", readers=BOARD)
    before = await stored(world), await words(world, "heron pump")
    assert await merge(world) == 4
    assert (await stored(world), await words(world, "heron pump")) == before
    assert await count(world, "posting") == 0
    assert await merge(world) == 0


async def test_a_term_has_few_rows_however_many_documents(world):
    for number in range(40):
        await world.add(f"{number}.txt", f"Heron {number}.")
        await merge(world)
    [(segments,)] = await rows(
        world, "SELECT count(*) FROM posting_segment WHERE term = %(term)s", term="heron"
    )
    assert segments <= 6
    assert len(await words(world, "heron")) == 40


async def test_a_segment_that_is_full_is_left_alone(world, monkeypatch):
    monkeypatch.setattr(merging, "FULL", 4)
    for number in range(3):
        await world.add(f"{number}.txt", "\n\n".join(f"Heron {number} {n}." for n in range(6)))
        await merge(world)
    sizes = await rows(
        world,
        "SELECT octet_length(packed) / 8 FROM posting_segment WHERE term = %(term)s"
        " ORDER BY first_id",
        term="heron",
    )
    assert sorted(sizes) == [(2,), (4,), (4,), (4,), (4,)]
    assert len(await words(world, "heron")) == 18


@given(st.integers(1, 100), st.lists(st.integers(1, 100_000)))
def test_what_is_not_merged_is_far_larger(size, sizes):
    names = chosen(size, [(other, n) for n, other in enumerate(sizes)])
    total = size + sum(sizes[n] for n in names)
    left = [other for n, other in enumerate(sizes) if n not in names]
    assert all(other > 2 * total for other in left[:1] if other == min(left))


async def test_many_are_merged_in_bounded_transactions(world, monkeypatch):
    monkeypatch.setattr(merging, "MOST_ROWS", 8)
    await stock(world, 5)
    before = await stored(world)
    assert await merge(world) == 5
    assert await stored(world) == before


async def test_a_document_that_somebody_changes_is_left_for_the_next_time(world):
    first, _ = await stock(world, 2)
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("SELECT FROM document WHERE id = %s FOR UPDATE", [first])
        assert await merge(world) == 1
    assert await merge(world) == 1
    assert await count(world, "posting") == 0


async def test_a_merge_that_is_killed_loses_nothing(world, monkeypatch):
    await stock(world)
    before = await stored(world)

    async def killed(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(merging, "add_segments", killed)
        with pytest.raises(KeyboardInterrupt):
            await merge_tenant(world.database, tenant_id=world.tenant_id)
    assert await stored(world) == before
    assert await merge(world) == 3


async def test_two_mergers_do_the_work_once(world):
    await stock(world, 6)
    before = await stored(world)
    await asyncio.gather(*(merge(world) for _ in range(4)))
    await merge(world)
    assert await stored(world) == before


async def test_what_was_merged_is_replaced(world):
    await stock(world)
    await merge(world)
    await world.add("0.txt", "Something else about a heron.")
    assert "Pump 0 heron." not in await words(world, "pump heron")
    before = await words(world, "pump heron else")
    await clear(world)
    assert await words(world, "pump heron else") == before
    await merge(world)
    assert await words(world, "pump heron else") == before
    assert await count(world, "posting_gone") == 0


async def test_nothing_of_a_deleted_document_stays_when_it_is_cleared(world):
    documents = await stock(world)
    await merge(world)
    for document in documents:
        await drop(world, document)
    assert await words(world, "heron") == {}
    await clear(world)
    for table in ("posting", "posting_segment", "merged_revision", "posting_gone"):
        assert await count(world, table) == 0


async def clear_once(world, **how):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await clear_some(conn, tenant_id=world.tenant_id, **how)


@pytest.mark.parametrize(
    ("bound", "left"),
    [("MOST_REVISIONS", (3, 2, 1, 0)), ("MOST_POSTINGS", (3, 2, 1, 0))],
)
async def test_few_revisions_are_cleared_at_a_time(world, monkeypatch, bound, left):
    monkeypatch.setattr(clearing, bound, 1)
    documents = await stock(world, 5)
    await merge(world)
    for document in documents[:4]:
        await drop(world, document)
    for number in left:
        assert await clear_once(world)
        assert await count(world, "posting_gone") == number
    assert not await clear_once(world)
    assert set(await words(world, "pump heron")) == {"Pump 4 heron.", "Valve 4 heron heron."}


@pytest.mark.parametrize("bound", ["MOST_TERMS", "MOST_BYTES"])
async def test_a_revision_is_cleared_bit_by_bit(world, monkeypatch, bound):
    """However many terms it has, and however large their segments are."""
    monkeypatch.setattr(clearing, bound, 1)
    first, *_ = await stock(world, 2)
    await merge(world)
    await drop(world, first)
    before = await words(world, "pump heron")
    for left in (3, 2, 1):  # heron, pump, valve, 0
        assert await clear_once(world)
        [(packed,)] = await rows(world, "SELECT packed FROM posting_gone")
        assert len(unpack_revision(packed)) == left
        assert await words(world, "pump heron") == before
    assert await clear_once(world)
    assert not await clear_once(world)
    assert len({passage for _, _, passage in await stored(world)}) == 2


async def test_a_segment_that_holds_nothing_of_it_is_left_alone(world, monkeypatch):
    """A common word has many segments, and one document is in one of them."""
    monkeypatch.setattr(merging, "FULL", 2)
    first, *_ = await stock(world, 4)
    await merge(world)
    await drop(world, first)
    places = "SELECT term, first_id, ctid FROM posting_segment WHERE term = 'heron'"
    before = await rows(world, places)
    await clear(world)
    assert len(before) == 4
    assert set(await rows(world, places)) < set(before)


@pytest.fixture
def slow_term(urls, monkeypatch):
    """Let writing a segment of `zebra` take longer than a statement may."""
    with psycopg.connect(urls.owner, autocommit=True) as conn:
        conn.execute(
            "CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;"
            " CREATE TRIGGER be_slow BEFORE INSERT ON posting_segment FOR EACH ROW"
            " WHEN (NEW.term = 'zebra') EXECUTE FUNCTION be_slow()"
        )
        monkeypatch.setattr(
            segments, "TAKE_TIME", "SELECT set_config('statement_timeout', '1s', true)"
        )
        yield lambda: conn.execute("DROP TRIGGER be_slow ON posting_segment")
        conn.execute("DROP FUNCTION be_slow CASCADE")


async def test_a_revision_that_takes_too_long_to_merge_is_skipped(world, slow_term):
    await world.add("0.txt", "Heron.")
    await world.add("1.txt", "Zebra.")
    await world.add("2.txt", "Heron soup.")
    assert await merge(world) == 2
    assert await rows(world, "SELECT DISTINCT term FROM posting") == [("zebra",)]
    assert set(await words(world, "heron zebra")) == {"Heron.", "Zebra.", "Heron soup."}
    slow_term()
    assert await merge(world) == 1


async def test_what_takes_too_long_to_clear_keeps_no_other_term_back(world, request, monkeypatch):
    document = await world.add("0.txt", "Heron zebra.")
    await world.add("1.txt", "Zebra heron soup.")
    await merge(world)
    await drop(world, document)
    slow_term = request.getfixturevalue("slow_term")
    with pytest.raises(Unavailable):
        await clear(world)
    [(packed,)] = await rows(world, "SELECT packed FROM posting_gone")
    assert set(unpack_revision(packed)) == {"zebra"}
    slow_term()
    await clear(world)
    assert await count(world, "posting_gone") == 0


async def test_a_turn_ends_however_much_is_published_meanwhile(world, monkeypatch):
    monkeypatch.setattr(merging, "MOST_ROWS", 1)
    monkeypatch.setattr(merging, "TURN_S", 0)
    await stock(world, 5)
    assert [await merge(world) for _ in range(6)] == [1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("by", [None, "ana"], ids=["operator", "owner"])
async def test_other_readers_find_it_and_the_earlier_ones_do_not(world, by):
    await world.add("menu.txt", "Heron soup.")
    document = await world.add("plan.txt", "Heron plan.", owner="ana")
    await merge(world)
    await share(world, document, BOARD, by=by)
    member = world.person("bo", groups=["board"])
    for step in (clear, merge, clear):
        assert set(await words(world, "heron")) == {"Heron soup."}
        assert set(await words(world, "heron", member)) == {"Heron soup.", "Heron plan."}
        await step(world)
    assert len({acl_id for acl_id, _, _ in await stored(world)}) == 2


async def test_readers_that_come_back_find_it_again(world):
    document = await world.add("plan.txt", "Heron plan.", owner="ana")
    await merge(world)
    before = await words(world, "heron")
    for wanted in (BOARD, ALL):
        await share(world, document, wanted)
    assert await words(world, "heron") == before
    assert await merge(world) == 0  # its earlier postings have to go first
    assert await words(world, "heron") == before
    await clear(world)
    assert await merge(world) == 1
    assert await words(world, "heron") == before
    assert len(await stored(world)) == 2


async def test_nobody_but_the_owner_takes_it_to_other_readers(world):
    document = await world.add("plan.txt", "Heron plan.", owner="ana")
    await merge(world)
    with pytest.raises(Refused):
        await share(world, document, BOARD, by="bo")
    async with world.database.write_as(world.person("bo")) as conn:
        assert (await conn.execute("DELETE FROM merged_revision")).rowcount == 0


async def test_a_change_of_readers_that_fails_leaves_all_as_it_was(world):
    await world.add("copy.txt", "Heron plan.", readers=BOARD)
    document = await world.add("plan.txt", "Heron plan.")
    await merge(world)
    before = await stored(world)
    with pytest.raises(Conflict):
        await share(world, document, BOARD)
    assert await stored(world) == before
    assert await count(world, "posting_gone") == 0


async def test_a_filter_holds_for_both_and_changes_no_score(world):
    for number in range(6):
        folder = "even" if number % 2 == 0 else "odd"
        await world.add(f"{folder}/{number}.txt", f"Pump {number} heron.\n\nValve.")
        if number == 2:
            await merge(world)
    every = await words(world, "pump heron valve")
    found = await words(world, "pump heron valve", among=Filter(name="even/"))
    assert found == {text: score for text, score in every.items() if text in found}
    assert {f"Pump {n} heron." for n in (0, 2, 4)} == found.keys() - {"Valve."}


async def test_no_posting_is_written_for_the_document_of_another(world):
    """Not by the role that answers people, whoever asks and whatever the class."""
    document = await world.add("plan.txt", "Heron plan.", owner="ana")
    add = (
        "INSERT INTO posting (tenant_id, corpus_id, acl_id, document_id, revision_id, term, packed)"
        " SELECT tenant_id, corpus_id, acl_id, document_id, id, 'zebra', ''"
        " FROM revision WHERE document_id = %s"
    )
    async with world.database.write_as(world.person("ana")) as conn:
        assert (await conn.execute(add, [document])).rowcount == 1
    with pytest.raises(Exception, match="row-level security"):
        async with world.database.write_as(world.person("bo")) as conn:
            await conn.execute(add, [document])

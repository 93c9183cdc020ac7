"""Filters hold, are looked up by index below row-level security, and follow what changes."""

from datetime import UTC, date, datetime

import psycopg
import pytest

from roadworthy.corpus.access import access
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.retrieval.filters import Filter, Scope, both

pytestmark = pytest.mark.anyio

FIND = """
SELECT found.name
  FROM (SELECT id AS document_id, name FROM document) AS found
 WHERE true
"""
SET = """
UPDATE document
   SET title = %(title)s, authors = %(authors)s, media_type = %(media_type)s,
       language = %(language)s, file_created_at = %(created_at)s,
       file_modified_at = %(modified_at)s, updated_at = '2020-06-01Z'
 WHERE name = %(name)s
"""
LONG = "é" * 1999


def day(*numbers):
    return datetime(*numbers, tzinfo=UTC)


@pytest.fixture
async def shelf(world):
    """Three documents that differ in everything."""
    told = [
        {"metadata": {"year": 2026, "site": "Lyon", "draft": True, "note": LONG}},
        {"metadata": {"year": "2026", "share": 0.5, "draft": False, "note": LONG + "x"}},
        {"metadata": {"year": 20260, "id%": "a'b"}},
    ]
    files = [
        {
            "title": "The Année-Report 2024: Émile's pumps",
            "authors": ["Émile Müller", "Bo Quen"],
            "media_type": "text/html",
            "language": "fr",
            "created_at": day(2019, 1, 1),
            "modified_at": day(2024, 5, 17, 23, 59),
        },
        {
            "title": "Report of the year",
            "authors": ["Quen Bo"],
            "media_type": "text/plain",
            "language": "en",
            "created_at": day(2024, 5, 18),
            "modified_at": None,
        },
        {
            "title": "北京年度报告",
            "authors": [],
            "media_type": "text/plain",
            "language": "zh",
            "created_at": None,
            "modified_at": None,
        },
    ]
    for name, upload, file in zip(("a/1", "a/2", "b"), told, files, strict=True):
        await world.add(name, f"The pump {name}.", **upload)
        async with world.database.as_worker(world.tenant_id) as conn:
            await conn.execute(SET, file | {"name": name})
    return world


async def names(world, among, who=None):
    scope = Scope(tenant_id=world.tenant_id, corpus_id=world.corpus.id, among=among)
    async with world.database.read_as(who or world.person()) as conn:
        rows = await conn.execute(FIND + scope.condition + " ORDER BY name", scope.asked)
        return [name for (name,) in await rows.fetchall()]


@pytest.mark.parametrize(
    ("among", "expected"),
    [
        (Filter(), "a/1 a/2 b"),
        (Filter(metadata={"year": 2026}), "a/1 a/2"),
        (Filter(metadata={"year": "2026"}), "a/1 a/2"),
        (Filter(metadata={"year": 2026.0}), "a/1 a/2"),
        (Filter(metadata={"year": 2026, "site": "Lyon"}), "a/1"),
        (Filter(metadata={"site": "lyon"}), ""),
        (Filter(metadata={"draft": True}), "a/1"),
        (Filter(metadata={"draft": "false"}), "a/2"),
        (Filter(metadata={"share": 0.5}), "a/2"),
        (Filter(metadata={"note": LONG}), "a/1"),
        (Filter(metadata={"id%": "a'b"}), "b"),
        (Filter(metadata={"title": "report"}), ""),
        (Filter(title=("report",)), "a/1 a/2"),
        (Filter(title=("annee REPORT",)), "a/1"),
        (Filter(title=("Emile’s",)), "a/1"),
        (Filter(title=("report annee",)), ""),
        (Filter(title=("repor",)), ""),
        (Filter(title=("report", "YEAR", "year")), "a/2"),
        (Filter(title=("年度",)), "b"),
        (Filter(title=("度年",)), ""),
        (Filter(title=("???",)), ""),
        (Filter(author=("muller",)), "a/1"),
        (Filter(author=("bo quen",)), "a/1"),
        (Filter(author=("bo",)), "a/1 a/2"),
        (Filter(author=("muller bo",)), ""),
        (Filter(author=("bo",), title=("year",)), "a/2"),
        (Filter(author=("bo",), metadata={"year": 2026}, language="fr"), "a/1"),
        (Filter(media_type="text/plain"), "a/2 b"),
        (Filter(language="zh"), "b"),
        (Filter(name="a/"), "a/1 a/2"),
        (Filter(name="%"), ""),
        (Filter(name="B"), ""),
        (Filter(after=date(2024, 5, 17)), "a/1 a/2"),
        (Filter(after=date(2024, 5, 18)), "a/2"),
        (Filter(before=date(2024, 5, 18)), "a/1 b"),
        (Filter(after=date(2020, 6, 1), before=date(2020, 6, 2)), "b"),
        (Filter(before=date(1, 1, 1)), ""),
        (Filter(after=date(9999, 12, 31)), ""),
    ],
    ids=lambda each: str(each)[:80],
)
async def test_every_condition_holds(shelf, among, expected):
    assert await names(shelf, among) == expected.split()


async def test_what_changes_is_found_as_it_is_now(world):
    document = await world.add("plan", "Old plan.", metadata={"site": "lyon"})
    assert await names(world, Filter(metadata={"site": "lyon"}, title=("old",))) == ["plan"]
    await world.add("plan", "New plan.", metadata={"site": "nantes"})
    assert await names(world, Filter(metadata={"site": "lyon"})) == []
    assert await names(world, Filter(title=("old",))) == []
    assert await names(world, Filter(metadata={"site": "nantes"}, title=("new",))) == ["plan"]
    async with world.database.as_worker(world.tenant_id) as conn:
        await delete(conn, tenant_id=world.tenant_id, document_id=document, by=None)
        left = await conn.execute("SELECT count(*) FROM document_field")
        assert await left.fetchone() == (0,)


async def test_who_may_no_longer_read_finds_none_of_it(world):
    document = await world.add("plan", "The plan.", metadata={"site": "lyon"})
    count = "SELECT count(*) FROM document_field WHERE value IN ('lyon', 'plan ')"
    for readers, seen in ((access(users=["bo"]), 0), (access(users=["ana"]), 2)):
        async with world.database.as_worker(world.tenant_id) as conn:
            asked = {"tenant_id": world.tenant_id, "document_id": document, "by": None}
            await reshare(conn, **asked, wanted=readers)
        async with world.database.read_as(world.person("ana")) as conn:
            assert await (await conn.execute(count)).fetchone() == (seen,)


async def test_an_owner_shares_his_document_himself(world):
    ana = world.person("ana")
    await world.put(ana)
    document = await world.add("plan", "The plan.", owner="ana", metadata={"site": "lyon"})
    async with world.database.write_as(ana) as conn:
        asked = {"tenant_id": world.tenant_id, "document_id": document, "by": "ana"}
        await reshare(conn, **asked, wanted=access(users=["ana"]))
    assert await names(world, Filter(metadata={"site": "lyon"}), ana) == ["plan"]
    assert await names(world, Filter(metadata={"site": "lyon"}), world.person("bo")) == []


async def test_nobody_writes_what_a_document_is_filtered_by(world):
    await world.add("plan", "The plan.", owner="ana", metadata={"site": "lyon"})
    for statement in ("DELETE FROM document_field", "UPDATE document_field SET value = 'x'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with world.database.write_as(world.person("ana")) as conn:
                await conn.execute(statement)


# Alike but for one in a thousand, and every second one in a class that ana is not in.
CROWD = """
WITH classes AS (
    INSERT INTO acl (tenant_id, grants_hash)
    SELECT %(tenant)s, sha256(n::text::bytea) FROM generate_series(1, 2) AS n RETURNING id),
opened AS (
    INSERT INTO acl_grant (tenant_id, acl_id, subject, clearance)
    SELECT %(tenant)s, max(id), 'user:ana', 0 FROM classes
    UNION ALL SELECT %(tenant)s, min(id), 'user:bo', 0 FROM classes)
INSERT INTO document (tenant_id, id, corpus_id, acl_id, owner, name, title, media_type, language,
                      metadata, authors, version, state, created_at, updated_at, file_modified_at)
SELECT %(tenant)s, gen_random_uuid(), %(corpus)s,
       CASE n %% 2 WHEN 0 THEN (SELECT max(id) FROM classes) ELSE (SELECT min(id) FROM classes) END,
       'operator', CASE WHEN rare THEN 'rare/' ELSE 'often/' END || n,
       CASE WHEN rare THEN 'Rare ' ELSE 'Often ' END || 'report ' || n,
       CASE WHEN rare THEN 'text/rare' ELSE 'text/plain' END,
       CASE WHEN rare THEN 'fr' ELSE 'en' END,
       jsonb_build_object('site', CASE WHEN rare THEN 'rare' ELSE 'often' END),
       ARRAY[CASE WHEN rare THEN 'Ann Rare' ELSE 'Bo Often' END], 1, 'ready', now(), now(),
       CASE WHEN rare THEN '2024-01-01Z'::timestamptz ELSE '2020-01-01Z' END
  FROM (SELECT n, n %% 1000 < 2 AS rare FROM generate_series(1, 6000) AS n) AS numbered
"""


RARE = [
    (Filter(metadata={"site": "rare"}), "document_field_pkey"),
    (Filter(title=("rare",)), "document_field_pkey"),
    (Filter(author=("rare",)), "document_field_pkey"),
    (Filter(media_type="text/rare"), "document_media_type"),
    (Filter(language="fr"), "document_language"),
    (Filter(name="rare/"), "document_name"),
    (Filter(after=date(2023, 1, 1)), "document_date"),
]


async def test_what_is_rare_is_looked_up_by_an_index(world, urls):
    """As the app role; without a look at the many that do not match, seen or not."""
    values = {"tenant": world.tenant_id, "corpus": world.corpus.id}
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute(CROWD, values)
    with psycopg.connect(urls.owner, autocommit=True) as conn:
        conn.execute("ANALYZE document; ANALYZE document_field; ANALYZE acl_grant")
    ana = world.person("ana")
    for among, index in RARE:
        scope = Scope(tenant_id=world.tenant_id, corpus_id=world.corpus.id, among=among)
        async with world.database.read_as(ana) as conn:
            looked_up = scope.condition.strip().removeprefix("AND document_id IN ")
            explained = await conn.execute("EXPLAIN " + looked_up, scope.asked)
            plan = "\n".join(row for (row,) in await explained.fetchall())
        assert f"{index} on document" in plan, plan
        assert "Seq Scan on document" not in plan, plan
        found = await names(world, among, ana)
        assert len(found) == 6
        assert all(name.startswith("rare/") and int(name[5:]) % 2 == 0 for name in found)


def test_two_filters_hold_together():
    one = Filter(metadata={"a": 1}, title=("x",), after=date(2024, 1, 1))
    other = Filter(metadata={"b": 2, "a": 1}, title=("y",), language="fr")
    assert both(one, other) == Filter(
        metadata={"a": 1, "b": 2}, title=("x", "y"), after=date(2024, 1, 1), language="fr"
    )
    assert both(Filter(), Filter()) == Filter(metadata={})


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        (Filter(after=date(2020, 1, 1)), Filter(after=date(2024, 1, 1)), ["after:2024-01-01"]),
        (Filter(before=date(2020, 1, 1)), Filter(before=date(2024, 1, 1)), ["before:2020-01-01"]),
        (Filter(name="a/"), Filter(name="a/b c"), ['name:"a/b c"']),
        (Filter(metadata={"n": 7}), Filter(metadata={"n": "7"}), ["metadata.n:7"]),
        (Filter(metadata={"n": 7.0}), Filter(metadata={"n": "7"}), ["metadata.n:7"]),
        (Filter(metadata={"n": True}), Filter(metadata={"n": "true"}), ["metadata.n:true"]),
    ],
)
def test_the_narrower_of_two_holds(one, other, joined):
    for both_ways in (both(one, other), both(other, one)):
        assert list(both_ways.conditions) == joined
        assert not both_ways.at_odds


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Filter(metadata={"year": 2026}), Filter(metadata={"year": "20260"})),
        (Filter(metadata={"draft": False}), Filter(metadata={"draft": True})),
        (Filter(language="fr"), Filter(language="zh")),
        (Filter(media_type="text/html"), Filter(media_type="text/plain")),
        (Filter(name="a"), Filter(name="b")),
    ],
    ids=str,
)
async def test_nothing_passes_two_that_exclude_each_other(shelf, one, other):
    assert await names(shelf, one)
    assert await names(shelf, other)
    joined = both(one, other)
    assert await names(shelf, joined) == await names(shelf, both(Filter(), joined)) == []
    assert set(joined.conditions) == {*one.conditions, *other.conditions}

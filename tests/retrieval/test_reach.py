"""What is few among much is reached by indexes, not by reading all that is visible."""

from dataclasses import replace

import psycopg
import pytest

from roadworthy.corpus.access import access
from roadworthy.corpus.ownership import RESHARE
from roadworthy.retrieval import nearest as module
from roadworthy.retrieval.filters import Filter, Scope

pytestmark = pytest.mark.anyio

DOCUMENTS, EACH = 4_000, 5
# Copies of one document, so many that the planner has a choice.
COPY = """
SET session_replication_role = replica;
CREATE TEMP TABLE copy AS
    SELECT n, gen_random_uuid() AS id, gen_random_uuid() AS revision_id
      FROM generate_series(0, {documents} - 1) AS n;
CREATE TEMP TABLE part AS
    SELECT copy.*, ordinal, 1000 + n * {each} + ordinal AS passage_id
      FROM copy, generate_series(0, {each} - 1) AS ordinal;
INSERT INTO document (tenant_id, id, corpus_id, acl_id, owner, name, title, media_type, language,
                      metadata, version, state, created_at, updated_at)
SELECT tenant_id, copy.id, corpus_id, acl_id, owner, copy.n || '.txt', title, media_type, language,
       metadata, version, state, created_at, updated_at
  FROM document, copy WHERE tenant_id = {tenant_id};
INSERT INTO document_field (tenant_id, corpus_id, acl_id, document_id, key, value)
SELECT tenant_id, corpus_id, acl_id, copy.id, key, field_value(to_jsonb(value))
  FROM passage, copy, LATERAL (VALUES ('metadata.site', 's' || n / 10), ('metadata.kind', 'all'))
       AS field (key, value)
 WHERE tenant_id = {tenant_id}
UNION ALL
SELECT tenant_id, corpus_id, acl_id, copy.id, 'title', 'pump ' || n
  FROM passage, copy WHERE tenant_id = {tenant_id};
INSERT INTO embedding (tenant_id, space_id, corpus_id, acl_id, passage_id, document_id, vector,
                       place)
SELECT tenant_id, space_id, corpus_id, acl_id, part.passage_id, part.id, vector, place
  FROM embedding, part WHERE tenant_id = {tenant_id};
INSERT INTO passage (tenant_id, id, corpus_id, acl_id, document_id, revision_id, ordinal, start_at,
                     end_at, heading, language, term_count, text)
OVERRIDING SYSTEM VALUE
SELECT tenant_id, part.passage_id, corpus_id, acl_id, part.id, part.revision_id, part.ordinal,
       start_at, end_at, heading, language, term_count, repeat('much said of pumps. ', 50)
  FROM passage, part WHERE tenant_id = {tenant_id};
ANALYZE document, document_field, passage, embedding;
"""
LARGE = {"passage", "embedding", "embedding_shared"}


@pytest.fixture
async def many(world, urls, postgres_cluster):
    """A tenant of 20,000 passages."""
    await world.add("pumps.txt", "pump", readers=access(groups=["staff"]))
    copy = COPY.format(documents=DOCUMENTS, each=EACH, tenant_id=world.tenant_id)
    with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner), autocommit=True) as conn:
        conn.execute(copy)
    await world.add("rules.txt", "rules of the house")
    return world


def nodes(plan):
    yield plan
    for each in plan.get("Plans", []):
        yield from nodes(each)


def read(plan):
    """Count the rows of large tables that a plan reads, those that it throws away included."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(plan)
        if node.get("Relation Name") in LARGE
    )


EXPLAIN = "EXPLAIN (ANALYZE, FORMAT json) "


async def plans(world, monkeypatch, among, *, languages=None, groups=("staff",)):
    """Give the plans of counting what passes, and of comparing all of it."""
    for name in ("FIND_NEAREST", "COUNT_PASSING"):
        monkeypatch.setattr(module, name, EXPLAIN + getattr(module, name))
    scope = Scope(tenant_id=world.tenant_id, corpus_id=world.corpus.id, among=among)
    query = replace(world.query("pump"), languages=languages)
    async with world.database.read_as(world.person(groups=groups)) as conn:
        search = module._Search(conn=conn, scope=scope, visible=[], limit=100, exact_most=20_000)
        [counted] = await search._count_passing(query, most=20_001)
        [([found],)] = await search._exactly(query)
    return counted["Plan"], found["Plan"]


async def test_who_may_see_little_has_no_more_read(many, monkeypatch):
    for groups, most in [((), 4), (("staff",), 2 * DOCUMENTS * EACH)]:
        with monkeypatch.context() as patch:
            _, found = await plans(many, patch, Filter(), groups=groups)
            assert 0 < read(found) <= most


FEW = [  # documents, ten at most
    Filter(metadata={"site": "s0"}),
    Filter(name="77.txt"),
    Filter(title=("pump",), name="77.t"),
]


@pytest.mark.parametrize("languages", [None, frozenset(["en"])], ids=str)
async def test_behind_a_filter_what_passes_alone_is_read(many, monkeypatch, languages):
    for among in FEW:
        with monkeypatch.context() as patch:
            for plan in await plans(many, patch, among, languages=languages):
                assert 0 < read(plan) <= 4 * 10 * EACH


async def test_behind_a_filter_that_all_pass_each_is_read_once(many, monkeypatch):
    for plan in await plans(many, monkeypatch, Filter(metadata={"kind": "all"})):
        assert read(plan) <= 3 * DOCUMENTS * EACH


async def test_a_document_is_shared_anew_without_reading_others(many):
    async with many.database.as_worker(many.tenant_id) as conn:
        found = await conn.execute("SELECT id, acl_id FROM document WHERE name = '77.txt'")
        document_id, acl_id = await found.fetchone()
        asked = {"tenant_id": many.tenant_id, "id": document_id, "acl_id": acl_id}
        [statement] = [each for each in RESHARE if each.startswith("UPDATE embedding")]
        [([plan],)] = await (await conn.execute(EXPLAIN + statement, asked)).fetchall()
    assert 0 < read(plan["Plan"]) <= 4 * EACH

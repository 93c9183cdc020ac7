"""Few passages are compared one by one, many by an index: counts decide, and it is told."""

from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest

from roadworthy.corpus.access import access
from roadworthy.corpus.moving import arrange_places
from roadworthy.corpus.places import note_indexed
from roadworthy.retrieval import nearest as module
from roadworthy.retrieval.filters import Filter, Scope
from roadworthy.retrieval.nearest import nearest
from roadworthy.retrieval.visible import count_visible

pytestmark = pytest.mark.anyio

GROUPS = ["hr", "legal", "board"]
DOCUMENTS, EACH = 40, 5
FEW = 20  # passages that are compared one by one


async def fill(world):
    for number in range(DOCUMENTS):
        words = [f"pump{number % 9} valve{(number * n) % 7} oil{n}" for n in range(EACH)]
        text = "\n\n".join(f"{each} n{number} {n}" for n, each in enumerate(words))
        groups = GROUPS[: number % 4]  # none: everyone
        metadata = {"site": "lyon" if number < DOCUMENTS // 2 else f"s{number}"}
        name = f"{number}.txt"
        await world.upload(name, text, readers=access(groups=groups), metadata=metadata)
    await world.publish_all()


@pytest.fixture
async def large(world, urls):
    """A tenant with an index for its space."""
    await fill(world)
    await arrange_places(world.database, owner_url=urls.owner, report=lambda _: None, most=FEW)
    return world


@asynccontextmanager
async def asking(world, *, groups=(), among=None):
    scope = Scope(tenant_id=world.tenant_id, corpus_id=world.corpus.id, among=among or Filter())
    async with world.database.read_as(world.person(groups=groups)) as conn:
        yield conn, scope, await count_visible(conn, scope)


async def near(
    world, text="pump3 oil2", *, groups=(), among=None, languages=None, limit=10, most=FEW
):
    query = replace(world.query(text), languages=languages)
    async with asking(world, groups=groups, among=among) as (conn, scope, visible):
        [found] = await nearest(conn, [query], scope, visible=visible, limit=limit, exact_most=most)
        return found


@pytest.mark.parametrize("text", ["pump3 oil2", "n7"])
async def test_both_paths_find_the_same_and_nothing_forbidden(large, text):
    for groups in ([], ["hr"], ["legal"], ["board"], GROUPS):
        by_index = await near(large, text, groups=groups, limit=50)
        exactly = await near(large, text, groups=groups, limit=50, most=10**6)
        assert (by_index.path, exactly.path) == ("hnsw", "exact")
        assert by_index.visible == exactly.visible >= 50
        scores = [[score for _, score in found.ranking] for found in (by_index, exactly)]
        assert np.allclose(*scores, atol=1e-3)
        async with asking(large, groups=groups) as (conn, _, _visible):
            rows = await conn.execute("SELECT id FROM passage")
            may_see = {passage_id for (passage_id,) in await rows.fetchall()}
        assert {passage_id for passage_id, _ in by_index.ranking} <= may_see


async def test_few_are_compared_one_by_one(large):
    assert (await near(large, most=49)).path == "hnsw"
    assert (
        await near(large, most=50)
    ).path == "exact"  # 10 documents for everyone, 5 passages each


async def test_without_an_index_all_are_compared(world):
    await fill(world)
    found = await near(world)
    assert (found.path, found.visible, len(found.ranking)) == ("exact", 50, 10)


@pytest.mark.parametrize(
    ("among", "path"),
    [
        (Filter(metadata={"site": "lyon"}), "hnsw"),
        (Filter(name="3"), "hnsw"),
        (Filter(metadata={"site": "s28"}), "exact"),
        (Filter(metadata={"site": "nowhere"}), "exact"),
        (Filter(name="3", metadata={"site": "lyon"}), "exact"),
    ],
    ids=str,
)
async def test_behind_a_filter_what_passes_is_counted(large, among, path):
    asked = {"groups": GROUPS, "among": among, "limit": 20}
    found, exactly = await near(large, **asked), await near(large, **asked, most=10**6)
    assert (found.path, exactly.path) == (path, "exact")
    assert np.allclose([s for _, s in found.ranking], [s for _, s in exactly.ranking])


async def test_how_many_pass_is_told_as_far_as_they_were_counted(large):
    assert (await near(large)).told == "words: hnsw of 50"
    among = Filter(metadata={"site": "lyon"})
    assert (await near(large, groups=GROUPS, among=among)).told == "words: hnsw of more than 20"
    assert (await near(large, among=Filter(name="7."))).told == "words: exact of 0"


async def test_how_much_there_is_that_is_hidden_is_not_told(large, monkeypatch):
    """The size of an index, which others fill, moves the bound; what is told stays the same."""
    monkeypatch.setattr(
        module, "MOST_SCANNED", 2 * module.MARGIN * DOCUMENTS * EACH * 10 // FEW // 3
    )
    found = await near(large, groups=GROUPS, among=Filter(metadata={"site": "lyon"}))
    assert found.told == "words: hnsw of more than 20"


async def test_who_sees_little_of_what_is_large_is_not_sent_through_the_index(large, monkeypatch):
    monkeypatch.setattr(module, "MOST_SCANNED", 40)  # of 200 vectors: of 50 visible, 10 are met
    assert (await near(large, limit=20)).path == "exact"
    assert (await near(large, limit=4)).path == "hnsw"
    assert (await near(large, groups=GROUPS, limit=18)).path == "hnsw"
    among = Filter(metadata={"site": "lyon"})
    assert (await near(large, groups=GROUPS, among=among, limit=18)).path == "exact"


@pytest.mark.parametrize(("every", "path"), [(2, "hnsw"), (4, "exact")])
async def test_chosen_passages_are_ranked_alone(large, every, path):
    """As many as are asked for, by either path: of 50 that are visible, 25 or 13 are chosen."""
    chosen = sorted(i for i, _ in (await near(large, limit=50, most=10**6)).ranking)[::every]
    query = large.query("pump3 oil2")
    async with asking(large) as (conn, scope, visible):
        [found], [exactly] = [
            await nearest(
                conn, [query], scope, visible=visible, limit=10, among=chosen, exact_most=most
            )
            for most in (FEW, 10**6)
        ]
    assert (found.path, exactly.path, found.visible) == (path, "exact", len(chosen))
    assert {i for i, _ in found.ranking} <= set(chosen)
    assert np.allclose([s for _, s in found.ranking], [s for _, s in exactly.ranking])
    assert len(found.ranking) == 10


async def test_only_passages_of_the_languages_of_a_space_are_found(large):
    assert (await near(large, languages=frozenset(["en"]))).path == "hnsw"
    found = await near(large, languages=frozenset(["fr"]))
    assert (found.visible, list(found.ranking)) == (0, [])


async def test_where_nothing_is_visible_nothing_is_asked(large):
    async with asking(large) as (conn, scope, _):
        await conn.execute("SET LOCAL statement_timeout = 1")  # which no vector is read in
        [found] = await nearest(
            conn, [large.query("pump")], replace(scope, corpus_id=10**6), visible=[], limit=10
        )
    assert (found.path, found.visible, list(found.ranking)) == ("exact", 0, [])


async def test_what_an_index_does_not_reach_is_found_all_the_same(large, monkeypatch):
    """Everybody gets his full number, though his passages are far from what is asked."""
    monkeypatch.setitem(module.SCAN, "hnsw.iterative_scan", "off")
    monkeypatch.setitem(module.SCAN, "hnsw.ef_search", "5")
    found = await near(large, groups=["hr"], limit=80)
    assert (found.path, len(found.ranking)) == ("hnsw, exact", 80)
    assert found.told == "words: hnsw, exact of 200"


async def test_an_index_that_is_gone_is_not_missed(large):
    async with large.database.as_worker(large.tenant_id) as conn:
        await note_indexed(conn, tenant_id=large.tenant_id, indexed=[])
    assert (await near(large)).path == "exact"


async def plans(world, monkeypatch, **asked):
    """Tell how a statement about vectors is done."""
    for name in ("FIND_NEAREST", "FIND_BY_INDEX"):
        monkeypatch.setattr(module, name, "EXPLAIN (COSTS OFF) " + getattr(module, name))
    query = replace(world.query("pump3"), languages=asked.pop("languages", None))
    most = asked.pop("most")
    async with asking(world, **asked) as (conn, scope, visible):
        search = module._Search(conn=conn, scope=scope, visible=visible, limit=10, exact_most=most)
        way = search._by_index if most == FEW else search._exactly
        monkeypatch.setattr(module, "sorted", lambda rows, key=None: list(rows), raising=False)
        found = await way(query)
    return "\n".join(line for (line,) in found)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"among": Filter(metadata={"site": "lyon"})},
        {"languages": frozenset(["en"])},
        {"among": Filter(name="3"), "languages": frozenset(["en"])},
    ],
    ids=str,
)
async def test_the_planner_does_what_was_decided(large, monkeypatch, asked):
    index = f"embedding_of_{large.tenant_id}_space_{large.space.id}"
    by_index = await plans(large, monkeypatch, **asked, most=FEW)
    assert f"using {index}" in by_index
    assert "Sort" not in by_index
    assert "embedding_shared" not in by_index


async def test_an_exact_search_uses_no_index_of_vectors(large, monkeypatch):
    exactly = await plans(large, monkeypatch, most=10**6)
    assert f"_space_{large.space.id} " not in exactly
    assert "Sort" in exactly


async def test_what_comes_after_in_the_transaction_is_planned_as_usual(large):
    async with asking(large, groups=GROUPS) as (conn, scope, visible):
        asked = {"visible": visible, "limit": 10, "exact_most": FEW}
        assert (await nearest(conn, [large.query("pump3")], scope, **asked))[0].path == "hnsw"
        shown = [
            await (await conn.execute(f"SHOW {each}")).fetchone() for each in module.OTHER_WAYS
        ]
    assert shown == [("on",)] * len(module.OTHER_WAYS)


async def test_what_an_earlier_version_wrote_to_the_shared_place_is_found_and_moved(large, urls):
    exactly = await near(large, most=10**6)
    [best, *_] = [passage_id for passage_id, _ in exactly.ranking]
    async with large.database.as_worker(large.tenant_id) as conn:
        await conn.execute("UPDATE embedding SET place = 0 WHERE passage_id = %s", (best,))
    found = await near(large)
    assert (found.path, found.ranking[0][0]) == ("exact", best)
    await arrange_places(large.database, owner_url=urls.owner, report=lambda _: None, most=FEW)
    found = await near(large)
    assert (found.path, found.ranking[0][0]) == ("hnsw", best)

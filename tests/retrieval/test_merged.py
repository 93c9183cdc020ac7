"""Whatever is published, replaced, shared, deleted, merged and cleared: each search is exact."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from roadworthy.corpus.clearing import clear_some
from roadworthy.corpus.merging import merge_tenant
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.corpus.withdrawal import Scope, withdraw
from roadworthy.deletion.receipts import DOCUMENTS_OF, begin_receipt
from tests.retrieval.test_search import Paper, ask, bm25_by_hand, passage

pytestmark = pytest.mark.anyio

READERS = [(frozenset(), 0), (frozenset({"board"}), 0)]
QUESTION = "pump valve heron price"
numbers = st.integers(0, 3)
publishing = st.tuples(
    st.just("publish"),
    numbers,
    st.sampled_from(READERS),
    st.lists(passage, min_size=1, max_size=3, unique=True).map(tuple),
)
sharing = st.tuples(st.just("share"), numbers, st.sampled_from(READERS))
steps = st.one_of(
    publishing,
    sharing,
    st.tuples(st.just("delete"), numbers),
    st.tuples(st.just("merge")),
    st.tuples(st.just("merge")),
    st.tuples(st.just("clear")),
)


class Shelf:
    """A world, and beside it what is in it by plain reckoning."""

    def __init__(self, world):
        self.world = world
        self.papers: dict[int, Paper] = {}
        self.ids = {}
        self.versions = 0

    async def publish(self, number, readers, passages):
        self.versions += 1  # no two contents are alike
        told = tuple((*words, f"v{self.versions}") for words in passages)
        if number in self.papers:
            readers = self.papers[number].readers
        paper = Paper(number=number, readers=readers, passages=told)
        self.ids[number] = await self.world.add(
            f"{number}.txt", "\n\n".join(paper.texts), readers=paper.access
        )
        self.papers[number] = paper

    async def share(self, number, readers):
        if number in self.papers:
            old = self.papers[number]
            paper = Paper(number=number, readers=readers, passages=old.passages)
            of = {"tenant_id": self.world.tenant_id, "document_id": self.ids[number]}
            async with self.world.database.as_worker(self.world.tenant_id) as conn:
                await reshare(conn, **of, wanted=paper.access, by=None)
            self.papers[number] = paper

    async def delete(self, number):
        if self.papers.pop(number, None):
            of = {"tenant_id": self.world.tenant_id, "document_id": self.ids[number]}
            async with self.world.database.as_worker(self.world.tenant_id) as conn:
                await delete(conn, **of, by=None)

    async def merge(self):
        await merge_tenant(self.world.database, tenant_id=self.world.tenant_id)

    async def clear(self):
        async with self.world.database.as_worker(self.world.tenant_id) as conn:
            await clear_some(conn, tenant_id=self.world.tenant_id)

    async def check(self):
        for groups in ([], ["board"]):
            who = self.world.person(groups=groups)
            seen = [t for p in self.papers.values() if p.access.admits(who) for t in p.texts]
            expected = bm25_by_hand(seen, QUESTION) if seen else {}
            found = await ask(self.world, who, QUESTION, by_vector=False)
            assert {hit.text: hit.keyword_score for hit in found.hits} == pytest.approx(
                expected, abs=1e-4
            )


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(publishing, min_size=1, max_size=3), st.lists(steps, min_size=3, max_size=10))
async def test_at_each_moment_the_scores_are_those_of_a_slow_search(new_world, stock, steps):
    shelf = Shelf(await new_world())
    for step, *how in [*stock, ("merge",), *steps]:
        await getattr(shelf, step)(*how)
        await shelf.check()


NEW = ("publish", 0, READERS[0], (("pump",), ("heron", "heron")))
TO_BOARD, TO_ALL = ("share", 0, READERS[1]), ("share", 0, READERS[0])
MERGE, CLEAR, DELETE = ("merge",), ("clear",), ("delete", 0)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([DELETE, MERGE, CLEAR], id="deleted"),
        pytest.param([NEW, MERGE, CLEAR, MERGE], id="replaced"),
        pytest.param([TO_BOARD, MERGE, CLEAR], id="in-two-classes"),
        pytest.param([TO_BOARD, TO_ALL, MERGE, CLEAR, MERGE], id="there-and-back"),
        pytest.param([TO_BOARD, MERGE, TO_ALL, MERGE, CLEAR, MERGE, DELETE], id="merged-there"),
        pytest.param([TO_BOARD, CLEAR, NEW, DELETE, CLEAR, MERGE], id="cleared-between"),
    ],
)
async def test_what_was_merged_may_go_any_way(world, steps):
    shelf = Shelf(world)
    for number in range(3):
        await shelf.publish(number, READERS[0], (("pump", "heron"), ("valve", f"only{number}")))
    for step, *how in [MERGE, *steps]:
        await getattr(shelf, step)(*how)
        await shelf.check()


@pytest.mark.parametrize("is_merged", [True, False])
async def test_what_is_withdrawn_is_found_no_more(world, is_merged):
    shelf = Shelf(world)
    for number in range(3):
        await shelf.publish(number, READERS[0], (("pump", "heron"),))
    if is_merged:
        await shelf.merge()
    await world.add("hers.txt", "Pump heron, hers.", owner="ana")
    if is_merged:
        await shelf.merge()
    scope = Scope(tenant_id=world.tenant_id, owner="ana")
    async with world.database.as_worker(world.tenant_id, deleting=True) as conn:
        receipt = await begin_receipt(
            conn, tenant_id=world.tenant_id, scope=DOCUMENTS_OF, subject="ana", by="operator"
        )
        assert await withdraw(conn, scope, deletion_id=receipt) == 1
    await shelf.check()

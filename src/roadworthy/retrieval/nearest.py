"""Find the passages whose vectors are closest to a question's, of those that may be seen.

What is few is compared one by one, what is more is found by the index of the tenant's partition.
Counts decide which, not the planner.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, LiteralString

from psycopg import sql
from psycopg.rows import scalar_row

from roadworthy.core.spaces import QueryVector
from roadworthy.corpus.places import EXACT_MOST, find_place, index_of
from roadworthy.plumbing.database import ReadConnection
from roadworthy.retrieval.filters import Scope
from roadworthy.retrieval.fusion import Ranking
from roadworthy.retrieval.visible import VisibleCount

Path = Literal["exact", "hnsw", "hnsw, exact"]  # the last: the index brought too few

# An exact scan: without an index that would stop early, everybody gets his full number of rows.
# Of all partitions two may hold rows of a tenant.
FIND_NEAREST = """
SELECT passage_id, 1 - (vector <=> %(vector)s::halfvec) AS score
  FROM embedding
 WHERE tenant_id = %(tenant_id)s AND place IN (0, %(tenant_id)s)
   AND corpus_id = %(corpus_id)s AND space_id = %(space_id)s
"""
NEAREST_FIRST = " ORDER BY vector <=> %(vector)s::halfvec, passage_id LIMIT %(limit)s"
# Vectors have no index by document: from few documents the way is by their passages.
OF_PASSAGES = """
   AND passage_id IN (
       SELECT id FROM passage
        WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
"""
CHOSEN = " AND passage_id = ANY (%(passages)s)"
LANGUAGES = " AND language = ANY (%(languages)s)"
# None while there is what it would not find: vectors that a worker of an earlier version wrote.
FIND_INDEX_SIZE = """
SELECT reltuples::bigint
  FROM pg_class
 WHERE oid = to_regclass(%(index)s)
   AND NOT EXISTS (SELECT FROM embedding
                    WHERE tenant_id = %(tenant_id)s AND place = 0
                      AND corpus_id = %(corpus_id)s AND space_id = %(space_id)s)
"""
# As the index is written, so that it is used (corpus/partitions.py).
FIND_BY_INDEX = """
SELECT passage_id, 1 - (vector::halfvec({dimension}) <=> %(vector)s::halfvec({dimension})) AS score
  FROM embedding
 WHERE tenant_id = %(tenant_id)s AND place = %(tenant_id)s
   AND corpus_id = %(corpus_id)s AND space_id = {space_id}
"""
CLOSEST_FIRST = """
 ORDER BY vector::halfvec({dimension}) <=> %(vector)s::halfvec({dimension}) LIMIT %(limit)s
"""
# The planner cannot tell how much a person may see, and would read all that his tenant has.
READING_ALL = ["enable_seqscan"]
# Every way but an index of vectors needs one of these; a nested loop keeps the order of the index.
OTHER_WAYS = [
    "enable_sort",
    "enable_seqscan",
    "enable_bitmapscan",
    "enable_hashjoin",
    "enable_mergejoin",
]
MOST_SCANNED = 8_000  # vectors; about what an exact scan of EXACT_MOST costs
# An index is asked where among those there are, on the average, so many times the number wanted
# that may be seen: whoever sees little of what is large would pay for both ways.
MARGIN = 2
SCAN = {
    "hnsw.ef_search": "200",
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.max_scan_tuples": str(MOST_SCANNED),
}
SET = """
SELECT set_config(name, value, true)
  FROM unnest(%(names)s::text[], %(values)s::text[]) AS setting (name, value)
"""
COUNT_PASSING = """
SELECT count(*)
  FROM (SELECT
          FROM passage
         WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
"""
UP_TO = " LIMIT %(most)s) AS passing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """What is nearest to a question in one space, and how it was found."""

    space: str
    path: Path
    visible: int  # passages to choose from
    has_more: bool = False  # than that: behind a filter they are counted so far only
    ranking: Ranking  # by cosine, best first

    @property
    def told(self) -> str:
        """Say by which path the space was searched, and among how many passages."""
        more = "more than " if self.has_more else ""
        return f"{self.space}: {self.path} of {more}{self.visible}"


async def nearest(
    conn: ReadConnection,
    queries: Sequence[QueryVector],
    scope: Scope,
    *,
    visible: Sequence[VisibleCount],
    limit: int,
    among: Sequence[int] | None = None,
    exact_most: int = EXACT_MOST,
) -> list[Nearest]:
    """Rank passages by cosine for each query vector.

    Args:
        visible: all that the principal of `conn` may see of the corpus.
        among: rank these passages alone.
        exact_most: passages that are compared one by one though there is an index.
    """
    search = _Search(
        conn=conn, scope=scope, visible=visible, limit=limit, among=among, exact_most=exact_most
    )
    return [await search.nearest(query) for query in queries]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    conn: ReadConnection
    scope: Scope
    visible: Sequence[VisibleCount]
    limit: int
    exact_most: int
    among: Sequence[int] | None = None

    async def nearest(self, query: QueryVector) -> Nearest:
        count = sum(
            each.passages
            for each in self.visible
            if query.languages is None or each.language in query.languages
        )
        if self.among is not None:
            count = min(count, len(self.among))
        if not count:
            return Nearest(space=query.space, path="exact", visible=0, ranking=())
        fewest = await self._fewest_by_index(query, count)
        if fewest is not None and self.scope.condition:
            count = min(count, await self._count_passing(query, most=fewest + 1))
        if fewest is None or count <= fewest:
            ranking = await self._exactly(query)
            return Nearest(space=query.space, path="exact", visible=count, ranking=ranking)
        ranking = await self._by_index(query)
        # An index may end before it has met enough of what this person may see.
        is_enough = len(ranking) >= min(self.limit, count)
        return Nearest(
            space=query.space,
            path="hnsw" if is_enough else "hnsw, exact",
            visible=self.exact_most if self.scope.condition else count,
            has_more=bool(self.scope.condition),
            ranking=ranking if is_enough else await self._exactly(query),
        )

    async def _fewest_by_index(self, query: QueryVector, count: int) -> int | None:
        """Tell beyond how many passages an index is asked; None: there is none, or not so many."""
        if count <= self.exact_most:
            return None
        place = await find_place(self.conn, tenant_id=self.scope.tenant_id)
        if place is None or query.space_id not in place.indexed:
            return None
        index = index_of(self.scope.tenant_id, query.space_id)
        async with self.conn.cursor(row_factory=scalar_row) as cursor:
            asked = self._asked(query) | {"index": index}
            size = await (await cursor.execute(FIND_INDEX_SIZE, asked, prepare=False)).fetchone()
        if size is None:
            return None
        fewest = max(self.exact_most, MARGIN * self.limit * size // MOST_SCANNED)
        return fewest if count > fewest else None

    async def _count_passing(self, query: QueryVector, *, most: int) -> int:
        statement = COUNT_PASSING + self._languages(query) + self.scope.condition + UP_TO
        asked = self._asked(query) | {"most": most}
        async with self.conn.cursor(row_factory=scalar_row) as cursor:
            [count] = await (await cursor.execute(statement, asked, prepare=False)).fetchall()
            return count

    async def _exactly(self, query: QueryVector) -> Ranking:
        passing = self._languages(query) + self.scope.condition
        of_passages: LiteralString = OF_PASSAGES + passing + ")" if passing else ""
        statement = FIND_NEAREST + of_passages + self._chosen + NEAREST_FIRST
        return await self._found(sql.SQL(statement), query, without=READING_ALL)

    async def _by_index(self, query: QueryVector) -> Ranking:
        languages = self._languages(query)
        of_languages: LiteralString = OF_PASSAGES + languages + ")" if languages else ""
        conditions = of_languages + self._chosen + self.scope.condition
        statement = sql.SQL(FIND_BY_INDEX + conditions + CLOSEST_FIRST).format(
            dimension=sql.Literal(len(query.vector)), space_id=sql.Literal(query.space_id)
        )
        await self.conn.execute(SET, {"names": list(SCAN), "values": list(SCAN.values())})
        found = await self._found(statement, query, without=OTHER_WAYS)
        # The index gives them in an order that is nearly right.
        return sorted(found, key=lambda row: (-row[1], row[0]))

    async def _found(
        self, statement: sql.SQL | sql.Composed, query: QueryVector, *, without: Sequence[str]
    ) -> list[tuple[int, float]]:
        """Do a statement while the planner lacks some ways; the transaction is a pipeline."""
        ways = {"names": list(without)}
        await self.conn.execute(SET, ways | {"values": ["off"] * len(without)})
        # Not prepared: a plan that is made once for all may read every partition.
        found = await self.conn.execute(statement, self._asked(query), prepare=False)
        await self.conn.execute(SET, ways | {"values": ["on"] * len(without)})
        return await found.fetchall()

    @staticmethod
    def _languages(query: QueryVector) -> LiteralString:
        return "" if query.languages is None else LANGUAGES

    @property
    def _chosen(self) -> LiteralString:
        return "" if self.among is None else CHOSEN

    def _asked(self, query: QueryVector) -> dict[str, object]:
        return self.scope.asked | {
            "space_id": query.space_id,
            "vector": _halfvec(query),
            "languages": sorted(query.languages or ()),
            "passages": list(self.among or ()),
            "limit": self.limit,
        }


def _halfvec(query: QueryVector) -> str:
    return "[" + ",".join(f"{x:.5g}" for x in query.vector.tolist()) + "]"

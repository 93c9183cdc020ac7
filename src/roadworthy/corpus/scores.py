"""What a classifier said of passages: the table `passage_score`.

A row goes with its passage. It is known by the content that was scored, so a copy, or the same
content handed in again, is not scored a second time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from roadworthy.core.scores import Score, digest_of
from roadworthy.corpus.lead import to_embed
from roadworthy.plumbing.database import Connection, WorkerConnection

KNOWN = """
SELECT DISTINCT ON (digest) digest, score AS value, threshold, version
  FROM passage_score
 WHERE tenant_id = %(tenant_id)s AND digest = ANY (%(digests)s) AND version = %(version)s
 ORDER BY digest, passage_id
"""
KEEP = "SELECT keep_passage_scores(%(scores)s)"
# In the order of their ids: who goes on behind the last one looks at none twice.
LACKING = """
SELECT passage.id, document.title, passage.heading, passage.text
  FROM passage JOIN document ON document.tenant_id = passage.tenant_id
                            AND document.id = passage.document_id
 WHERE passage.tenant_id = %(tenant_id)s AND passage.id > %(after)s
   AND NOT EXISTS (SELECT FROM passage_score AS kept
                    WHERE kept.tenant_id = passage.tenant_id AND kept.passage_id = passage.id
                      AND kept.version = %(version)s)
 ORDER BY passage.id
 LIMIT %(most)s
"""
NEWEST = "SELECT coalesce(max(id), 0) FROM passage WHERE tenant_id = %(tenant_id)s"
# Two workers would score the same.
ALONE = "SELECT pg_try_advisory_xact_lock(hashtext('roadworthy passage scores'), %(tenant_id)s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptScore:
    """The score of a passage, and of what content it is."""

    digest: bytes
    score: Score

    def of(self, text: str) -> Score | None:
        """Give the score if it is one of this text."""
        return self.score if self.digest == digest_of(text) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """A passage that has no score of the version that is asked for."""

    id: int
    title: str
    heading: str
    text: str

    @property
    def scored(self) -> str:
        """Give what is scored of it."""
        return to_embed(self.text, title=self.title, heading=self.heading)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    digest: bytes
    value: float
    threshold: float
    version: str


async def known_scores(
    conn: WorkerConnection, texts: Sequence[str], *, tenant_id: int, version: str
) -> dict[str, Score]:
    """Find the scores of texts that some passage of the tenant has."""
    by_digest = {digest_of(text): text for text in texts}
    asked = {"tenant_id": tenant_id, "digests": list(by_digest), "version": version}
    async with conn.cursor(row_factory=class_row(_Known)) as cursor:
        rows = await (await cursor.execute(KNOWN, asked)).fetchall()
    return {
        by_digest[row.digest]: Score(value=row.value, threshold=row.threshold, version=row.version)
        for row in rows
    }


async def keep_scores(conn: Connection, scores: Mapping[int, KeptScore]) -> None:
    """Keep the scores of passages, by their ids; of those that are gone, nothing is kept."""
    if scores:
        rows = [_row(passage_id, kept) for passage_id, kept in scores.items()]
        await conn.execute(KEEP, {"scores": Jsonb(rows)})


async def lacking_scores(
    conn: WorkerConnection, *, tenant_id: int, version: str, after: int, most: int
) -> list[Unscored]:
    """List passages behind `after` that no score of a version is kept of, in order of their ids."""
    asked = {"tenant_id": tenant_id, "version": version, "after": after, "most": most}
    async with conn.cursor(row_factory=class_row(Unscored)) as cursor:
        return await (await cursor.execute(LACKING, asked)).fetchall()


async def newest_passage(conn: WorkerConnection, *, tenant_id: int) -> int:
    """Give the highest id of a passage; 0: there is none."""
    [(newest,)] = await (await conn.execute(NEWEST, {"tenant_id": tenant_id})).fetchall()
    return newest


async def scores_alone(conn: WorkerConnection, *, tenant_id: int) -> bool:
    """Take the scoring of a tenant for the rest of the transaction; False: somebody has it."""
    [(is_alone,)] = await (await conn.execute(ALONE, {"tenant_id": tenant_id})).fetchall()
    return is_alone


def _row(passage_id: int, kept: KeptScore) -> dict[str, object]:
    return {
        "passage_id": passage_id,
        "digest": kept.digest.hex(),
        "score": kept.score.value,
        "threshold": kept.score.threshold,
        "version": kept.score.version,
    }

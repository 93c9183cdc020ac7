"""Fetch passages with what a citation of them needs."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from psycopg.rows import class_row

from roadworthy.core.scores import Score
from roadworthy.corpus.scores import KeptScore
from roadworthy.plumbing.database import ReadConnection

FETCH = """
SELECT passage.id AS passage_id, passage.document_id, document.name AS document_name,
       document.title, document.version, document.metadata, passage.ordinal,
       passage.start_at AS start, passage.end_at AS end, page_first, page_last, heading,
       passage.language, passage.text, kept.digest, kept.score, kept.threshold,
       kept.version AS score_version
  FROM passage JOIN document ON document.tenant_id = passage.tenant_id
                            AND document.id = passage.document_id
  LEFT JOIN passage_score AS kept ON kept.tenant_id = passage.tenant_id
                                 AND kept.passage_id = passage.id
 WHERE passage.tenant_id = %(tenant_id)s AND passage.id = ANY (%(ids)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageRow:
    """A passage with what a citation needs."""

    passage_id: int
    document_id: uuid.UUID
    document_name: str
    title: str
    version: int
    metadata: dict[str, str | int | float | bool]
    ordinal: int  # among the passages of the document; the first is 0
    start: int
    end: int
    page_first: int | None
    page_last: int | None
    heading: str
    language: str
    text: str
    # What a classifier said of it; None: nothing is kept.
    digest: bytes | None
    score: float | None
    threshold: float | None
    score_version: str | None

    @property
    def kept_score(self) -> KeptScore | None:
        """Give what a classifier said of it."""
        if (
            self.digest is None
            or self.score is None
            or self.threshold is None
            or self.score_version is None
        ):
            return None
        return KeptScore(
            digest=self.digest,
            score=Score(value=self.score, threshold=self.threshold, version=self.score_version),
        )


async def fetch(
    conn: ReadConnection, ids: Collection[int], *, tenant_id: int
) -> dict[int, PassageRow]:
    """Fetch passages with their documents, by their ids; one that is gone is left out."""
    async with conn.cursor(row_factory=class_row(PassageRow)) as cursor:
        await cursor.execute(FETCH, {"tenant_id": tenant_id, "ids": list(ids)})
        return {row.passage_id: row for row in await cursor.fetchall()}

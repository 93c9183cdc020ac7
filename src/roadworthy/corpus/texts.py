"""Read the texts of a corpus as they were published, to look at them in another way."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from psycopg.rows import class_row, scalar_row

from roadworthy.plumbing.database import Connection

# Those that are named first; the others in an order that has nothing to do with when they came.
CHOOSE = """
SELECT document.id
  FROM document JOIN revision ON revision.tenant_id = document.tenant_id
                             AND revision.document_id = document.id
 WHERE document.tenant_id = %(tenant_id)s AND document.corpus_id = %(corpus_id)s
   AND revision.state = 'ready'
 ORDER BY document.name = ANY (%(first)s) DESC, md5(document.id::text)
 LIMIT %(limit)s
"""
READ = """
SELECT document.id AS document_id, document.name, document.title, document.media_type,
       document.language, document.language_told, revision.text
  FROM document JOIN revision ON revision.tenant_id = document.tenant_id
                             AND revision.document_id = document.id
 WHERE document.tenant_id = %(tenant_id)s AND document.id = %(id)s AND revision.state = 'ready'
   AND length(revision.text) <= %(left)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A document as it is searched, before it is cut."""

    document_id: uuid.UUID
    name: str
    title: str
    media_type: str
    language: str
    language_told: str | None  # by a person; then nothing is detected
    text: str


async def read_texts(
    conn: Connection,
    *,
    tenant_id: int,
    corpus_id: int,
    first: Collection[str],
    most: int,
    most_characters: int,
) -> list[Text]:
    """Read documents that the principal of `conn` may see; always the same ones.

    Args:
        first: names of documents that go before others.
        most_characters: of all texts together; one that would go beyond is left out.
    """
    asked = {"tenant_id": tenant_id, "corpus_id": corpus_id, "first": sorted(first), "limit": most}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        ids = await (await cursor.execute(CHOOSE, asked)).fetchall()
    left, texts = most_characters, []
    async with conn.cursor(row_factory=class_row(Text)) as cursor:
        for document_id in ids:  # one at a time: a text may have a hundred megabytes
            await cursor.execute(READ, {"tenant_id": tenant_id, "id": document_id, "left": left})
            if (found := await cursor.fetchone()) is not None:
                left -= len(found.text)
                texts.append(found)
    return texts

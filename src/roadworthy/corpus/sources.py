"""Which documents came from a folder, to be compared with what is there now."""

import uuid
from dataclasses import dataclass

from psycopg.rows import class_row

from roadworthy.plumbing.database import Connection

FROM_FOLDER = """
SELECT document.id, document.name, source_path
  FROM document JOIN corpus ON corpus.tenant_id = document.tenant_id
                           AND corpus.id = document.corpus_id
 WHERE document.tenant_id = %(tenant_id)s AND corpus.name = %(corpus)s
   AND document.owner = %(owner)s AND parent_id IS NULL
   AND starts_with(source_path, %(folder)s)
 ORDER BY source_path, document.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedDocument:
    """A document, and the file that it was read from."""

    id: uuid.UUID
    name: str
    source_path: str


async def documents_from(
    conn: Connection, folder: str, *, tenant_id: int, corpus: str, owner: str
) -> list[SourcedDocument]:
    """List what an owner has handed in from a folder and below, by path.

    What was attached to it is not among it: that goes with its mail.

    Args:
        folder: absolute, as it was when the files were handed in.
    """
    asked = {
        "tenant_id": tenant_id,
        "corpus": corpus,
        "owner": owner,
        "folder": f"{folder.rstrip('/')}/",
    }
    async with conn.cursor(row_factory=class_row(SourcedDocument)) as cursor:
        return await (await cursor.execute(FROM_FOLDER, asked)).fetchall()

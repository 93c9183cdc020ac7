"""Where embedding spaces are kept."""

from psycopg.rows import class_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Missing
from roadworthy.core.spaces import PROBE_TEXTS, EmbeddingSpace, SpaceDeclaration, Vectors
from roadworthy.plumbing.database import Connection, WorkerConnection

FIND_SPACE = """
SELECT id, name, model, revision, dimension, normalised, query_prefix, passage_prefix, languages,
       probe_texts, probe_vectors, created_at
  FROM embedding_space
 WHERE name = %(name)s
"""
LIST_SPACES = """
SELECT id, name, model, revision, dimension, normalised, query_prefix, passage_prefix, languages,
       probe_texts, probe_vectors, created_at
  FROM embedding_space
 ORDER BY id
"""
NAMES = """
SELECT embedding_space.name AS space, corpus.name AS corpus
  FROM embedding_space CROSS JOIN corpus
 WHERE embedding_space.id = %(space_id)s
   AND corpus.tenant_id = %(tenant_id)s AND corpus.id = %(corpus_id)s
"""
ADD_SPACE = """
INSERT INTO embedding_space (name, model, revision, dimension, normalised, query_prefix,
                             passage_prefix, languages, probe_texts, probe_vectors, created_at)
VALUES (%(name)s, %(model)s, %(revision)s, %(dimension)s, %(normalised)s, %(query_prefix)s,
        %(passage_prefix)s, %(languages)s, %(probe_texts)s, %(probe_vectors)s, %(now)s)
ON CONFLICT (name) DO NOTHING
"""


async def find_space(conn: Connection, name: str) -> EmbeddingSpace:
    """Look a space up by name.

    Raises:
        Missing: there is none of that name.
    """
    async with conn.cursor(row_factory=class_row(EmbeddingSpace)) as cursor:
        found = await (await cursor.execute(FIND_SPACE, {"name": name})).fetchone()
    if found is None:
        raise Missing(f"There is no embedding space {name!r}; `roadworthy up` makes it.")
    return found


async def list_spaces(conn: Connection) -> list[EmbeddingSpace]:
    """List all spaces, oldest first."""
    async with conn.cursor(row_factory=class_row(EmbeddingSpace)) as cursor:
        return await (await cursor.execute(LIST_SPACES)).fetchall()


async def names_of(
    conn: WorkerConnection, *, tenant_id: int, corpus_id: int, space_id: int
) -> tuple[str, str]:
    """Name a space and a corpus that exist."""
    asked = {"tenant_id": tenant_id, "corpus_id": corpus_id, "space_id": space_id}
    [names] = await (await conn.execute(NAMES, asked)).fetchall()
    return names


async def ensure_space(
    conn: WorkerConnection, declared: SpaceDeclaration, *, probe_vectors: Vectors
) -> EmbeddingSpace:
    """Store a space if there is none of its name; returns the stored one, old or new.

    Args:
        probe_vectors: PROBE_TEXTS embedded as passages, shape (len(PROBE_TEXTS), dimension).
    """
    await conn.execute(
        ADD_SPACE,
        {
            "name": declared.name,
            "model": declared.model,
            "revision": declared.revision,
            "dimension": declared.dimension,
            "normalised": declared.normalised,
            "query_prefix": declared.query_prefix,
            "passage_prefix": declared.passage_prefix,
            "languages": list(declared.languages),
            "probe_texts": list(PROBE_TEXTS),
            "probe_vectors": probe_vectors.astype("<f4").tobytes(),
            "now": now(),
        },
    )
    return await find_space(conn, declared.name)

"""Build a space of a corpus beside those that are searched, and drop one that no longer is."""

from dataclasses import dataclass

from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Invalid
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus.documents import Corpus
from roadworthy.corpus.routing import EVERY, MOST_SPACES, Routing
from roadworthy.corpus.space_lock import change_spaces
from roadworthy.plumbing.database import WorkerConnection

KEEP = """
INSERT INTO corpus_space (tenant_id, corpus_id, language, space_id, is_whole, created_at)
VALUES (%(tenant_id)s, %(corpus_id)s, %(language)s, %(space_id)s, %(is_whole)s, %(now)s)
ON CONFLICT (tenant_id, corpus_id, language, space_id) DO NOTHING
"""
FORGET = """
DELETE FROM corpus_space
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND space_id = %(space_id)s
   AND (%(language)s::text IS NULL OR language = %(language)s)
"""
COUNT_LANGUAGES = """
SELECT language, count(*) AS passages,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM embedding
            WHERE embedding.tenant_id = passage.tenant_id AND passage_id = passage.id
              AND space_id = %(space_id)s)) AS embedded
  FROM passage
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
   AND (%(language)s = '*' OR language = %(language)s)
 GROUP BY language
 ORDER BY count(*) DESC, language
"""
COUNT_LACKING = """
SELECT count(*)
  FROM passage
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
   AND (%(language)s = '*' OR language = %(language)s)
   AND NOT EXISTS (SELECT FROM embedding
                    WHERE embedding.tenant_id = passage.tenant_id
                      AND embedding.passage_id = passage.id
                      AND embedding.space_id = %(space_id)s)
"""
CONFIRM = """
UPDATE corpus_space SET is_whole = true
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND space_id = %(space_id)s
   AND language = '*'
"""
DROP_VECTORS = """
DELETE FROM embedding
 WHERE tenant_id = %(tenant_id)s AND space_id = %(space_id)s AND passage_id IN (
       SELECT passage_id
         FROM embedding
        WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
          AND space_id = %(space_id)s
        LIMIT %(limit)s)
"""
DROPPED_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """How many passages of a language there are, and how many of them a space holds."""

    language: str
    passages: int
    embedded: int


async def filled(
    conn: WorkerConnection, *, tenant_id: int, corpus_id: int, space_id: int, language: str = EVERY
) -> list[Filled]:
    """Count what a space holds of the passages of a corpus, the most spoken language first."""
    asked = {
        "tenant_id": tenant_id,
        "corpus_id": corpus_id,
        "space_id": space_id,
        "language": language,
    }
    async with conn.cursor(row_factory=class_row(Filled)) as cursor:
        return await (await cursor.execute(COUNT_LANGUAGES, asked)).fetchall()


async def keep_beside(
    conn: WorkerConnection, *, tenant_id: int, name: str, space: EmbeddingSpace, language: str
) -> Corpus:
    """Have passages embedded in a space too, from the next published document on.

    Those that are published are the business of `enqueue_reindex`, in a later transaction.

    Raises:
        Missing: there is no such corpus.
        Invalid: the space does not serve the language, or the corpus would have too many.
    """
    corpus = await change_spaces(conn, tenant_id=tenant_id, name=name)
    check_serves(space, language)
    if corpus.routing.space_of(language) == space.id:
        return corpus
    check_room(corpus.routing, space)
    asked = placed(tenant_id, corpus, space, language=language)
    await conn.execute(KEEP, asked | {"is_whole": False, "now": now()})
    return corpus


async def confirm_whole(
    conn: WorkerConnection, *, tenant_id: int, name: str, space: EmbeddingSpace
) -> None:
    """Note that a space which is kept beside holds every passage, if it does.

    Then a release may name it, before anything is switched.

    Raises:
        Missing: there is no such corpus.
    """
    corpus = await change_spaces(conn, tenant_id=tenant_id, name=name)
    asked = placed(tenant_id, corpus, space, language=EVERY)
    if not await count_lacking(conn, asked):
        await conn.execute(CONFIRM, asked)


async def count_lacking(conn: WorkerConnection, asked: dict[str, object]) -> int:
    """Count the passages that a space of a corpus lacks; see `placed`."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        [lacking] = await (await cursor.execute(COUNT_LACKING, asked)).fetchall()
        return lacking


async def forget_space(
    conn: WorkerConnection, *, tenant_id: int, name: str, space: EmbeddingSpace
) -> Corpus:
    """Let a space go that is no longer searched; its vectors go by `drop_vectors`.

    Raises:
        Missing: there is no such corpus.
        Conflict: the space is searched.
    """
    corpus = await change_spaces(conn, tenant_id=tenant_id, name=name)
    routed = {route.space_id for route in corpus.routing.routes}
    if space.id in routed | {corpus.space_id}:
        raise Conflict(
            f"The corpus {name!r} is searched in {space.name!r}; switch it to another space first."
        )
    await conn.execute(FORGET, placed(tenant_id, corpus, space, language=None))
    return corpus


async def drop_vectors(
    conn: WorkerConnection, *, tenant_id: int, name: str, space: EmbeddingSpace
) -> int:
    """Delete some vectors of a space that was let go; returns how many, 0 when none is left.

    Raises:
        Missing: there is no such corpus.
        Conflict: the space was taken up again meanwhile.
    """
    corpus = await change_spaces(conn, tenant_id=tenant_id, name=name)
    if space.id in corpus.routing.spaces:
        raise Conflict(
            f"The corpus {name!r} has taken the space {space.name!r} up again meanwhile; what was "
            f"deleted comes back by `roadworthy corpus reembed {name} --space {space.name}`."
        )
    asked = placed(tenant_id, corpus, space, language=None) | {"limit": DROPPED_AT_ONCE}
    return (await conn.execute(DROP_VECTORS, asked)).rowcount


def placed(
    tenant_id: int, corpus: Corpus, space: EmbeddingSpace, *, language: str | None
) -> dict[str, object]:
    """Name a space of a corpus, for a language or any, to SQL."""
    return {
        "tenant_id": tenant_id,
        "corpus_id": corpus.id,
        "space_id": space.id,
        "language": language,
    }


def check_room(routing: Routing, space: EmbeddingSpace) -> None:
    """Refuse a space that is one too many.

    Raises:
        Invalid: it is.
    """
    if len(routing.spaces | {space.id}) > MOST_SPACES:
        raise Invalid(
            f"A corpus has at most {MOST_SPACES} spaces; `roadworthy corpus drop-space` removes "
            "one that is no longer searched."
        )


def check_serves(space: EmbeddingSpace, language: str) -> None:
    """Refuse a space for a language that it was not made for.

    Raises:
        Invalid: it was not.
    """
    if language != EVERY and not space.serves(language):
        raise Invalid(
            f"The space {space.name!r} is for {', '.join(space.languages)}, not for {language!r}; "
            "choose a space of that language, or one of any."
        )

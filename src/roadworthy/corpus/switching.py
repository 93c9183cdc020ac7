"""Change in which space, and by whose rules, passages of a language are searched, and back.

That changes in one transaction, and only to a space that holds every passage that it is to serve.
"""

from psycopg.rows import scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Invalid
from roadworthy.core.locales import UNDETERMINED
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus.documents import Corpus
from roadworthy.corpus.reembedding import (
    FORGET,
    KEEP,
    check_room,
    check_serves,
    count_lacking,
    placed,
)
from roadworthy.corpus.routing import EVERY, Routing
from roadworthy.corpus.space_lock import change_spaces
from roadworthy.plumbing.database import WorkerConnection

SET_FALLBACK = """
UPDATE corpus SET space_id = %(space_id)s, text_search = %(text_search)s
 WHERE tenant_id = %(tenant_id)s AND id = %(corpus_id)s
"""
PUT_ROUTE = """
INSERT INTO corpus_route (tenant_id, corpus_id, language, space_id, text_search)
VALUES (%(tenant_id)s, %(corpus_id)s, %(language)s, %(space_id)s, %(text_search)s)
ON CONFLICT (tenant_id, corpus_id, language) DO UPDATE
   SET space_id = excluded.space_id, text_search = excluded.text_search
"""
DROP_ROUTE = """
DELETE FROM corpus_route
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND language = %(language)s
"""
LIST_LANGUAGES = """
SELECT DISTINCT language
  FROM passage_count
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND passages > 0
   AND (%(language)s = '*' OR language = %(language)s)
 ORDER BY language
"""


async def switch(
    conn: WorkerConnection, *, tenant_id: int, name: str, space: EmbeddingSpace, language: str
) -> None:
    """Search a corpus, or its passages of one language, in another space from this commit on.

    The space that was searched before is kept beside, and kept up to date: switching back is as
    quick.

    Raises:
        Missing: there is no such corpus.
        Conflict: the space does not hold all of these passages yet.
        Invalid: it does not serve a language of theirs, or the corpus would have too many spaces.
    """
    corpus = await change_spaces(conn, tenant_id=tenant_id, name=name)
    routing = corpus.routing
    before = routing.space_of(language)
    if before == space.id:
        return
    check_room(routing, space)
    check_serves(space, language)
    asked = placed(tenant_id, corpus, space, language=language)
    await _check_speaks(conn, asked, space, corpus=corpus)
    await _check_whole(conn, asked, space, corpus=corpus)
    await conn.execute(FORGET, asked)
    await _route(conn, asked | {"text_search": routing.text_search_of(language)}, routing)
    if language == EVERY or before != corpus.space_id:
        kept = asked | {"space_id": before, "is_whole": True, "now": now()}
        await conn.execute(KEEP, kept)


async def set_text_search(
    conn: WorkerConnection, *, tenant_id: int, name: str, language: str, rules: str
) -> None:
    """Have the terms of a language made by other rules.

    Published passages follow by `enqueue_reindex`; a question is looked up by both meanwhile.

    Raises:
        Missing: there is no such corpus.
    """
    corpus = await change_spaces(conn, tenant_id=tenant_id, name=name)
    asked: dict[str, object] = {
        "tenant_id": tenant_id,
        "corpus_id": corpus.id,
        "language": language,
        "text_search": rules,
        "space_id": corpus.routing.space_of(language),
    }
    await _route(conn, asked, corpus.routing)


async def _route(conn: WorkerConnection, asked: dict[str, object], routing: Routing) -> None:
    if asked["language"] == EVERY:
        await conn.execute(SET_FALLBACK, asked)
    elif (asked["space_id"], asked["text_search"]) == (routing.space_id, routing.text_search):
        await conn.execute(DROP_ROUTE, asked)
    else:
        await conn.execute(PUT_ROUTE, asked)


async def _check_speaks(
    conn: WorkerConnection, asked: dict[str, object], space: EmbeddingSpace, *, corpus: Corpus
) -> None:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        spoken = await (await cursor.execute(LIST_LANGUAGES, asked)).fetchall()
    foreign = [each for each in spoken if each != UNDETERMINED and not space.serves(each)]
    if foreign:
        raise Invalid(
            f"The corpus {corpus.name!r} has passages in {', '.join(foreign[:10])}, which the "
            f"space {space.name!r} does not serve; route only {', '.join(space.languages)} to it."
        )


async def _check_whole(
    conn: WorkerConnection, asked: dict[str, object], space: EmbeddingSpace, *, corpus: Corpus
) -> None:
    if lacking := await count_lacking(conn, asked):
        raise Conflict(
            f"The space {space.name!r} lacks {lacking} passages of the corpus {corpus.name!r}; "
            f"`roadworthy corpus reembed {corpus.name} --space {space.name}` adds them."
        )

"""Change the spaces of a corpus while it is searched: build beside, switch, switch back, drop.

What is searched changes in one transaction, and only to a space that holds every passage that it
is to serve. The lock on the corpus orders that against documents being published.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Invalid, Missing
from roadworthy.core.locales import UNDETERMINED
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus.documents import Corpus, find_corpus
from roadworthy.corpus.routing import AUTO, EVERY, MOST_SPACES, Route
from roadworthy.plumbing.database import WorkerConnection

# Not FOR UPDATE: documents go on being handed in, which only point at the corpus.
LOCK_CORPUS = """
SELECT id FROM corpus
 WHERE tenant_id = %(tenant_id)s AND name = %(name)s
   FOR NO KEY UPDATE
"""
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
SET_FALLBACK = """
UPDATE corpus SET space_id = %(space_id)s
 WHERE tenant_id = %(tenant_id)s AND id = %(corpus_id)s
"""
SET_RULES = """
UPDATE corpus SET text_search = %(text_search)s
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
    corpus = await _locked(conn, tenant_id=tenant_id, name=name)
    _check_serves(space, language)
    if _is_searched(corpus, space, language):
        return corpus
    kept = {each.space_id for each in corpus.routing.beside} | corpus.routing.searched_in()
    if len(kept | {space.id}) > MOST_SPACES:
        raise Invalid(
            f"A corpus has at most {MOST_SPACES} spaces; `roadworthy corpus drop-space` removes "
            "one that is no longer searched."
        )
    asked = _placed(tenant_id, corpus, space, language=language)
    await conn.execute(KEEP, asked | {"is_whole": False, "now": now()})
    return corpus


async def switch(
    conn: WorkerConnection, *, tenant_id: int, name: str, space: EmbeddingSpace, language: str
) -> None:
    """Search a corpus, or its passages of one language, in another space from this commit on.

    The space that was searched before is kept beside, and kept up to date: switching back is as
    quick.

    Raises:
        Missing: there is no such corpus.
        Conflict: the space does not hold all of these passages yet.
        Invalid: it does not serve a language of theirs.
    """
    corpus = await _locked(conn, tenant_id=tenant_id, name=name)
    if _is_searched(corpus, space, language):
        return
    counts = await filled(
        conn, tenant_id=tenant_id, corpus_id=corpus.id, space_id=space.id, language=language
    )
    _check_whole(counts, space, corpus)
    _check_serves(space, language)
    asked = _placed(tenant_id, corpus, space, language=language)
    before = corpus.space_id if language == EVERY else corpus.routing.space_of(language)
    await conn.execute(FORGET, asked)
    if language == EVERY:
        await conn.execute(SET_FALLBACK, asked)
    else:
        rules = _rules(corpus, language)
        if space.id == corpus.space_id and rules == AUTO:
            await conn.execute(DROP_ROUTE, asked)
        else:
            await conn.execute(PUT_ROUTE, asked | {"text_search": rules})
    if language == EVERY or before != corpus.space_id:
        kept = asked | {"space_id": before, "is_whole": True, "now": now()}
        await conn.execute(KEEP, kept)


async def set_text_search(
    conn: WorkerConnection, *, tenant_id: int, name: str, language: str, rules: str
) -> Corpus:
    """Have the terms of a language made by other rules.

    Published passages follow by `enqueue_reindex`; a question is looked up by both meanwhile.

    Raises:
        Missing: there is no such corpus.
    """
    corpus = await _locked(conn, tenant_id=tenant_id, name=name)
    asked: dict[str, object] = {
        "tenant_id": tenant_id,
        "corpus_id": corpus.id,
        "language": language,
        "text_search": rules,
        "space_id": corpus.routing.space_of(language),
    }
    if language == EVERY:
        await conn.execute(SET_RULES, asked)
    elif rules == AUTO and asked["space_id"] == corpus.space_id:
        await conn.execute(DROP_ROUTE, asked)
    else:
        await conn.execute(PUT_ROUTE, asked)
    return corpus


async def forget_space(
    conn: WorkerConnection, *, tenant_id: int, name: str, space: EmbeddingSpace
) -> Corpus:
    """Let a space go that is no longer searched; its vectors go by `drop_vectors`.

    Raises:
        Missing: there is no such corpus.
        Conflict: the space is searched.
    """
    corpus = await _locked(conn, tenant_id=tenant_id, name=name)
    routed = {route.space_id for route in corpus.routing.routes}
    if space.id in routed | {corpus.space_id}:
        raise Conflict(
            f"The corpus {name!r} is searched in {space.name!r}; switch it to another space first."
        )
    await conn.execute(FORGET, _placed(tenant_id, corpus, space, language=None))
    return corpus


async def drop_vectors(
    conn: WorkerConnection, *, tenant_id: int, corpus_id: int, space_id: int
) -> int:
    """Delete some vectors of a space that was let go; returns how many, 0 when none is left."""
    asked = {
        "tenant_id": tenant_id,
        "corpus_id": corpus_id,
        "space_id": space_id,
        "limit": DROPPED_AT_ONCE,
    }
    return (await conn.execute(DROP_VECTORS, asked)).rowcount


async def _locked(conn: WorkerConnection, *, tenant_id: int, name: str) -> Corpus:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        found = await cursor.execute(LOCK_CORPUS, {"tenant_id": tenant_id, "name": name})
        if await found.fetchone() is None:
            raise Missing(f"There is no corpus {name!r}; `roadworthy corpus list` shows them.")
    return await find_corpus(conn, tenant_id=tenant_id, name=name)


def _placed(
    tenant_id: int, corpus: Corpus, space: EmbeddingSpace, *, language: str | None
) -> dict[str, object]:
    return {
        "tenant_id": tenant_id,
        "corpus_id": corpus.id,
        "space_id": space.id,
        "language": language,
    }


def _is_searched(corpus: Corpus, space: EmbeddingSpace, language: str) -> bool:
    if language == EVERY:
        return corpus.space_id == space.id
    return corpus.routing.space_of(language) == space.id


def _rules(corpus: Corpus, language: str) -> str:
    fallback = Route(
        language=language, space_id=corpus.space_id, text_search=corpus.routing.text_search
    )
    routes = {route.language: route for route in corpus.routing.routes}
    return routes.get(language, fallback).text_search


def _check_serves(space: EmbeddingSpace, language: str) -> None:
    if language != EVERY and not space.serves(language):
        raise Invalid(
            f"The space {space.name!r} is for {', '.join(space.languages)}, not for {language!r}; "
            "choose a space of that language, or one of any."
        )


def _check_whole(counts: Sequence[Filled], space: EmbeddingSpace, corpus: Corpus) -> None:
    foreign = [
        each.language
        for each in counts
        if each.language != UNDETERMINED and not space.serves(each.language)
    ]
    if foreign:
        raise Invalid(
            f"The corpus {corpus.name!r} has passages in {', '.join(foreign[:10])}, which the "
            f"space {space.name!r} does not serve; route only {', '.join(space.languages)} to it."
        )
    missing = sum(each.passages - each.embedded for each in counts)
    if missing:
        raise Conflict(
            f"The space {space.name!r} lacks {missing} passages of the corpus {corpus.name!r}; "
            f"`roadworthy corpus reembed {corpus.name} --space {space.name}` adds them."
        )

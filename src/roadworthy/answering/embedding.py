"""Embed the question in the spaces that its corpus is searched in, or go on without."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from roadworthy.core.errors import Busy, Unavailable
from roadworthy.core.spaces import QueryVector, SpaceMismatch
from roadworthy.corpus.documents import Corpus
from roadworthy.corpus.routing import plan
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.plumbing.database import ReadConnection
from roadworthy.releases.store import StoredRelease
from roadworthy.retrieval.store import visible_languages


@dataclass(frozen=True, slots=True, kw_only=True)
class Aimed:
    """In which spaces a question is to be compared, and with passages of which languages."""

    embedders: tuple[SpaceEmbedder, ...]  # the fallback's first, if it is one; none: keywords
    languages: Mapping[int, frozenset[str]]  # by space; a space that is left out: all
    fallback: SpaceEmbedder  # that of the space which holds every passage
    degraded: tuple[str, ...] = ()

    @property
    def first(self) -> SpaceEmbedder:
        """Give the embedder by which what was found is compared with the question."""
        return self.embedders[0] if self.embedders else self.fallback


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A question's vectors, and what went on without."""

    queries: tuple[QueryVector, ...]  # in the order of the embedders
    degraded: list[str]


async def aim(
    conn: ReadConnection,
    *,
    tenant_id: int,
    corpus: Corpus,
    stored: StoredRelease,
    language: str,
    embedders: Mapping[str, SpaceEmbedder],
) -> Aimed:
    """Decide where a question of a language is searched: in the release's space, or as routed.

    Raises:
        Unavailable: this process does not serve the space that holds every passage.
    """
    by_id = {each.space.id: each for each in embedders.values()}
    if stored.release.space is not None:
        pinned = embedder_of(stored, embedders)
        return Aimed(embedders=(pinned,), languages={}, fallback=pinned)
    fallback = by_id.get(corpus.space_id)
    if fallback is None:
        raise Unavailable(
            f"The corpus {corpus.name!r} is searched in an embedding space that is not served "
            "here; `roadworthy doctor` says why."
        )
    if corpus.routing.is_plain and not fallback.space.languages:
        return Aimed(embedders=(fallback,), languages={}, fallback=fallback)
    held = await visible_languages(conn, tenant_id=tenant_id, corpus_id=corpus.id)
    return _as_routed(corpus, language=language, held=held, by_id=by_id, fallback=fallback)


def embedder_of(stored: StoredRelease, embedders: Mapping[str, SpaceEmbedder]) -> SpaceEmbedder:
    """Find the embedder of the space that a release names.

    Raises:
        Unavailable: this process does not serve that space.
    """
    name = stored.release.space
    try:
        return embedders[name or ""]
    except KeyError:
        raise Unavailable(
            f"The release {stored.name!r} needs the embedding space {name!r}, "
            "which is not served here; `roadworthy doctor` says why."
        ) from None


async def embed_or_degrade(aimed: Aimed, question: str) -> Embedded:
    """Embed in each space, or search by keywords alone when the model is down: open, and said.

    Raises:
        SpaceMismatch: the model is another one. That is no outage: then nothing is answered.
    """
    queries = []
    degraded = list(aimed.degraded)
    for embedder in aimed.embedders:
        try:
            query = await embedder.embed_question(question)
        except SpaceMismatch:
            raise
        except (Unavailable, Busy):
            return Embedded(queries=(), degraded=[*degraded, "embeddings"])
        queries.append(replace(query, languages=aimed.languages.get(query.space_id)))
    return Embedded(queries=tuple(queries), degraded=degraded)


def _as_routed(
    corpus: Corpus,
    *,
    language: str,
    held: Collection[str],
    by_id: Mapping[int, SpaceEmbedder],
    fallback: SpaceEmbedder,
) -> Aimed:
    spaces = {space_id: each.space for space_id, each in by_id.items()}
    planned = plan(corpus.routing, asked=language, held=held, spaces=spaces)
    order = sorted(planned, key=lambda space_id: (space_id != corpus.space_id, space_id))
    degraded = ["embeddings"] if held and not planned else []
    if any(route.space_id not in by_id for route in corpus.routing.routes):
        degraded.append("routed space")
    return Aimed(
        embedders=tuple(by_id[space_id] for space_id in order),
        # One space for all that is held needs no look at the language of each passage.
        languages={} if list(planned.values()) == [frozenset(held)] else planned,
        fallback=fallback,
        degraded=tuple(degraded),
    )

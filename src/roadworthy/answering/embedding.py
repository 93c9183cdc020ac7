"""Embed the question in the spaces that its corpus is searched in, or go on without."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from roadworthy.core.errors import Busy, Unavailable
from roadworthy.core.spaces import QueryVector, SpaceMismatch
from roadworthy.corpus.documents import Corpus
from roadworthy.corpus.languages import Spoken
from roadworthy.corpus.routing import Routing, plan
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.uses import OnUse
from roadworthy.plumbing.database import ReadConnection
from roadworthy.plumbing.deadlines import Deadline
from roadworthy.releases.store import StoredRelease
from roadworthy.retrieval.visible import visible_languages

OF_WHAT_IS_LEFT = 0.25  # of a deadline: there is still to be searched and written


@dataclass(frozen=True, slots=True, kw_only=True)
class Aimed:
    """What decides in which spaces a question is compared. Invariant: the fallback is served."""

    routing: Routing
    spoken: Spoken  # the question's language
    held: frozenset[str] | None  # languages of what may be found; None: one space serves them all
    embedders: Mapping[int, SpaceEmbedder]  # of the spaces that are served here

    @property
    def fallback(self) -> SpaceEmbedder:
        """Give the embedder of the space that holds every passage."""
        return self.embedders[self.routing.space_id]

    def planned(self, *, without: Collection[int]) -> dict[int, frozenset[str] | None]:
        """Choose the spaces, the fallback first, and the languages of each; None: all.

        Args:
            without: spaces that the question could not be embedded in.
        """
        spaces = {i: each.space for i, each in self.embedders.items() if i not in without}
        own = self.routing.space_id
        if self.held is None:
            return {own: None} if own in spaces else {}
        chosen = plan(self.routing, asked=self.spoken, held=self.held, spaces=spaces)
        if list(chosen.values()) == [self.held]:
            return dict.fromkeys(chosen)  # no look at the language of each passage
        return {i: chosen[i] for i in sorted(chosen, key=lambda i: (i != own, i))}

    def degraded(self, *, without: Collection[int]) -> list[str]:
        """Say what goes on without."""
        is_lost = self.held != frozenset() and not self.planned(without=without)
        served = self.embedders.keys() - {*without}
        degraded = ["embeddings"] if is_lost or self.routing.space_id in without else []
        if any(route.space_id not in served for route in self.routing.routes):
            degraded.append("routed space")
        return degraded


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A question's vectors, and what went on without."""

    queries: tuple[QueryVector, ...]  # the fallback's first, if it is one; none: keywords alone
    embedder: SpaceEmbedder  # of the first query: what was found is compared with that
    degraded: list[str]


async def aim(
    conn: ReadConnection,
    *,
    tenant_id: int,
    corpus: Corpus,
    stored: StoredRelease,
    spoken: Spoken,
    embedders: Mapping[str, SpaceEmbedder],
) -> Aimed:
    """Decide where a question of a language is searched: in the release's space, or as routed.

    Raises:
        Unavailable: this process does not serve the space that is to hold every passage, or the
            one that the release names does not.
    """
    by_id = {each.space.id: each for each in embedders.values()}
    routing = corpus.routing
    if stored.release.space is not None:
        routing = Routing(space_id=_pinned(stored, corpus, embedders))
    fallback = by_id.get(routing.space_id)
    if fallback is None:
        raise Unavailable(
            f"The corpus {corpus.name!r} is searched in an embedding space that is not served "
            "here; `roadworthy doctor` says why."
        )
    held = None
    if not routing.is_plain or fallback.space.languages:
        asked = {"tenant_id": tenant_id, "corpus_id": corpus.id}
        held = frozenset(await visible_languages(conn, **asked))
    return Aimed(routing=routing, spoken=spoken, held=held, embedders=by_id)


async def embed_or_degrade(
    aimed: Aimed,
    question: str,
    *,
    deadline: Deadline | None = None,
    on_use: OnUse = lambda _: None,
) -> Embedded:
    """Embed in each space; where its model is down or late, search in the others: open, and said.

    Args:
        deadline: of all that is done for the question, which this takes a quarter of at most;
            None: nobody is in haste.
        on_use: told what each model took.

    Raises:
        SpaceMismatch: the model is another one. That is no outage: then nothing is answered.
    """
    began = asyncio.get_running_loop().time()
    by = began + OF_WHAT_IS_LEFT * deadline.left_s if deadline else None
    vectors: dict[int, QueryVector] = {}
    failed: set[int] = set()
    while missing := aimed.planned(without=failed).keys() - vectors.keys():
        asked = [(space_id, aimed.embedders[space_id]) for space_id in sorted(missing)]
        found = await asyncio.gather(
            *(_embedded(embedder, question, by=by, on_use=on_use) for _, embedder in asked)
        )
        for (space_id, _), vector in zip(asked, found, strict=True):
            if vector is None:
                failed.add(space_id)
            else:
                vectors[space_id] = vector
    queries = tuple(
        replace(vectors[space_id], languages=languages)
        for space_id, languages in aimed.planned(without=failed).items()
    )
    first = queries[0].space_id if queries else aimed.routing.space_id
    return Embedded(
        queries=queries,
        embedder=aimed.embedders[first],
        degraded=aimed.degraded(without=failed),
    )


async def _embedded(
    embedder: SpaceEmbedder, question: str, *, by: float | None, on_use: OnUse
) -> QueryVector | None:
    try:
        async with asyncio.timeout_at(by):
            return await embedder.embed_question(question, in_haste=by is not None, on_use=on_use)
    except SpaceMismatch:
        raise
    except (Unavailable, Busy, TimeoutError):
        return None


def _pinned(stored: StoredRelease, corpus: Corpus, embedders: Mapping[str, SpaceEmbedder]) -> int:
    name = stored.release.space or ""
    if name not in embedders:
        raise Unavailable(
            f"The release {stored.name!r} needs the embedding space {name!r}, "
            "which is not served here; `roadworthy doctor` says why."
        )
    space_id = embedders[name].space.id
    if space_id not in corpus.routing.whole:
        raise Unavailable(
            f"The release {stored.name!r} needs the embedding space {name!r}, which was not seen "
            f"to hold every passage of the corpus {corpus.name!r}; `roadworthy corpus reembed "
            f"{corpus.name} --space {name}` makes it so."
        )
    return space_id

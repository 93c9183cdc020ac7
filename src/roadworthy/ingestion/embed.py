"""Embed the passages of a document in every space that its corpus wants them in."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from roadworthy.core.errors import Unavailable
from roadworthy.core.spaces import Vectors
from roadworthy.corpus.publishing import SpaceVectors
from roadworthy.corpus.routing import Routing
from roadworthy.gateway.embeddings import SpaceEmbedder

BATCH = 32  # passages embedded between two reports of progress

Report = Callable[[int], None]  # passages embedded so far, in all spaces


async def embed_everywhere(
    texts: Sequence[str],
    languages: Sequence[str],
    *,
    routing: Routing,
    embedders: Mapping[int, SpaceEmbedder],
    report: Report,
) -> list[SpaceVectors]:
    """Embed each text in the spaces that it is wanted in, the corpus's own first.

    A space that is only kept beside and not served here is left out: publishing sees that, and
    adds a job for it.

    Args:
        texts: what stands for each passage.
        languages: of the passages, as many.

    Raises:
        Unavailable: a space that is searched is not served here, or a model is down.
    """
    check_served(languages, routing=routing, embedders=embedders)
    embedded: list[SpaceVectors] = []
    done = 0
    for space_id, ordinals in routing.wanted(languages).items():
        if space_id not in embedders:
            continue
        embedder = embedders[space_id]
        some = [texts[ordinal] for ordinal in ordinals]
        vectors = await _embed(some, embedder, report=_after(done, report))
        embedded.append(SpaceVectors(space=embedder.space, ordinals=ordinals, vectors=vectors))
        done += len(some)
    return embedded


def check_served(
    languages: Collection[str], *, routing: Routing, embedders: Mapping[int, SpaceEmbedder]
) -> None:
    """Refuse work on passages that would be searched in a space that is not served here.

    Raises:
        Unavailable: they would.
    """
    for language in {*languages}:
        for space_id in routing.must_hold(language) - embedders.keys():
            raise not_served(space_id)


def not_served(space_id: int) -> Unavailable:
    """Say that this worker cannot embed in a space."""
    return Unavailable(
        f"The embedding space {space_id} is not served by this worker; `roadworthy doctor` says "
        "why."
    )


def kept_unserved(space: str, corpus: str) -> Unavailable:
    """Say that this worker cannot embed in a space that a corpus only keeps, by their names."""
    return Unavailable(
        f"The space {space!r}, which the corpus {corpus!r} keeps, is not served by this worker; "
        f"`roadworthy doctor` says why, `roadworthy corpus drop-space {corpus} --space {space}` "
        "lets it go."
    )


async def _embed(texts: Sequence[str], embedder: SpaceEmbedder, *, report: Report) -> Vectors:
    batches: list[Vectors] = []
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        batches.append(await embedder.embed_passages(batch, is_background=True))
        report(start + len(batch))
    return np.concatenate(batches) if batches else await embedder.embed_passages([])


def _after(done: int, report: Report) -> Report:
    return lambda count: report(done + count)

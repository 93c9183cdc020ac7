"""Embed the passages of a document in every space that its corpus wants them in."""

from collections.abc import Callable, Mapping, Sequence

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
) -> tuple[Vectors, list[SpaceVectors]]:
    """Embed each text in the corpus's own space, and some in others.

    A space that is only kept beside and not served here is left out: publishing sees that, and
    adds a job for it.

    Args:
        texts: what stands for each passage.
        languages: of the passages, as many.

    Returns:
        The vectors in the corpus's own space, shape (texts, dimension), and those in others.

    Raises:
        Unavailable: a space that is searched is not served here, or a model is down.
    """
    own = await _embed(texts, embedders[routing.space_id], report=report)
    further: list[SpaceVectors] = []
    done = len(texts)
    for space_id, ordinals in wanted_beside(routing, languages).items():
        if space_id not in embedders:
            if space_id in routing.searched_in():
                raise not_served(space_id)
            continue
        some = [texts[ordinal] for ordinal in ordinals]
        vectors = await _embed(some, embedders[space_id], report=_after(done, report))
        further.append(SpaceVectors(space_id=space_id, ordinals=ordinals, vectors=vectors))
        done += len(some)
    return own, further


def wanted_beside(routing: Routing, languages: Sequence[str]) -> dict[int, list[int]]:
    """Tell which passages are wanted in which spaces, beside the corpus's own."""
    wanted: dict[int, list[int]] = {}
    for ordinal, language in enumerate(languages):
        for space_id in sorted(routing.wanted_by(language) - {routing.space_id}):
            wanted.setdefault(space_id, []).append(ordinal)
    return wanted


def not_served(space_id: int) -> Unavailable:
    """Say that this worker cannot embed in a space."""
    return Unavailable(
        f"The embedding space {space_id} is not served by this worker; `roadworthy doctor` says "
        "why."
    )


async def _embed(texts: Sequence[str], embedder: SpaceEmbedder, *, report: Report) -> Vectors:
    batches: list[Vectors] = []
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        batches.append(await embedder.embed_passages(batch))
        report(start + len(batch))
    return np.concatenate(batches) if batches else await embedder.embed_passages([])


def _after(done: int, report: Report) -> Report:
    return lambda count: report(done + count)

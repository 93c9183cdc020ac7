"""Embed the question in the space of its release, or go on without."""

from collections.abc import Mapping

from roadworthy.core.errors import Busy, Unavailable
from roadworthy.core.spaces import QueryVector, SpaceMismatch
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.releases.store import StoredRelease


def embedder_of(stored: StoredRelease, embedders: Mapping[str, SpaceEmbedder]) -> SpaceEmbedder:
    """Find the embedder of a release's space.

    Raises:
        Unavailable: this process does not serve that space.
    """
    try:
        return embedders[stored.release.space]
    except KeyError:
        raise Unavailable(
            f"The release {stored.name!r} needs the embedding space {stored.release.space!r}, "
            "which is not served here; `roadworthy doctor` says why."
        ) from None


async def embed_or_degrade(
    embedder: SpaceEmbedder, question: str
) -> tuple[QueryVector | None, list[str]]:
    """Embed, or search by keywords alone when the model is down: open, and said to be so.

    Returns: the vector or None, and what is degraded.

    Raises:
        SpaceMismatch: the model is another one. That is no outage: then nothing is answered.
    """
    try:
        return await embedder.embed_question(question), []
    except SpaceMismatch:
        raise
    except (Unavailable, Busy):
        return None, ["embeddings"]

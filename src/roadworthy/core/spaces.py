"""Embedding spaces: which vectors may be compared with which.

A space is the fingerprint of one way to embed. Its probes are texts whose vectors were stored
when the space was made: who embeds them again and gets something else is not in this space.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from roadworthy.core.errors import Unavailable

Vectors = NDArray[np.float32]  # shape (n, dimension)

LEAST_PROBE_COSINE = 0.999
# Short, long, numeric, accented and non-Latin: what a wrong prefix, pooling, normalisation or
# tokenizer changes most.
PROBE_TEXTS = (
    "How many days of leave do I have?",
    "Combien de jours de congé ai-je ?",
    "¿Cuántos días de vacaciones tengo?",
    "Invoice 2024-0117: 1,250.00 EUR, due within 30 days of delivery.",
    "年次休暇は何日ありますか。",
    "The supplier shall indemnify the customer against all claims arising from a breach of the "
    "warranties given in clause 7, provided that notice is given in writing.",
)

DECLARED = ("model", "revision", "dimension", "normalised", "query_prefix", "passage_prefix")


class SpaceMismatch(Unavailable):
    """The model at hand does not embed in the space asked for; it must not be searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceDeclaration:
    """How texts are embedded: what a space is made from, and what the settings now say."""

    name: str
    model: str
    revision: str  # of weights and conversion, as the endpoint tells it; "" if it does not
    dimension: int
    normalised: bool
    query_prefix: str
    passage_prefix: str
    languages: tuple[str, ...]  # ISO 639-1; empty: any


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingSpace:
    """A stored space."""

    id: int
    name: str
    model: str
    revision: str
    dimension: int
    normalised: bool
    query_prefix: str
    passage_prefix: str
    languages: list[str]
    probe_texts: list[str]
    probe_vectors: bytes  # little-endian float32, one row a probe text
    created_at: datetime

    def probes(self) -> Vectors:
        """Give the stored probe vectors, shape (probes, dimension)."""
        return np.frombuffer(self.probe_vectors, dtype="<f4").reshape(-1, self.dimension)

    def serves(self, language: str) -> bool:
        """Say whether texts of a language may be compared in it."""
        return not self.languages or language in self.languages


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryVector:
    """A question embedded in one space: the only thing that a space can be searched with."""

    space_id: int
    space: str  # its name
    vector: Vectors  # shape (dimension,)
    languages: frozenset[str] | None = None  # of the passages it is compared with; None: of all


def check_declaration(space: EmbeddingSpace, declared: SpaceDeclaration) -> None:
    """Compare what is stored with what is declared now.

    Raises:
        SpaceMismatch: they differ; the sentence names the first setting that does.
    """
    for setting in DECLARED:
        stored, now_declared = getattr(space, setting), getattr(declared, setting)
        if stored != now_declared:
            raise SpaceMismatch(
                f"The embedding space {space.name!r} was made with {setting} {stored!r}, but the "
                f"settings now give {now_declared!r}. Restore it, or make a space of another name "
                "and ingest again.",
                space=space.name,
                setting=setting,
            )


def check_probes(space: EmbeddingSpace, embedded: Vectors) -> None:
    """Compare freshly embedded probe texts with the stored vectors.

    Raises:
        SpaceMismatch: another dimension or norm, or a cosine below 0.999; the sentence says which.
    """
    stored = space.probes()
    if embedded.shape != stored.shape:
        raise SpaceMismatch(
            f"The embedding space {space.name!r} has {stored.shape[1]} dimensions, but the model "
            f"{space.model!r} now gives {embedded.shape[-1]}: embeddings_model or embeddings_url "
            "names another model.",
            space=space.name,
            setting="dimension",
        )
    norms = np.linalg.norm(embedded, axis=1)
    if space.normalised and not np.allclose(norms, 1, atol=1e-2):
        raise SpaceMismatch(
            f"Vectors of the space {space.name!r} have length 1, but the model now gives "
            f"{norms.max():.3g}: the endpoint does not normalise (setting normalised).",
            space=space.name,
            setting="normalised",
        )
    cosines = np.sum(stored * embedded, axis=1) / np.maximum(
        np.linalg.norm(stored, axis=1) * norms, 1e-12
    )
    if not cosines.min() >= LEAST_PROBE_COSINE:
        raise SpaceMismatch(
            f"The model behind embeddings_url no longer gives the vectors of the space "
            f"{space.name!r} (probe {int(cosines.argmin()) + 1} has cosine {cosines.min():.4f}, "
            f"at least {LEAST_PROBE_COSINE} is needed): another model, revision, prefix or "
            "pooling. Restore it, or make a space of another name and ingest again.",
            space=space.name,
            setting="embeddings_model",
        )

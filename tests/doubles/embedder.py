"""An embedder without a server: alike words, near vectors; what it was asked is kept."""

import numpy as np

from roadworthy.core.spaces import EmbeddingSpace, QueryVector
from tests.world import DIMENSION, words_vector


class WordsEmbedder:
    """Embeds as the model server does; tests/gateway hold that one to the protocol."""

    def __init__(self, space: EmbeddingSpace) -> None:
        self.space = space
        self.asked: list[list[str]] = []

    async def embed_question(self, question: str, **_: object) -> QueryVector:
        self.asked.append([question])
        vector = words_vector(question)
        return QueryVector(space_id=self.space.id, space=self.space.name, vector=vector)

    async def embed_passages(self, texts, **_: object) -> np.ndarray:
        self.asked.append(list(texts))
        return np.array([words_vector(text) for text in texts]).reshape(-1, DIMENSION)

"""Chroma: one collection, filtered by metadata."""

from pathlib import Path

import chromadb
from chromadb.config import Settings
from corpus import EF, EF_CONSTRUCTION, Ask, Corpus, Engine, M, Question


def build(corpus: Corpus, folder: Path) -> Ask:
    client = chromadb.PersistentClient(folder, Settings(anonymized_telemetry=False))
    collection = client.create_collection(
        "passages",
        configuration={
            "hnsw": {
                "space": "ip",
                "max_neighbors": M,
                "ef_construction": EF_CONSTRUCTION,
                "ef_search": EF,
            }
        },
        embedding_function=None,
    )
    for ids, block in corpus.blocks():
        said = zip(corpus.tenants[ids].tolist(), corpus.classes[ids].tolist(), strict=True)
        collection.add(
            ids=[str(id) for id in ids.tolist()],
            embeddings=block,
            metadatas=[{"tenant": tenant, "class": classed} for tenant, classed in said],
        )

    def ask(asked: Question, k: int) -> list[int]:
        found = collection.query(
            query_embeddings=[asked.vector],
            n_results=k,
            where={"$and": [{"tenant": asked.tenant}, {"class": {"$lt": asked.classes}}]},
            include=[],
        )
        return [int(id) for id in found["ids"][0]]

    return ask


ENGINE = Engine(
    "chromadb",
    build,
    "one persistent collection of all tenants, where {$and: [tenant, class $lt]}; threads of its "
    "runtime",
)

"""usearch: a graph for each tenant, whose hits are sifted afterwards."""

from pathlib import Path

import numpy as np
from corpus import EF, EF_CONSTRUCTION, Ask, Corpus, Engine, M, Question
from usearch.index import Index

FETCHED = (EF, 4 * EF, 16 * EF)  # more is asked for while too few may be seen


def build(corpus: Corpus, folder: Path) -> Ask:  # noqa: ARG001
    indexes = {tenant: _index(corpus, tenant) for tenant in np.unique(corpus.tenants).tolist()}

    def ask(asked: Question, k: int) -> list[int]:
        index = indexes[asked.tenant]
        for count in FETCHED:
            found = index.search(asked.vector, count, threads=1).keys.astype(np.int64)
            visible = found[corpus.classes[found] < asked.classes]
            if len(visible) >= k or len(found) == len(index):
                break
        return visible[:k].tolist()

    return ask


def _index(corpus: Corpus, tenant: int) -> Index:
    index = Index(
        ndim=corpus.dimension,
        metric="ip",
        dtype="f16",
        connectivity=M,
        expansion_add=EF_CONSTRUCTION,
        expansion_search=EF,
    )
    held = np.flatnonzero(corpus.tenants == tenant)
    index.add(held, corpus.vectors[held])
    return index


ENGINE = Engine(
    "usearch",
    build,
    "no filters in its Python binding: an index for each tenant, of which 200, then 800, then "
    "3,200 hits are fetched until enough may be seen; one thread a question",
)

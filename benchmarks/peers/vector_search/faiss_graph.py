"""faiss: one graph of all passages, searched through a bitmap of what may be found."""

from itertools import product
from pathlib import Path

import faiss
import numpy as np
from corpus import EF, EF_CONSTRUCTION, Ask, Corpus, Engine, M, Question


def build(corpus: Corpus, folder: Path) -> Ask:  # noqa: ARG001
    index = faiss.IndexHNSWFlat(corpus.dimension, M, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    for _, block in corpus.blocks():
        index.add(block)

    def parameters(tenant: int, classes: int) -> faiss.SearchParametersHNSW:
        visible = (corpus.tenants == tenant) & (corpus.classes < classes)
        selector = faiss.IDSelectorBitmap(np.packbits(visible, bitorder="little"))
        return faiss.SearchParametersHNSW(sel=selector, efSearch=EF)

    every = product(np.unique(corpus.tenants).tolist(), corpus.clearances)
    kept = {each: parameters(*each) for each in every}

    def ask(asked: Question, k: int) -> list[int]:
        _, [found] = index.search(asked.vector[None], k, params=kept[asked.tenant, asked.classes])
        return [each for each in found.tolist() if each >= 0]

    return ask


ENGINE = Engine(
    "faiss-cpu",
    build,
    "one IndexHNSWFlat of all tenants; an IDSelectorBitmap for each tenant and clearance, made "
    "before and kept; one thread a question",
)

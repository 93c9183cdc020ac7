"""LanceDB: one table, filtered before it is searched."""

from collections.abc import Iterator
from pathlib import Path

import lancedb
import pyarrow as pa
from corpus import Ask, Corpus, Engine, Question
from lancedb.index import Bitmap, IvfRq

# Its pages call an exact scan fine up to here, and advise IVF_RQ for searches that are filtered
# and vectors of more than 256 dimensions.
EXACT = 100_000  # rows
PARTITION = 4_096  # rows
REFINED = 10  # times k are compared again by whole vectors


def build(corpus: Corpus, folder: Path) -> Ask:
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("tenant", pa.int32()),
            ("class", pa.int32()),
            ("vector", pa.list_(pa.float32(), corpus.dimension)),
        ]
    )
    database = lancedb.connect(folder)
    table = database.create_table("passage", _batches(corpus, schema), schema=schema)
    table.create_index("tenant", config=Bitmap())
    table.create_index("class", config=Bitmap())
    indexed = len(corpus) > EXACT
    if indexed:
        rabitq = IvfRq(distance_type="dot", num_partitions=len(corpus) // PARTITION)
        table.create_index("vector", config=rabitq)

    def ask(asked: Question, k: int) -> list[int]:
        seen = f"tenant = {asked.tenant} AND class < {asked.classes}"
        search = table.search(asked.vector).distance_type("dot").where(seen, prefilter=True)
        search = search.select(["id", "_distance"]).limit(k)
        if indexed:
            # All partitions, if a narrow filter leaves too few rows in the nearest.
            search = search.maximum_nprobes(0).refine_factor(REFINED)
        return search.to_arrow()["id"].to_pylist()

    return ask


def _batches(corpus: Corpus, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for ids, block in corpus.blocks():
        vectors = pa.FixedSizeListArray.from_arrays(block.ravel(), corpus.dimension)
        columns = [ids, corpus.tenants[ids], corpus.classes[ids], vectors]
        yield pa.record_batch([pa.array(each) for each in columns], schema=schema)


ENGINE = Engine(
    "lancedb",
    build,
    "one table on disk, bitmap indexes of tenant and class, where() before the search; exact up to "
    "100,000 rows, above IVF_RQ with refine_factor 10; all cores a question",
)

"""qdrant-edge: one shard, partitioned by payload as its pages on multitenancy advise."""

from pathlib import Path

from corpus import EF, EF_CONSTRUCTION, Ask, Corpus, Engine, M, Question
from qdrant_edge import (
    AcornSearchParams,
    Distance,
    EdgeConfig,
    EdgeShard,
    EdgeVectorParams,
    FieldCondition,
    Filter,
    HnswIndexConfig,
    IntegerIndexParams,
    KeywordIndexParams,
    MatchValue,
    Point,
    Query,
    QueryRequest,
    RangeFloat,
    SearchParams,
    UpdateOperation,
)

FULL_SCAN_KB = 10_000  # its default: below that much of vectors a filter is scanned, not searched


def build(corpus: Corpus, folder: Path) -> Ask:
    shard = EdgeShard.create(str(folder), _config(corpus.dimension))
    tenant_index = KeywordIndexParams(is_tenant=True)
    shard.update(UpdateOperation.create_field_index("tenant", tenant_index))
    class_index = IntegerIndexParams(lookup=False, range=True, enable_hnsw=False)
    shard.update(UpdateOperation.create_field_index("class", class_index))
    for ids, block in corpus.blocks():
        payloads = zip(corpus.tenants[ids].tolist(), corpus.classes[ids].tolist(), strict=True)
        points = [
            Point(id, vector.tolist(), {"tenant": str(tenant), "class": classed})
            for id, vector, (tenant, classed) in zip(ids.tolist(), block, payloads, strict=True)
        ]
        shard.update(UpdateOperation.upsert_points(points))
    shard.optimize()

    def ask(asked: Question, k: int) -> list[int]:
        of_tenant = FieldCondition("tenant", match=MatchValue(str(asked.tenant)))
        seen = FieldCondition("class", range=RangeFloat(lt=asked.classes))
        request = QueryRequest(
            limit=k,
            query=Query.Nearest(asked.vector.tolist()),
            filter=Filter(must=[of_tenant, seen]),
            params=SearchParams(hnsw_ef=EF, acorn=AcornSearchParams(enable=True)),
        )
        return [point.id for point in shard.query(request)]

    return ask


def _config(dimension: int) -> EdgeConfig:
    # No graph over all tenants, only one for each.
    hnsw = HnswIndexConfig(
        m=0, payload_m=M, ef_construct=EF_CONSTRUCTION, full_scan_threshold=FULL_SCAN_KB
    )
    vectors = EdgeVectorParams(size=dimension, distance=Distance.Dot)
    return EdgeConfig(vectors=vectors, hnsw_config=hnsw)


ENGINE = Engine(
    "qdrant-edge-py",
    build,
    "one shard without a global graph (m 0, payload_m 24), indexes of tenant (is_tenant) and class "
    "(enable_hnsw off), both in the query's filter, with ACORN; threads of its pool",
)

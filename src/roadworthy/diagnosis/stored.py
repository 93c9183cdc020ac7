"""Does what is stored of passages still come out of them? Vectors by the model, terms by the rules.

The oldest and the newest passages are looked at: what was changed on the way lies between them.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from psycopg.rows import class_row

from roadworthy.core.spaces import LEAST_PROBE_COSINE
from roadworthy.corpus.lead import to_embed
from roadworthy.corpus.postings import decode_postings
from roadworthy.corpus.routing import rules_of
from roadworthy.corpus.terms import METHOD, terms
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.plumbing.database import WorkerConnection

SAMPLED = 2  # passages of each end

SAMPLE = """
SELECT passage.id, passage.revision_id, passage.corpus_id, passage.acl_id, passage.text, heading,
       document.title, passage.language, analysis, term_count, embedding.vector::text AS vector
  FROM passage
  JOIN document ON document.tenant_id = passage.tenant_id AND document.id = passage.document_id
  JOIN embedding ON embedding.tenant_id = passage.tenant_id AND passage_id = passage.id
                AND space_id = %(space_id)s
 WHERE passage.tenant_id = %(tenant_id)s AND passage.corpus_id = %(corpus_id)s
   AND passage.language = %(language)s
"""
OLDEST = f"({SAMPLE} ORDER BY passage.id LIMIT %(limit)s)"
NEWEST = f"({SAMPLE} ORDER BY passage.id DESC LIMIT %(limit)s)"
BOTH_ENDS = f"{OLDEST} UNION {NEWEST} ORDER BY id"
POSTINGS_OF = """
SELECT term, packed
  FROM posting
 WHERE tenant_id = %(tenant_id)s AND revision_id = %(revision_id)s AND term = ANY (%(terms)s)
UNION ALL
SELECT term, packed
  FROM posting_segment
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND acl_id = %(acl_id)s
   AND term = ANY (%(terms)s) AND first_id <= %(id)s AND last_id >= %(id)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A passage with what is stored of it in one space."""

    id: int
    revision_id: uuid.UUID
    corpus_id: int
    acl_id: int
    text: str
    heading: str
    title: str
    language: str
    analysis: str
    term_count: int
    vector: str  # as PostgreSQL writes it

    @property
    def led(self) -> str:
        """Give what was embedded and analysed."""
        return to_embed(self.text, title=self.title, heading=self.heading)


async def sample(
    conn: WorkerConnection, *, tenant_id: int, corpus_id: int, space_id: int, language: str
) -> list[Sample]:
    """Fetch a few passages of a language that have a vector in a space."""
    asked = {
        "tenant_id": tenant_id,
        "corpus_id": corpus_id,
        "space_id": space_id,
        "language": language,
        "limit": SAMPLED,
    }
    async with conn.cursor(row_factory=class_row(Sample)) as cursor:
        return await (await cursor.execute(BOTH_ENDS, asked)).fetchall()


async def strange_vectors(samples: Sequence[Sample], embedder: SpaceEmbedder) -> list[float]:
    """Embed passages again; give the cosines of those whose stored vector is another one.

    Raises:
        Unavailable: the model is down.
    """
    if not samples:
        return []
    now = await embedder.embed_passages([each.led for each in samples])
    cosines = []
    for each, fresh in zip(samples, now, strict=True):
        stored = np.array(json.loads(each.vector), dtype=np.float32)
        if stored.shape != fresh.shape:
            cosines.append(0.0)
            continue
        lengths = float(np.linalg.norm(stored) * np.linalg.norm(fresh))
        cosines.append(float(stored @ fresh) / max(lengths, 1e-12))
    return [cosine for cosine in cosines if not cosine >= LEAST_PROBE_COSINE]


async def strange_words(
    conn: WorkerConnection, samples: Sequence[Sample], *, tenant_id: int
) -> int:
    """Count the passages whose terms, as they are stored, are not those of their rules.

    What another version analysed is not judged by this one's rules.

    Raises:
        Invalid: the rules that are named do not exist.
    """
    strange = 0
    for each in samples:
        if each.analysis.partition(":")[0] != METHOD:
            continue
        found = terms(each.led, language=rules_of(each.analysis, language=each.language))
        distinct = sorted(set(found))
        asked = {
            "tenant_id": tenant_id,
            "corpus_id": each.corpus_id,
            "acl_id": each.acl_id,
            "revision_id": each.revision_id,
            "id": each.id,
            "terms": distinct,
        }
        async with conn.cursor(binary=True) as cursor:
            rows = await (await cursor.execute(POSTINGS_OF, asked)).fetchall()
        holding = {term for term, one in rows if each.id in decode_postings(one).passage_ids}
        strange += len(holding) != len(distinct) or each.term_count != len(found)
    return strange

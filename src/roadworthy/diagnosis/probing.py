"""Ask golden probes as a reader of their documents would, by each way that a question can go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from roadworthy.answering.embedding import aim, embed_or_degrade
from roadworthy.core.identity import EVERYONE, Principal
from roadworthy.core.spaces import QueryVector
from roadworthy.corpus.documents import Corpus
from roadworthy.corpus.languages import Spoken
from roadworthy.corpus.probes import Probe
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.plumbing.database import Database
from roadworthy.releases import BUILT_IN
from roadworthy.releases.records import DEFAULT
from roadworthy.releases.store import StoredRelease
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.fusion import Fusion, fusion_of
from roadworthy.retrieval.search import search

AS_ASKED = "search"  # by the routing of the corpus, vectors and words together
BY_WORDS = "keywords"
AMONG_BEST = 10  # hits: within them a probe must find its passage

RELEASE = BUILT_IN[DEFAULT].model_copy(update={"space": None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Where probes of one corpus are asked."""

    database: Database
    embedders: Mapping[str, SpaceEmbedder]  # by name of the space; only those that are well
    tenant_id: int
    corpus: Corpus


def ways_of(asking: Asking, probe: Probe) -> list[str]:
    """Name the ways by which a probe can be looked for: as asked, by words, and in each space."""
    return [AS_ASKED, BY_WORDS, *(each.space.name for each in _spaces(asking, probe))]


async def found_by(asking: Asking, probe: Probe) -> list[str]:
    """Ask a probe by each of its ways, and name those that find its passage.

    Raises:
        Unavailable: the database or a model is down.
    """
    found = [AS_ASKED] if await _as_asked(asking, probe) else []
    if await _finds(asking, probe, queries=[], fusion=Fusion(vector_weight=0)):
        found.append(BY_WORDS)
    for embedder in _spaces(asking, probe):
        query = await embedder.embed_question(probe.question)
        if await _finds(asking, probe, queries=[query], fusion=Fusion(vector_weight=1)):
            found.append(embedder.space.name)
    return found


def _spaces(asking: Asking, probe: Probe) -> list[SpaceEmbedder]:
    """Give the spaces that hold the probe's passages and serve its language."""
    routing = asking.corpus.routing
    holding = {routing.space_id} | {routing.space_of(language) for language in probe.languages}
    return [
        each
        for each in asking.embedders.values()
        if each.space.id in holding and each.space.serves(probe.language)
    ]


async def _as_asked(asking: Asking, probe: Probe) -> bool:
    stored = StoredRelease(
        name=DEFAULT,
        hash="",
        content=RELEASE.model_dump_json(),
        created_at=datetime.now(UTC),
        is_live=True,
    )
    async with asking.database.read_as(_reader(asking, probe)) as conn:
        aimed = await aim(
            conn,
            tenant_id=asking.tenant_id,
            corpus=asking.corpus,
            stored=stored,
            spoken=Spoken(language=probe.language, is_certain=True),
            embedders=asking.embedders,
        )
    embedded = await embed_or_degrade(aimed, probe.question)
    return await _finds(asking, probe, queries=embedded.queries, fusion=fusion_of(RELEASE))


async def _finds(
    asking: Asking, probe: Probe, *, queries: Sequence[QueryVector], fusion: Fusion
) -> bool:
    async with asking.database.read_as(_reader(asking, probe)) as conn:
        found = await search(
            conn,
            probe.question,
            queries=queries,
            corpus=asking.corpus,
            tenant_id=asking.tenant_id,
            among=Filter(),
            limit=AMONG_BEST,
            fusion=fusion,
        )
    # The same words elsewhere are as good: boilerplate stands in many documents.
    return any(
        hit.passage_id in probe.passages or (probe.quote is not None and probe.quote in hit.text)
        for hit in found.hits
    )


def _reader(asking: Asking, probe: Probe) -> Principal:
    """Be one who may read the document, by each of its grants."""
    named = [subject.partition(":") for subject in probe.readers]
    users = [name for kind, _, name in named if kind == "user"]
    return Principal(
        tenant_id=asking.tenant_id,
        user_id=users[0] if users else EVERYONE,
        groups=frozenset(name for kind, _, name in named if kind == "group") - {EVERYONE},
        clearance=probe.clearance,
    )

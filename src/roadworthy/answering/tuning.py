"""Ask questions whose answers are known, as one person, once for however many ways to join."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from roadworthy.answering.embedding import aim, embed_or_degrade
from roadworthy.core.errors import Unavailable
from roadworthy.core.identity import Principal
from roadworthy.corpus.documents import Corpus, find_corpus
from roadworthy.corpus.languages import spoken
from roadworthy.corpus.naming import names_of
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.plumbing.database import Connection, Database
from roadworthy.releases import find_release
from roadworthy.releases.store import StoredRelease
from roadworthy.retrieval.filters import Filter, Scope
from roadworthy.retrieval.judged import Judged, JudgedQuestion, judged
from roadworthy.retrieval.passages import fetch
from roadworthy.retrieval.search import CANDIDATES, check_question, rank

SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, where, and by which release. He sees what he may see."""

    database: Database
    embedders: Mapping[str, SpaceEmbedder]
    principal: Principal
    stored: StoredRelease
    corpus: Corpus


async def asker(
    database: Database, embedders: Mapping[str, SpaceEmbedder], principal: Principal
) -> Asker:
    """Let a person ask by the live release, in its corpus.

    Raises:
        Missing: there is no live release, or not its corpus.
    """
    tenant_id = principal.tenant_id
    async with database.read_as(principal) as conn:
        stored = await find_release(conn, tenant_id=tenant_id)
        corpus = await find_corpus(conn, tenant_id=tenant_id, name=stored.release.corpus)
    return Asker(
        database=database, embedders=embedders, principal=principal, stored=stored, corpus=corpus
    )


async def answerable(
    conn: Connection, questions: Sequence[JudgedQuestion], *, tenant_id: int, corpus_id: int
) -> list[JudgedQuestion]:
    """Keep the questions about documents that the principal of `conn` may see, in a seeded order.

    Their targets get the names that the documents have in the corpus.
    """
    called = {target.document for each in questions for target in each.targets}
    names = await names_of(conn, called, tenant_id=tenant_id, corpus_id=corpus_id)
    kept = [
        replace(
            each,
            targets=[
                replace(target, document=names[target.document])
                for target in each.targets
                if target.document in names
            ],
        )
        for each in questions
    ]
    kept = [each for each in kept if each.targets]
    random.Random(SEED).shuffle(kept)  # noqa: S311 - a sample, not a secret
    return kept


async def ask_all(
    asking: Asker,
    questions: Sequence[JudgedQuestion],
    *,
    most_s: float,
    advance: Callable[[], None],
) -> list[Judged]:
    """Search for each question, for as long as there is time; what was found is not joined.

    Raises:
        Invalid: a question is none.
        Unavailable: the database or a model is down; what is measured without it would not hold.
    """
    until = time.monotonic() + most_s
    found: list[Judged] = []
    for each in questions:
        if time.monotonic() > until:
            break
        found.append(await _ask(asking, each))
        advance()
    return found


async def _ask(asking: Asker, asked: JudgedQuestion) -> Judged:
    check_question(asked.question)
    tenant_id, corpus = asking.principal.tenant_id, asking.corpus
    async with asking.database.read_as(asking.principal) as conn:
        aimed = await aim(
            conn,
            tenant_id=tenant_id,
            corpus=corpus,
            stored=asking.stored,
            spoken=spoken(asked.question),
            embedders=asking.embedders,
        )
    embedded = await embed_or_degrade(aimed, asked.question)
    if embedded.degraded:
        raise Unavailable(
            f"Without {', '.join(embedded.degraded)} nothing is measured; `roadworthy doctor` says "
            "what is wrong."
        )
    async with asking.database.read_as(asking.principal) as conn:
        scope = Scope(tenant_id=tenant_id, corpus_id=corpus.id, among=Filter())
        ranked = await rank(
            conn, asked.question, queries=embedded.queries, scope=scope, candidates=CANDIDATES
        )
        rankings = ranked.rankings
        ids = {i for each in (rankings.keyword, *rankings.vector.values()) for i, _ in each}
        rows = await fetch(conn, ids, tenant_id=tenant_id)
    return judged(asked, rankings, rows)

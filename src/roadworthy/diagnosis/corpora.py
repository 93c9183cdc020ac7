"""Checks of the corpora: is what was put into them found, in each language and space?"""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from roadworthy.bootstrap import DatabaseUrls
from roadworthy.core.clock import now
from roadworthy.core.errors import Invalid, RoadworthyError
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus.counts import Analysed, analysed
from roadworthy.corpus.directory import tenant_names
from roadworthy.corpus.documents import Corpus, list_corpora
from roadworthy.corpus.people import tenant_id
from roadworthy.corpus.probes import Probe, list_probes
from roadworthy.corpus.reembedding import Filled, filled
from roadworthy.corpus.reindex_jobs import unfinished
from roadworthy.corpus.routing import EVERY, Route, check_text_search
from roadworthy.corpus.spaces import list_spaces
from roadworthy.diagnosis.golden import judged, stale
from roadworthy.diagnosis.probing import AS_ASKED, BY_WORDS, Asking, found_by
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.diagnosis.stored import Sample, sample, strange_vectors, strange_words
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.endpoint import Endpoint
from roadworthy.gateway.engine.local import EngineAddress
from roadworthy.models import embeddings_address
from roadworthy.plumbing.database import Database, WorkerConnection
from roadworthy.plumbing.settings import Settings
from roadworthy.spaces import open_space

MOST_TENANTS = 1_000
Report = Callable[[int, int], None]  # corpora done, of how many


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """What is known of a corpus before anything is asked of it."""

    asking: Asking
    where: str  # what its checks are called by
    spaces: Mapping[int, EmbeddingSpace]  # all that are stored
    analysed: Sequence[Analysed]
    probes: Sequence[Probe]
    is_settled: bool  # no job that brings it in line waits

    @property
    def corpus(self) -> Corpus:
        return self.asking.corpus

    @property
    def languages(self) -> list[str]:
        return sorted({each.language for each in self.analysed})


def check_corpora(
    settings: Settings, *, urls: DatabaseUrls, engine: EngineAddress | None, report: Report
) -> list[Check]:
    """Ask the golden probes of each corpus, and look at what is stored of it.

    A space whose model is not well is left out: the check of that space says so.
    """
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=2)
    endpoint = Endpoint(embeddings_address(settings, engine))
    return asyncio.run(
        _check_corpora(settings, database=database, endpoint=endpoint, report=report)
    )


async def _check_corpora(
    settings: Settings, *, database: Database, endpoint: Endpoint, report: Report
) -> list[Check]:
    async with AsyncExitStack() as stack:
        await database.open()
        stack.push_async_callback(database.close)
        stack.push_async_callback(endpoint.close)
        async with database.as_worker() as conn:
            spaces = {each.id: each for each in await list_spaces(conn)}
        embedders = await _well(settings, endpoint, list(spaces.values()))
        found = await _corpora(database)
        checks: list[Check] = []
        for number, (tenant, tenant_name, corpus) in enumerate(found):
            report(number, len(found))
            asking = Asking(database=database, embedders=embedders, tenant_id=tenant, corpus=corpus)
            where = f"corpus {corpus.name} of {tenant_name}"
            checks += await _check_corpus(asking, where=where, spaces=spaces)
        return checks


async def _well(
    settings: Settings, endpoint: Endpoint, spaces: Sequence[EmbeddingSpace]
) -> dict[str, SpaceEmbedder]:
    found: dict[str, SpaceEmbedder] = {}
    for space in spaces:
        try:
            embedder = await open_space(settings, endpoint, space)
            await embedder.check()
        except RoadworthyError:
            continue
        found[space.name] = embedder
    return found


async def _corpora(database: Database) -> list[tuple[int, str, Corpus]]:
    async with database.as_worker() as conn:
        tenants = {
            name: await tenant_id(conn, name)
            for name in await tenant_names(conn, limit=MOST_TENANTS)
        }
    found: list[tuple[int, str, Corpus]] = []
    for name, number in tenants.items():
        async with database.as_worker(number) as conn:
            corpora = await list_corpora(conn, tenant_id=number)
        found += [(number, name, corpus) for corpus in corpora]
    return found


async def _check_corpus(
    asking: Asking, *, where: str, spaces: Mapping[int, EmbeddingSpace]
) -> list[Check]:
    try:
        async with asking.database.as_worker(asking.tenant_id) as conn:
            looked = await _look(conn, asking, where=where, spaces=spaces)
        faults = _routing(looked)
        if faults:
            return faults  # what follows would fail for that reason
        found = {each.id: await found_by(asking, each) for each in looked.probes}
        checks = [_text_search(looked), *stale(looked.where, looked.probes)]
        for language in looked.languages:
            checks += await _language(looked, language, found=found)
    except RoadworthyError as error:
        return [wrong(where, error.message, "Mend what the sentence names, and ask again.")]
    return checks


async def _look(
    conn: WorkerConnection, asking: Asking, *, where: str, spaces: Mapping[int, EmbeddingSpace]
) -> _Looked:
    of = {"tenant_id": asking.tenant_id, "corpus_id": asking.corpus.id}
    jobs = await unfinished(conn, **of, since=now())
    return _Looked(
        asking=asking,
        where=where,
        spaces=spaces,
        analysed=await analysed(conn, **of),
        probes=await list_probes(conn, **of),
        is_settled=not jobs.jobs,
    )


def _routing(looked: _Looked) -> list[Check]:
    """Check that each route leads to rules that exist, and to a space of its language."""
    routing, name = looked.corpus.routing, f"{looked.where}: routing"
    fallback = Route(language=EVERY, space_id=routing.space_id, text_search=routing.text_search)
    faults: list[Check] = []
    for route in (*routing.routes, fallback):
        space = looked.spaces[route.space_id]
        to = f"`roadworthy corpus route {looked.corpus.name} --language '{route.language}'"
        try:
            check_text_search(route.text_search)
        except Invalid as error:
            faults.append(wrong(name, f"text_search: {error.message}", f"{to} --text-search auto`"))
        if route.language != EVERY and not space.serves(route.language):
            sentence = (
                f"{route.language} is routed to the space {space.name}, which is for "
                f"{', '.join(space.languages)}."
            )
            faults.append(wrong(name, sentence, f"{to} --space SPACE` with one that serves it."))
    return faults


def _text_search(looked: _Looked) -> Check:
    """Check that passages were analysed by the rules that the routing names now."""
    name = f"{looked.where}: text search"
    other = [
        each
        for each in looked.analysed
        if each.analysis != looked.corpus.routing.analysis_of(each.language)
    ]
    if not other:
        return fine(name, "Every passage is analysed by the rules of its route.")
    said = ", ".join(f"{each.passages} in {each.language} by {each.analysis}" for each in other)
    if not looked.is_settled:
        return fine(name, f"Being brought in line: {said}.")
    return wrong(
        name,
        f"Passages are analysed by other rules than text_search names: {said}.",
        f"Run `roadworthy corpus reindex {looked.corpus.name}`.",
    )


async def _language(
    looked: _Looked, language: str, *, found: Mapping[uuid.UUID, Sequence[str]]
) -> list[Check]:
    routing, asking = looked.corpus.routing, looked.asking
    probes = [each for each in looked.probes if language in each.languages]
    checks: list[Check] = []
    samples: list[Sample] = []
    for space_id in sorted({routing.space_id, routing.space_of(language)}):
        space = looked.spaces[space_id]
        embedder = asking.embedders.get(space.name)
        if embedder is None:
            continue
        async with asking.database.as_worker(asking.tenant_id) as conn:
            of = {"tenant_id": asking.tenant_id, "corpus_id": looked.corpus.id}
            of = {**of, "space_id": space_id}
            [held] = await filled(conn, **of, language=language)
            samples = await sample(conn, **of, language=language)
        name = f"{looked.where}: {language} in {space.name}"
        fault = _whole(looked, held, name=name, space=space)
        strange = await strange_vectors(samples, embedder)
        fault = fault or _vectors(name, strange, of=len(samples), space=space)
        mend = (
            f"Restore the model that the space {space.name} was made with (embeddings_url, "
            "embeddings_model), or hand the documents in again."
        )
        checks.append(
            fault or judged(name, probes, found, way=space.name, mend=mend, seen=len(samples))
        )
    checks.append(await _words(looked, language, samples, probes=probes, found=found))
    if probes:
        mend = f"`roadworthy corpus show {looked.corpus.name}` shows where it is searched."
        name = f"{looked.where}: {language} as asked"
        checks.append(judged(name, probes, found, way=AS_ASKED, mend=mend))
    return checks


def _whole(looked: _Looked, held: Filled, *, name: str, space: EmbeddingSpace) -> Check | None:
    missing = held.passages - held.embedded
    if not missing or not looked.is_settled:
        return None
    return wrong(
        name,
        f"{missing} of {held.passages} passages have no vector in the space {space.name}.",
        f"Run `roadworthy corpus reindex {looked.corpus.name}`.",
    )


def _vectors(
    name: str, strange: Sequence[float], *, of: int, space: EmbeddingSpace
) -> Check | None:
    if not strange:
        return None
    return wrong(
        name,
        f"{len(strange)} of {of} stored vectors are not those that {space.model} gives "
        f"now (least cosine {min(strange):.3f}): another model, revision or "
        "embeddings_passage_prefix made them, or another space's stand in their place.",
        "Restore what made them; or put the corpus into another space and back: `roadworthy corpus "
        "reembed`, `switch`, `drop-space`.",
    )


async def _words(
    looked: _Looked,
    language: str,
    samples: Sequence[Sample],
    *,
    probes: Sequence[Probe],
    found: Mapping[uuid.UUID, Sequence[str]],
) -> Check:
    asking, name = looked.asking, f"{looked.where}: {language} by words"
    mend = f"Run `roadworthy corpus reindex {looked.corpus.name}`; if that finds nothing to do, "
    mend += "hand the documents in again."
    async with asking.database.as_worker(asking.tenant_id) as conn:
        strange = await strange_words(conn, samples, tenant_id=asking.tenant_id)
    if strange and looked.is_settled:
        return wrong(
            name,
            f"The stored terms of {strange} of {len(samples)} passages are not those that their "
            "rules (text_search) give now.",
            mend,
        )
    return judged(name, probes, found, way=BY_WORDS, mend=mend, seen=len(samples))

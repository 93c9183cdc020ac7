"""Do one ingestion job: all of it, or a reason on the document why not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import structlog

from roadworthy.core.errors import Busy, Conflict, Missing, RoadworthyError, Unavailable
from roadworthy.corpus.documents import read_routing
from roadworthy.corpus.languages import detect, detect_passage
from roadworthy.corpus.lead import to_embed
from roadworthy.corpus.probes import generate_probes
from roadworthy.corpus.publishing import (
    Extract,
    NewPassage,
    mark_failed,
    publish,
    read_pending,
)
from roadworthy.corpus.quarantine import look_again
from roadworthy.corpus.reindex_jobs import REINDEX
from roadworthy.corpus.routing import Routing, rules_of
from roadworthy.corpus.space_lock import keep_spaces
from roadworthy.corpus.terms import terms
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.recalling import Scorer
from roadworthy.ingestion import KIND
from roadworthy.ingestion.curation.service import Curation, make_way
from roadworthy.ingestion.curation.service import examine as curate
from roadworthy.ingestion.curation.service import write as write_curation
from roadworthy.ingestion.embed import embed_everywhere, not_served
from roadworthy.ingestion.filing import file_away
from roadworthy.ingestion.probing import probe_sentences
from roadworthy.ingestion.reading import DocumentReader
from roadworthy.ingestion.records import Lane, Occupied, ParsedDocument, Piece
from roadworthy.ingestion.reindex import reindex
from roadworthy.ingestion.scoring import scored
from roadworthy.ingestion.split import TokenCounter, split
from roadworthy.plumbing import jobs
from roadworthy.plumbing.database import Database, WorkerConnection
from roadworthy.plumbing.jobs import Lease, Turn
from roadworthy.plumbing.retries import BUG

BEAT_EVERY_S = 1.0  # well within a lease, and often enough for a progress bar
LONGEST_PROBLEM = 500

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Progress:
    stage: str = "reading"
    done: int = 0
    total: int = 0

    def recognising(self, done: int, total: int) -> None:
        """Take down how many scanned pages are read, of how many."""
        self.stage, self.done, self.total = "recognising", done, total

    def embedded(self, done: int) -> None:
        self.done, self.total = done, max(done, self.total)

    def report(self, stage: str, done: int, total: int) -> None:
        self.stage, self.done, self.total = stage, done, total


@dataclass(frozen=True, slots=True, kw_only=True)
class _Labelling:
    """What decides on the languages of a document and its passages."""

    routing: Routing
    told: str | None  # by a person; then nothing is detected


class IngestionService:
    """Makes documents searchable, one job at a time a caller; callers may be many."""

    def __init__(
        self,
        *,
        database: Database,
        reader: DocumentReader,
        embedders: Mapping[int, SpaceEmbedder],
        tokenizers: Mapping[int, TokenCounter],
        passage_tokens: int,
        overlap_tokens: int,
        classifier: Scorer | None = None,
    ) -> None:
        """Take what is needed; embedders and tokenizers are keyed by the id of their space.

        Args:
            classifier: that scores passages for the guards; None: nobody does.
        """
        self._database = database
        self._reader = reader
        self._embedders = embedders
        self._tokenizers = tokenizers
        self._passage_tokens = passage_tokens
        self._overlap_tokens = overlap_tokens
        self._classifier = classifier

    async def claim(self, turn: Turn) -> Lease | None:
        """Take the job whose turn it is; None when none is due.

        Raises:
            Unavailable: the database is down.
        """
        async with self._database.as_worker() as conn:
            return await jobs.claim(conn, turn=turn, scans_below=self._scans_below())

    async def do(self, lease: Lease) -> None:
        """Do a job to its end.

        A broken file fails for good with its reason; a dependency that is down makes the job
        wait; a scan for which there is no place goes back into its line. When the job was taken
        over, or the document changed, nothing is written. When we are cancelled, another worker
        may take the job at once.

        Raises:
            Unavailable: the database is down; the job waits there for its lease to run out.
        """
        progress = _Progress()
        try:
            async with self._kept_alive(lease, progress):
                await self._do(lease, progress)
        except (Missing, Conflict) as error:
            # Deleted or replaced meanwhile, or another worker's now: then nothing is left to do,
            # and the job is not ours to put back. What is still ours was refused.
            log.info("an ingestion job was overtaken", job=str(lease.id), reason=error.message)
            await self.put_back(lease, kind=BUG, problem=error.message)
        except RoadworthyError as error:
            await self.put_back(lease, kind=error.kind, problem=error.message)
        except Occupied:
            await self._give_back(lease, is_scan=True)
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(lease))
            raise

    async def put_back(self, lease: Lease, *, kind: str, problem: str) -> None:
        """Let a job wait by the kind of its problem, or fail for good."""
        pause = lease.pause(kind)
        if pause is None:
            await self._fail(lease, problem, kind=kind)
            return
        async with self._database.as_worker() as conn:
            is_ours = await jobs.retry(
                conn, lease, after=pause, problem=problem[:LONGEST_PROBLEM], kind=kind
            )
        if is_ours:
            log.warning("an ingestion job waits", job=str(lease.id), problem=problem)

    async def _do(self, lease: Lease, progress: _Progress) -> None:
        if lease.is_worn_out:
            problem = (
                f"It was given up after {lease.failures} attempts that ended without a word; "
                f"the worker's log may say more. `roadworthy job retry {lease.id}` tries again."
            )
            await self._fail(lease, problem, kind=BUG)
            return
        if lease.kind == REINDEX:
            await reindex(self._database, lease, embedders=self._embedders, report=progress.report)
            return
        await self._ingest(lease, progress)

    async def _ingest(self, lease: Lease, progress: _Progress) -> None:
        async with self._database.as_worker(lease.tenant_id) as conn:
            pending = await read_pending(conn, lease)
            routing = await read_routing(
                conn, tenant_id=lease.tenant_id, corpus_id=pending.corpus_id
            )
        if pending.state != "pending":  # a person or a better document was faster
            async with self._database.as_worker(lease.tenant_id) as conn:
                await jobs.complete(conn, lease)
            return
        parsed = await asyncio.to_thread(
            self._reader.parse,
            pending.content,
            name=pending.name,
            lane=Lane(tenant_id=lease.tenant_id, is_urgent=lease.is_urgent),
            media_type=pending.media_type,
            report=progress.recognising,
        )
        progress.stage, progress.done = "curating", 0
        curation = await curate(self._database, lease, parsed)
        if curation.is_kept_back:
            async with self._database.as_worker(lease.tenant_id) as conn:
                await write_curation(conn, lease, curation)
                await jobs.complete(conn, lease)
            log.info("kept back", document=str(lease.document_id))
            return
        labelling = _Labelling(routing=routing, told=pending.language_told)
        extract = await self._extract(
            curation.document, labelling, progress, tenant_id=lease.tenant_id
        )
        progress.stage = "publishing"
        await self._publish(lease, curation, extract, is_attached=pending.is_attached)
        log.info("searchable", document=str(lease.document_id), passages=len(extract.passages))

    async def _publish(
        self, lease: Lease, curation: Curation, extract: Extract, *, is_attached: bool
    ) -> None:
        async with self._database.as_worker(lease.tenant_id) as conn:
            await keep_spaces(conn, lease)  # before any document is locked
            await make_way(conn, lease, curation)
            await file_away(conn, lease, curation.document, is_attached=is_attached)
            await publish(conn, lease, extract)
            await write_curation(conn, lease, curation)
            await generate_probes(conn, lease, probe_sentences(extract.passages))
            await jobs.complete(conn, lease)

    async def _extract(
        self,
        document: ParsedDocument,
        labelling: _Labelling,
        progress: _Progress,
        *,
        tenant_id: int,
    ) -> Extract:
        tokenizer = self._tokenizer(labelling.routing.space_id)
        progress.stage = "splitting"
        language, passages = await asyncio.to_thread(self._split, document, tokenizer, labelling)
        texts = [to_embed(p.text, title=document.title, heading=p.heading) for p in passages]
        progress.stage, progress.total = "screening", len(passages)
        scores = await scored(self._database, self._classifier, texts, tenant_id=tenant_id)
        progress.stage = "embedding"
        vectors = await embed_everywhere(
            texts,
            [passage.language for passage in passages],
            routing=labelling.routing,
            embedders=self._embedders,
            report=progress.embedded,
        )
        return Extract(
            text=document.text,
            title=document.title,
            media_type=document.media_type,
            language=language,
            language_told=labelling.told,
            page_count=len(document.pages) or None,
            passages=passages,
            vectors=vectors,
            scores=scores,
        )

    def _split(
        self, document: ParsedDocument, tokenizer: TokenCounter, labelling: _Labelling
    ) -> tuple[str, list[NewPassage]]:
        pieces = split(
            document, tokenizer=tokenizer, size=self._passage_tokens, overlap=self._overlap_tokens
        )
        language = labelling.told or detect(document.text)
        return language, [
            _passage(document, each, language=language, labelling=labelling) for each in pieces
        ]

    def _scans_below(self) -> int:
        """Give the priority from which on a scan finds no place in the reader now."""
        if self._reader.has_place(is_urgent=False):
            return jobs.ANY_PRIORITY
        return jobs.BULK if self._reader.has_place(is_urgent=True) else jobs.INTERACTIVE

    def _tokenizer(self, space_id: int) -> TokenCounter:
        if space_id not in self._embedders:
            raise not_served(space_id)
        try:
            return self._tokenizers[space_id]
        except KeyError:
            raise not_served(space_id) from None

    @contextlib.asynccontextmanager
    async def _kept_alive(self, lease: Lease, progress: _Progress) -> AsyncIterator[None]:
        """Prolong the lease while the work goes on, and stop the work when it is lost."""
        work = asyncio.current_task()
        assert work is not None
        lost = False

        async def beat() -> None:
            nonlocal lost
            while not lost:
                # Most jobs end before the first beat; that saves them a transaction.
                await asyncio.sleep(BEAT_EVERY_S)
                lost = not await self._beat(lease, progress)
            work.cancel()

        beating = asyncio.create_task(beat())
        try:
            yield
        except asyncio.CancelledError:
            if lost and not work.uncancel():
                raise Conflict("The job was taken over by another worker.") from None
            raise
        finally:
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating

    async def _beat(self, lease: Lease, progress: _Progress) -> bool:
        """Prolong the lease; False when it is lost."""
        try:
            async with self._database.as_worker() as conn:
                return await jobs.heartbeat(
                    conn, lease, stage=progress.stage, done=progress.done, total=progress.total
                )
        except (Unavailable, Busy):
            return True  # while the database is away, nobody else can take the job either

    async def _give_back(self, lease: Lease, *, is_scan: bool = False) -> None:
        with contextlib.suppress(Unavailable, Busy):
            async with self._database.as_worker() as conn:
                await jobs.give_back(conn, lease, is_scan=is_scan)

    async def _fail(self, lease: Lease, problem: str, *, kind: str) -> None:
        problem = problem[:LONGEST_PROBLEM]
        try:
            async with self._database.as_worker(lease.tenant_id) as conn:
                if lease.kind != REINDEX:  # what is published stays so
                    await mark_failed(conn, lease, problem=problem)
                    await _look_again(conn, lease)
                await jobs.fail(conn, lease, problem=problem, kind=kind)
        except Conflict as error:
            log.info("an ingestion job was overtaken", job=str(lease.id), reason=error.message)
            return
        log.warning("not searchable", document=str(lease.document_id), problem=problem)


async def _look_again(conn: WorkerConnection, lease: Lease) -> None:
    """Read again what was kept back in favour of a content that has failed now."""
    for document_id, revision_id in await look_again(conn, lease):
        await jobs.enqueue(
            conn,
            tenant_id=lease.tenant_id,
            kind=KIND,
            document_id=document_id,
            revision_id=revision_id,
        )


def _passage(
    document: ParsedDocument, piece: Piece, *, language: str, labelling: _Labelling
) -> NewPassage:
    language = labelling.told or detect_passage(piece.text, document=language)
    analysis = labelling.routing.analysis_of(language)
    led = to_embed(piece.text, title=document.title, heading=piece.heading)
    return NewPassage(
        start=piece.start,
        end=piece.end,
        text=piece.text,
        page_first=piece.page_first,
        page_last=piece.page_last,
        heading=piece.heading,
        language=language,
        terms=tuple(terms(led, language=rules_of(analysis, language=language))),
        analysis=analysis,
    )

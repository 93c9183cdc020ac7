"""Curate one content on its way in, with what the rest of its corpus adds to the picture."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from roadworthy.corpus.alikes import (
    Placed,
    enter,
    find_alike,
    forget,
    keep_lines,
    shared_lines,
)
from roadworthy.corpus.policies import CurationPolicy, policy_of
from roadworthy.corpus.quarantine import (
    REJECT,
    Subject,
    keep_back,
    lock_all,
    read_subject,
    withdraw,
)
from roadworthy.corpus.verdicts import QUARANTINED, Verdict, write_verdicts
from roadworthy.ingestion.curation import boilerplate, duplicates, likeness, sensitive
from roadworthy.ingestion.curation.curating import curate, disposition, set_aside
from roadworthy.ingestion.curation.duplicates import Alike
from roadworthy.ingestion.curation.records import QUARANTINE, Curated
from roadworthy.ingestion.records import ParsedDocument
from roadworthy.plumbing.database import Database, WorkerConnection
from roadworthy.plumbing.jobs import Lease

MOST_COMMON = 20  # files that a line is kept for; to know it for a frame takes fewer
LONGEST_PROBLEM = 500
KEPT_BACK = "Kept back for review."


@dataclass(frozen=True, slots=True, kw_only=True)
class Curation:
    """What is to be written about a content, with its publication or instead of it."""

    curated: Curated
    compared_in: int  # the class of readers whose documents it was compared with
    lines: Sequence[int]  # at its edges, to be kept when it is published
    beaten: Sequence[tuple[Alike, Verdict]]  # whose place it takes
    rejected_for: str | None = None  # a person's reason, when he rejected this content before

    @property
    def document(self) -> ParsedDocument:
        """The document as it is to be stored."""
        return self.curated.document

    @property
    def is_kept_back(self) -> bool:
        """Whether it is not to be searchable."""
        return self.rejected_for is not None or self.curated.disposition == QUARANTINE


async def examine(database: Database, lease: Lease, document: ParsedDocument) -> Curation:
    """Judge a parsed document by the policy of its corpus; only its signature is written.

    Raises:
        Missing: it was deleted or replaced meanwhile.
        Invalid: the policy of the corpus is unreadable.
    """
    async with database.as_worker(lease.tenant_id) as conn:
        subject = await read_subject(conn, lease)
        policy = policy_of(subject.policy)
        found = await asyncio.to_thread(sensitive.look, document.text, policy)
        keys = await asyncio.to_thread(
            lambda: boilerplate.edge_keys(sensitive.mask(document, policy, found))
        )
        shared = await shared_lines(
            conn,
            keys,
            tenant_id=lease.tenant_id,
            revision_id=lease.revision_id,
            acl_id=subject.acl_id,
        )
    curated = await asyncio.to_thread(
        curate,
        document,
        policy,
        found=found,
        shared_lines=shared,
        overruled=subject.overruled,
    )
    is_rejected = subject.decision == REJECT
    alikes, mine = [], None
    sketch = await asyncio.to_thread(likeness.sketch, curated.document.text)
    if sketch is not None:
        mine = _placed(subject, document, likeness.packed(sketch))
        is_kept_back = is_rejected or curated.disposition == QUARANTINE
        async with database.as_worker(lease.tenant_id) as conn:
            alikes = await _alikes(
                conn,
                sketch,
                mine,
                tenant_id=lease.tenant_id,
                acl_id=subject.acl_id,
                is_entered=not is_kept_back,
            )
    verdict = duplicates.judge(mine, alikes, policy)
    verdicts = [*curated.verdicts, set_aside(verdict, subject.overruled)]
    return Curation(
        curated=replace(curated, verdicts=verdicts, disposition=disposition(verdicts)),
        compared_in=subject.acl_id,
        lines=[key for key in keys if shared.get(key, 0) < MOST_COMMON],
        beaten=_beaten(mine, alikes, policy),
        rejected_for=subject.decided_for if is_rejected else None,
    )


async def make_way(conn: WorkerConnection, lease: Lease, curation: Curation) -> None:
    """Lock what is going to be published and whatever it takes the place of, before all else."""
    losers = [alike.placed.document_id for alike, _ in curation.beaten]
    await lock_all(conn, [lease.document_id, *losers], tenant_id=lease.tenant_id)


async def write(conn: WorkerConnection, lease: Lease, curation: Curation) -> None:
    """Write what was found in the transaction that publishes a content, or that keeps it back.

    Who publishes it has called `make_way` in the same transaction.
    """
    of = {"tenant_id": lease.tenant_id, "revision_id": lease.revision_id}
    verdicts = curation.curated.verdicts
    if curation.is_kept_back:
        await forget(conn, **of)
        rejected = curation.rejected_for
        problem = f"Rejected in review: {rejected}" if rejected is not None else _problem(verdicts)
        state = QUARANTINED if rejected is None else "rejected"
        await keep_back(conn, lease, problem=problem[:LONGEST_PROBLEM], state=state)
        await write_verdicts(conn, lease, verdicts, compared_in=curation.compared_in)
        return
    await write_verdicts(
        conn,
        lease,
        verdicts,
        compared_in=curation.compared_in,
        removals=curation.curated.removals,
    )
    await keep_lines(conn, curation.lines, **of)
    for alike, verdict in curation.beaten:
        loser = alike.placed
        withdrawn = await withdraw(
            conn,
            verdict,
            problem=_problem([verdict]),
            tenant_id=lease.tenant_id,
            document_id=loser.document_id,
            revision_id=loser.revision_id,
            winner_id=lease.revision_id,
            acl_id=curation.compared_in,
        )
        if withdrawn:
            await forget(conn, tenant_id=lease.tenant_id, revision_id=loser.revision_id)


async def _alikes(
    conn: WorkerConnection,
    sketch: likeness.Sketch,
    mine: Placed,
    *,
    tenant_id: int,
    acl_id: int,
    is_entered: bool,
) -> list[Alike]:
    """Look for near duplicates; what is kept back anyway stands in nobody's way meanwhile."""
    revision_id, bands = mine.revision_id, sketch.bands
    if is_entered:
        found = await enter(
            conn,
            tenant_id=tenant_id,
            revision_id=revision_id,
            acl_id=acl_id,
            bands=bands,
            packed=mine.packed,
            dated_at=mine.dated_at,
        )
    else:
        found = await find_alike(
            conn, tenant_id=tenant_id, revision_id=revision_id, acl_id=acl_id, bands=bands
        )
    return [
        Alike(placed=p, likeness=likeness.likeness(sketch, likeness.unpacked(p.packed)))
        for p in found
    ]


def _placed(subject: Subject, document: ParsedDocument, packed: bytes) -> Placed:
    return Placed(
        revision_id=subject.revision_id,
        document_id=subject.document_id,
        owner=subject.owner,
        name=subject.name,
        accepted_at=subject.accepted_at,
        dated_at=document.origin.modified_at or document.origin.created_at,
        packed=packed,
        is_held=subject.is_held,
    )


def _beaten(
    mine: Placed | None, alikes: Sequence[Alike], policy: CurationPolicy
) -> list[tuple[Alike, Verdict]]:
    if mine is None:
        return []
    return [
        (each, duplicates.lost(mine, each.placed, policy, likeness=each.likeness))
        for each in duplicates.losers(mine, alikes, policy)
    ]


def _problem(verdicts: Sequence[Verdict]) -> str:
    """Say why, without what other documents show: the problem outlives a change of readers."""
    why = [each for each in verdicts if each.outcome == QUARANTINED]
    told = " ".join(verdict.reason for verdict in why if not verdict.is_comparison)
    return f"{KEPT_BACK} {told or 'Its verdicts say why.'}"

"""Interactions to record, and how their traces are read back."""

import datetime
import uuid

from roadworthy.core.clock import now
from roadworthy.core.ids import new_id
from roadworthy.traces import (
    Begun,
    GuardVerdict,
    SearchedFor,
    Stage,
    Trace,
    TraceHit,
    find_trace,
)

ME = "a" * 32


def begun(tenant_id: int, *, question="Why?", pseudonym=ME) -> Begun:
    return Begun(
        id=new_id(),
        tenant_id=tenant_id,
        pseudonym=pseudonym,
        surface="answers",
        question=question,
        started_at=now(),
    )


def answered(
    start: Begun,
    *,
    answer="Because.",
    passages: tuple[tuple[uuid.UUID, int], ...] = (),
    problem: str | None = None,
) -> Trace:
    return Trace(
        begun=start,
        ended_at=now() + datetime.timedelta(seconds=1),
        outcome="answered",
        release_name="extract",
        release_hash="0" * 64,
        language="en",
        searched_for=SearchedFor(text=start.question, filters=("type:pdf",)),
        stages=(Stage(name="retrieve", ms=1.5),),
        hits=tuple(
            TraceHit(
                document_id=document,
                passage_id=passage,
                score=0.5,
                keyword_score=None,
                vector_score=0.25,
                cited=number == 1,
            )
            for number, (document, passage) in enumerate(passages, 1)
        ),
        answer=answer,
        problem=problem,
        input_tokens=10,
        output_tokens=3,
        degraded=("rerank",),
    )


def dropped(*passages: int) -> GuardVerdict:
    """Say that these passages were kept from an answer."""
    return GuardVerdict(
        guard="passages",
        of="passages",
        by="rules",
        version="1",
        status="checked",
        outcome="dropped",
        passages=passages,
        ms=0.1,
    )


async def passage_of(world, document) -> tuple[uuid.UUID, int]:
    """Name the only passage of a document."""
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await conn.execute("SELECT id FROM passage WHERE document_id = %s", (document,))
        [[passage]] = await rows.fetchall()
    return document, passage


async def read(world, trace_id, *, who=None, pseudonym=ME):
    async with world.database.read_as(who or world.person(), pseudonym=pseudonym) as conn:
        return await find_trace(conn, tenant_id=world.tenant_id, trace_id=trace_id)


async def outcome(world, trace_id):
    trace, _ = await read(world, trace_id)
    return trace.outcome

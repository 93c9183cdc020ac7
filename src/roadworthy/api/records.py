"""GET what is kept: traces, releases."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import TypeAdapter

from roadworthy.api.bodies import json_response
from roadworthy.api.openapi import problems
from roadworthy.api.pages import Cursor, Limit, Page
from roadworthy.api.visits import Visit
from roadworthy.releases import Release, list_releases
from roadworthy.releases.store import StoredRelease
from roadworthy.traces import StoredTrace, find_trace, list_traces
from roadworthy.traces.store import StoredHit

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceView:
    """A trace with the hits that may still be seen."""

    trace: StoredTrace
    hits: Sequence[StoredHit]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseView:
    """A release under its name."""

    name: str
    hash: str
    is_live: bool
    created_at: datetime
    content: Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """All releases of a tenant, oldest first."""

    data: Sequence[ReleaseView]


TRACE = TypeAdapter(TraceView)
TRACES = TypeAdapter(Page[StoredTrace])
RELEASES = TypeAdapter(Releases)


@router.get(
    "/v1/traces", tags=["traces"], response_model=Page[StoredTrace], responses=problems(422)
)
async def list_own_traces(visit: Visit, before: Cursor = None, limit: Limit = 50) -> Response:
    """List what the key's holder asked, the newest first; a trace appears within a second."""
    services, principal = visit.services, visit.principal
    pseudonym = services.pseudonym(principal)
    async with services.database.read_as(principal, pseudonym=pseudonym) as conn:
        found = await list_traces(
            conn, tenant_id=principal.tenant_id, before=before, limit=limit + 1
        )
    following = found[limit - 1].id if len(found) > limit else None
    return json_response(TRACES, Page(data=found[:limit], next=following))


@router.get(
    "/v1/traces/{trace_id}", tags=["traces"], response_model=TraceView, responses=problems(404, 422)
)
async def read_trace(visit: Visit, trace_id: uuid.UUID) -> Response:
    """Explain one answer or search of the key's holder."""
    services, principal = visit.services, visit.principal
    pseudonym = services.pseudonym(principal)
    async with services.database.read_as(principal, pseudonym=pseudonym) as conn:
        trace, hits = await find_trace(conn, tenant_id=principal.tenant_id, trace_id=trace_id)
    return json_response(TRACE, TraceView(trace=trace, hits=hits))


@router.get("/v1/releases", tags=["releases"], response_model=Releases, responses=problems())
async def read_releases(visit: Visit) -> Response:
    """List the releases, oldest first."""
    principal = visit.principal
    async with visit.services.database.read_as(principal) as conn:
        found = await list_releases(conn, tenant_id=principal.tenant_id)
    return json_response(RELEASES, Releases(data=[_view(stored) for stored in found]))


def _view(stored: StoredRelease) -> ReleaseView:
    return ReleaseView(
        name=stored.name,
        hash=stored.hash,
        is_live=stored.is_live,
        created_at=stored.created_at,
        content=stored.release,
    )

"""/v1/jobs: how far accepted work is, and what becomes of what failed."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, status
from fastapi.responses import Response
from pydantic import TypeAdapter

from roadworthy.api.bodies import json_response
from roadworthy.api.openapi import problems
from roadworthy.api.pages import Cursor, Limit, Page
from roadworthy.api.visits import Visit
from roadworthy.ingestion.queue import ListedJob, State, drop_job, list_jobs, retry_job
from roadworthy.plumbing.jobs import JobState, job_state

router = APIRouter(tags=["documents"])

JOB = TypeAdapter(JobState)
JOBS = TypeAdapter(Page[ListedJob])


@router.get("/v1/jobs", response_model=Page[ListedJob], responses=problems(422))
async def list_visible_jobs(
    visit: Visit,
    *,
    state: Annotated[State | None, Query(description="Only those.")] = None,
    before: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """List the jobs of documents that the key's holder may read, the newest first."""
    principal = visit.principal
    async with visit.services.database.read_as(principal) as conn:
        found = await list_jobs(
            conn, tenant_id=principal.tenant_id, state=state, before=before, limit=limit + 1
        )
    following = found[limit - 1].id if len(found) > limit else None
    return json_response(JOBS, Page(data=found[:limit], next=following))


@router.get("/v1/jobs/{job_id}", response_model=JobState, responses=problems(404, 422))
async def read_job(visit: Visit, job_id: uuid.UUID) -> Response:
    """Tell how far the reading of a document is."""
    principal = visit.principal
    async with visit.services.database.read_as(principal) as conn:
        found = await job_state(conn, tenant_id=principal.tenant_id, job_id=job_id)
    return json_response(JOB, found)


@router.post(
    "/v1/jobs/{job_id}/retry", response_model=JobState, responses=problems(403, 404, 409, 422, 429)
)
async def retry_own_job(visit: Visit, job_id: uuid.UUID) -> Response:
    """Let a failed job be tried again, or a waiting one at once; for the document's owner."""
    visit.check_may_ingest()
    principal = visit.principal
    tenant_id = principal.tenant_id
    async with visit.services.database.write_as(principal) as conn:
        await retry_job(conn, tenant_id=tenant_id, job_id=job_id, by=principal.user_id)
        found = await job_state(conn, tenant_id=tenant_id, job_id=job_id)
    return json_response(JOB, found)


@router.delete(
    "/v1/jobs/{job_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(403, 404, 409, 422, 429),
)
async def drop_own_job(visit: Visit, job_id: uuid.UUID) -> Response:
    """Give a waiting or failed job up, with its content; for the document's owner."""
    visit.check_may_ingest()
    principal = visit.principal
    async with visit.services.database.write_as(principal) as conn:
        await drop_job(conn, tenant_id=principal.tenant_id, job_id=job_id, by=principal.user_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)

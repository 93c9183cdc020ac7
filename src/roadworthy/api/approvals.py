"""/v1/approvals: sensitive operations that somebody else asked for, and their grant."""

import uuid

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import TypeAdapter

from roadworthy.api.bodies import json_response
from roadworthy.api.openapi import problems
from roadworthy.api.visits import Visit
from roadworthy.corpus.approvals import Approval, find_approval, grant

router = APIRouter(tags=["approvals"])
APPROVAL = TypeAdapter(Approval)


@router.get("/v1/approvals/{approval_id}", response_model=Approval, responses=problems(404, 422))
async def read_approval(visit: Visit, approval_id: uuid.UUID) -> Response:
    """Show to people of the group `approvers` what was asked for, and by whom."""
    principal = visit.principal
    async with visit.services.database.read_as(principal) as conn:
        found = await find_approval(conn, tenant_id=principal.tenant_id, approval_id=approval_id)
    return json_response(APPROVAL, found)


@router.post(
    "/v1/approvals/{approval_id}/grant", response_model=Approval, responses=problems(404, 422)
)
async def grant_approval(visit: Visit, approval_id: uuid.UUID) -> Response:
    """Let what somebody else asked for be done, once and within a day."""
    principal = visit.principal
    async with visit.services.database.write_as(principal) as conn:
        found = await grant(
            conn,
            tenant_id=principal.tenant_id,
            approval_id=approval_id,
            by=principal.user_id,
        )
    return json_response(APPROVAL, found)

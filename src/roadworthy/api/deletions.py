"""/v1/deletions: delete all one's documents, and the receipts of what one has deleted."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi import Body as FromBody
from fastapi.responses import Response
from pydantic import TypeAdapter

from roadworthy.api.bodies import Body, json_response
from roadworthy.api.openapi import problems
from roadworthy.api.pages import Cursor, Limit, Page
from roadworthy.api.visits import Visit
from roadworthy.deletion import Progress, Receipt, find_receipt, list_receipts

router = APIRouter(tags=["deletions"])
RECEIPT = TypeAdapter(Receipt)
RECEIPTS = TypeAdapter(Page[Receipt])
PATIENCE_S = 0.5  # whoever looks at a receipt asks how it is, not to wait


class DeletionBody(Body):
    """What is to be deleted."""

    documents: Literal["mine"]


@router.post(
    "/v1/deletions",
    response_model=Receipt,
    responses=problems(400, 403, 409, 413, 422, 429),
)
async def delete_my_documents(visit: Visit, body: Annotated[DeletionBody, FromBody()]) -> Response:
    """Delete all documents that the key's holder owns.

    Nobody sees them from the first moment on. Ask again when it was cut off: it goes on.
    """
    del body  # there is nothing else that it could say
    visit.check_may_ingest()
    receipt = await visit.services.deletion.delete_person(
        visit.principal, documents_only=True, by=visit.principal.user_id, report=_unreported
    )
    return json_response(RECEIPT, receipt)


@router.get("/v1/deletions", response_model=Page[Receipt], responses=problems(422))
async def list_deletions(visit: Visit, before: Cursor = None, limit: Limit = 50) -> Response:
    """List the deletions that the key's holder asked for, the newest first."""
    principal = visit.principal
    async with visit.services.database.read_as(principal) as conn:
        found = await list_receipts(
            conn, tenant_id=principal.tenant_id, before=before, limit=limit + 1
        )
    following = found[limit - 1].id if len(found) > limit else None
    return json_response(RECEIPTS, Page(data=found[:limit], next=following))


@router.get("/v1/deletions/{deletion_id}", response_model=Receipt, responses=problems(404, 422))
async def read_deletion(visit: Visit, deletion_id: uuid.UUID) -> Response:
    """Show a receipt: which store forgot how much, and when; finished when nothing is left."""
    principal = visit.principal
    tenant_id = principal.tenant_id
    async with visit.services.database.read_as(principal) as conn:
        found = await find_receipt(conn, tenant_id=tenant_id, receipt_id=deletion_id)
    found = await visit.services.deletion.finish(found, tenant_id=tenant_id, patience_s=PATIENCE_S)
    return json_response(RECEIPT, found)


def _unreported(progress: Progress) -> None:
    del progress

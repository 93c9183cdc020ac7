"""What was found in documents on their way in, and people's decisions about those kept back."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, status
from fastapi import Body as FromBody
from fastapi.responses import Response
from pydantic import Field, TypeAdapter

from roadworthy.api.bodies import CLEAN, Body, json_response
from roadworthy.api.openapi import problems
from roadworthy.api.visits import Visit
from roadworthy.corpus.documents import Document, find_document
from roadworthy.corpus.reviews import LONGEST_REASON, Review, decide, list_reviews
from roadworthy.corpus.verdicts import Removal, StoredVerdict, list_removals, list_verdicts
from roadworthy.ingestion import KIND
from roadworthy.plumbing.jobs import enqueue

router = APIRouter(tags=["documents"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that is known of how a document was curated."""

    verdicts: Sequence[StoredVerdict]  # those of its newest content first
    removals: Sequence[Removal]  # out of the text that is searchable, from its beginning
    reviews: Sequence[Review]  # the newest first


class ReviewBody(Body):
    """A decision about a document that was kept back."""

    decision: Literal["release", "reject"] = Field(
        description="release: it is made searchable, whatever was found; reject: it never is."
    )
    reason: Annotated[str, Field(max_length=LONGEST_REASON, pattern=CLEAN)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A document after a decision."""

    document: Document
    job_id: uuid.UUID | None  # makes it searchable, when it was released


FINDINGS = TypeAdapter(Findings)
REVIEWED = TypeAdapter(Reviewed)


@router.get(
    "/v1/documents/{document_id}/verdicts", response_model=Findings, responses=problems(404, 422)
)
async def read_verdicts(visit: Visit, document_id: uuid.UUID) -> Response:
    """Tell what each check said of a document, what was taken out of it, and who decided."""
    principal = visit.principal
    of = {"tenant_id": principal.tenant_id, "document_id": document_id}
    async with visit.services.database.read_as(principal) as conn:
        await find_document(conn, **of)
        found = Findings(
            verdicts=await list_verdicts(conn, **of),
            removals=await list_removals(conn, **of),
            reviews=await list_reviews(conn, **of),
        )
    return json_response(FINDINGS, found)


@router.post(
    "/v1/documents/{document_id}/review",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=Reviewed,
    responses=problems(400, 403, 404, 409, 413, 422),
)
async def review_document(
    visit: Visit, document_id: uuid.UUID, body: Annotated[ReviewBody, FromBody()]
) -> Response:
    """Release or reject a document that was kept back: its owner, or a reviewer of its corpus."""
    visit.check_may_ingest()
    principal = visit.principal
    of = {"tenant_id": principal.tenant_id, "document_id": document_id}
    async with visit.services.database.write_as(principal) as conn:
        revision_id = await decide(
            conn, **of, decision=body.decision, reason=body.reason, by=principal.user_id
        )
        job_id = None
        if revision_id is not None:
            job_id = await enqueue(conn, **of, kind=KIND, revision_id=revision_id)
        found = await find_document(conn, **of)
    reviewed = Reviewed(document=found, job_id=job_id)
    return json_response(REVIEWED, reviewed, status=status.HTTP_202_ACCEPTED)

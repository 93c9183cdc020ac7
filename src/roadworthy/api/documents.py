"""/v1/documents: hand in, list, share and delete."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Request, status
from fastapi import Body as FromBody
from fastapi.responses import Response
from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, model_validator
from starlette.datastructures import UploadFile
from starlette.types import Scope

from roadworthy.api.bodies import CLEAN, Body, Clearance, Language, Person, json_response
from roadworthy.api.openapi import problems
from roadworthy.api.pages import Cursor, Limit, Page
from roadworthy.api.problems import Problem, problem_of
from roadworthy.api.uploads import (
    REQUEST_BODY,
    UploadForm,
    media_type_of,
    name_of,
    read_upload,
)
from roadworthy.api.visits import KnownVisit, Visit
from roadworthy.core.errors import RoadworthyError
from roadworthy.corpus.accepting import Upload, accept
from roadworthy.corpus.access import Access, access
from roadworthy.corpus.documents import Document, find_corpus, find_document, list_documents
from roadworthy.corpus.ownership import reshare
from roadworthy.corpus.telling import tell_language
from roadworthy.deletion import Receipt
from roadworthy.ingestion import KIND
from roadworthy.plumbing.jobs import BULK, INTERACTIVE, enqueue

router = APIRouter(tags=["documents"])
CorpusName = Annotated[str | None, Query(min_length=1, max_length=100, pattern=CLEAN)]
State = Annotated[
    Literal["pending", "ready", "failed", "quarantined", "rejected"] | None,
    Query(description="Of the document, or of a newer version of it."),
]
People = Annotated[list[Person], Field(max_length=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What became of one file.

    Outcome is accepted (a job makes it searchable), unchanged, updated (its metadata), reshared,
    duplicate, quarantined (this content is there and is kept back), or failed.
    """

    name: str
    outcome: str
    document_id: uuid.UUID | None = None
    job_id: uuid.UUID | None = None  # when accepted
    problem: Problem | None = None  # when failed


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """What became of each file, in their order."""

    data: Sequence[Handed]


READERS: list[JsonValue] = ["groups", "users", "clearance"]


class ChangeBody(Body):
    """The whole new audience (groups, users and clearance together), the language, or both."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": READERS, "properties": {"groups": {"minItems": 1}}},
                {"required": READERS, "properties": {"users": {"minItems": 1}}},
                {"required": ["language"]},
            ],
            "dependentRequired": {"groups": READERS, "users": READERS, "clearance": READERS},
        }
    )

    groups: People | None = Field(
        default=None, description="The group everyone is the whole tenant."
    )
    users: People | None = None
    clearance: Clearance | None = None
    language: Language | None = Field(
        default=None, description="What the document is in; null: it is detected again."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        given = [each is not None for each in (self.groups, self.users, self.clearance)]
        if any(given) and not all(given):
            raise ValueError("give groups, users and clearance together")
        # Nobody named would mean everybody, and nobody should get there by leaving things out.
        if any(given) and not self.groups and not self.users:
            raise ValueError("name a group or a user; the group everyone is the whole tenant")
        if not any(given) and "language" not in self.model_fields_set:
            raise ValueError("give groups, users and clearance, or language")
        return self

    @property
    def access(self) -> Access | None:
        """Say who may read from now on; None: as before."""
        if self.groups is None or self.users is None or self.clearance is None:
            return None
        return access(groups=self.groups, users=self.users, clearance=self.clearance)


HANDED_IN = TypeAdapter(HandedIn)
DOCUMENT = TypeAdapter(Document)
DOCUMENTS = TypeAdapter(Page[Document])
RECEIPT = TypeAdapter(Receipt)


@router.post(
    "/v1/documents",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=HandedIn,
    responses=problems(400, 403, 404, 409, 413, 422, 429),
    openapi_extra={"requestBody": REQUEST_BODY},
)
async def upload_documents(visit: Visit, request: Request) -> Response:
    """Hand in files. Each is stored by itself: one that fails takes no other with it.

    A single file that fails is answered with its problem, and is read before the files of a
    request with several. The files of one request together have at most max_upload_mb. While
    max_queued_jobs files of the tenant wait, more are refused with 429.
    """
    visit.check_may_ingest()
    async with read_upload(request) as (fields, files):
        named = [(name_of(file, fields), file) for file in files]
        if len(named) == 1:
            [(name, file)] = named
            handed = [await _hand_in(visit, file, name=name, fields=fields, priority=INTERACTIVE)]
        else:
            handed = [
                await _try(visit, file, name=name, fields=fields, scope=request.scope)
                for name, file in named
            ]
    return json_response(HANDED_IN, HandedIn(data=handed), status=status.HTTP_202_ACCEPTED)


@router.get("/v1/documents", response_model=Page[Document], responses=problems(422))
async def list_visible_documents(
    visit: Visit,
    *,
    after: Cursor = None,
    limit: Limit = 100,
    corpus: CorpusName = None,
    state: State = None,
) -> Response:
    """List the documents that the key's holder may read, oldest first."""
    principal = visit.principal
    async with visit.services.database.read_as(principal) as conn:
        found = await list_documents(
            conn,
            tenant_id=principal.tenant_id,
            corpus=corpus,
            state=state,
            after=after,
            limit=limit + 1,
        )
    following = found[limit - 1].id if len(found) > limit else None
    return json_response(DOCUMENTS, Page(data=found[:limit], next=following))


@router.get("/v1/documents/{document_id}", response_model=Document, responses=problems(404, 422))
async def read_document(visit: Visit, document_id: uuid.UUID) -> Response:
    """Describe a document."""
    principal = visit.principal
    async with visit.services.database.read_as(principal) as conn:
        found = await find_document(conn, tenant_id=principal.tenant_id, document_id=document_id)
    return json_response(DOCUMENT, found)


@router.patch(
    "/v1/documents/{document_id}",
    response_model=Document,
    responses=problems(400, 403, 404, 409, 413, 422, 429),
)
async def change_document(
    visit: Visit, document_id: uuid.UUID, body: Annotated[ChangeBody, FromBody()]
) -> Response:
    """Change who may read a document, from the next request on, or say which language it is in."""
    visit.check_may_ingest()
    principal = visit.principal
    tenant_id = principal.tenant_id
    async with visit.services.database.write_as(principal) as conn:
        if body.access is not None:
            await reshare(
                conn,
                tenant_id=tenant_id,
                document_id=document_id,
                wanted=body.access,
                by=principal.user_id,
            )
        if "language" in body.model_fields_set:
            await tell_language(
                conn,
                tenant_id=tenant_id,
                document_id=document_id,
                language=body.language,
                by=principal.user_id,
            )
        found = await find_document(conn, tenant_id=tenant_id, document_id=document_id)
    return json_response(DOCUMENT, found)


@router.delete(
    "/v1/documents/{document_id}",
    response_model=Receipt,
    responses=problems(403, 404, 409, 422, 429),
)
async def delete_document(visit: Visit, document_id: uuid.UUID) -> Response:
    """Delete a document with all that was made from it; the receipt says how much that was."""
    visit.check_may_ingest()
    principal = visit.principal
    receipt = await visit.services.deletion.delete_document(
        document_id, tenant_id=principal.tenant_id, by=principal
    )
    return json_response(RECEIPT, receipt)


async def _try(
    visit: KnownVisit, file: UploadFile, *, name: str, fields: UploadForm, scope: Scope
) -> Handed:
    try:
        return await _hand_in(visit, file, name=name, fields=fields, priority=BULK)
    except RoadworthyError as error:
        return Handed(name=name, outcome="failed", problem=problem_of(error, scope))


async def _hand_in(
    visit: KnownVisit, file: UploadFile, *, name: str, fields: UploadForm, priority: int
) -> Handed:
    principal = visit.principal
    tenant_id = principal.tenant_id
    upload = Upload(
        name=name,
        content=await file.read(),
        access=fields.access,
        owner=principal.user_id,
        media_type=media_type_of(file),
        metadata=fields.metadata,
        language=fields.language,
    )
    async with visit.services.database.write_as(principal) as conn:
        corpus = await find_corpus(conn, tenant_id=tenant_id, name=fields.corpus)
        receipt = await accept(
            conn,
            upload,
            tenant_id=tenant_id,
            corpus=corpus,
            by=principal.user_id,
            most_queued=visit.services.settings.max_queued_jobs,
        )
        job_id = None
        if receipt.revision_id is not None:
            job_id = await enqueue(
                conn,
                tenant_id=tenant_id,
                kind=KIND,
                document_id=receipt.document_id,
                revision_id=receipt.revision_id,
                priority=priority,
            )
    return Handed(
        name=name, outcome=receipt.outcome, document_id=receipt.document_id, job_id=job_id
    )

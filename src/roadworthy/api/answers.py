"""POST /v1/answers: a question, answered whole or as a stream."""

import uuid
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Annotated, Literal, Self, get_args

from fastapi import APIRouter, Request
from fastapi import Body as FromBody
from fastapi.responses import Response
from pydantic import ConfigDict, Field, TypeAdapter, model_validator
from starlette.types import Scope

from roadworthy.answering import webhooks
from roadworthy.answering.conversation import MOST_TURNS
from roadworthy.answering.later import KeptQuestion, find, keep
from roadworthy.answering.records import Answer, Asked, Citation, Event, TextPiece
from roadworthy.api import streams
from roadworthy.api.asking import ask, begun, whole_answer
from roadworthy.api.bodies import (
    Address,
    Body,
    FilterBody,
    Language,
    Name,
    Question,
    Seconds,
    Turn,
    filter_of,
    json_response,
)
from roadworthy.api.openapi import problems
from roadworthy.api.problems import problem_of
from roadworthy.api.visits import KnownVisit, Visit
from roadworthy.core.errors import RoadworthyError
from roadworthy.gateway.chat import Message
from roadworthy.plumbing.webhooks import origin_of

router = APIRouter(tags=["answers"])
ANSWER = TypeAdapter(Answer)
QUESTION = TypeAdapter(KeptQuestion)
KEPT = {"description": "With `async`: the question is kept.", "model": KeptQuestion}
STREAM = {
    "description": "The answer; with `stream`, the events `stage`, `text`, `citation` and then "
    "`end` with the whole answer, or `error` with a problem.",
    "content": {streams.MEDIA_TYPE: {"schema": streams.EVENT_SCHEMA}},
}


class TurnBody(Body):
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    content: Turn


class WebhookBody(Body):
    """Who is told that the question has ended, and how; the answer is fetched by its id."""

    url: Address


class AnswerBody(Body):
    """A question, alone or as the last of a conversation."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["question"]}, {"required": ["messages"]}]}
    )

    question: Question = ""
    messages: Annotated[list[TurnBody], Field(min_length=1, max_length=MOST_TURNS)] = Field(
        default=[]
    )
    release: Name | None = Field(default=None, description="Left out: the live release.")
    language: Language | None = None
    filter: FilterBody | None = None
    timeout_s: Seconds | None = None
    stream: bool = False
    is_later: bool = Field(
        default=False,
        alias="async",
        description="Do not wait: the question is answered by a worker, and read by its id.",
    )
    webhook: WebhookBody | None = Field(
        default=None, description="With `async`: who is told by a signed request."
    )
    cache: bool = Field(
        default=True,
        description="false: no earlier answer is given again, and this one is not kept.",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.question) == bool(self.messages):
            raise ValueError("give either question or messages")
        if self.stream and self.is_later:
            raise ValueError("give either stream or async")
        if self.timeout_s is not None and self.is_later:
            raise ValueError("who does not wait gives no timeout_s")
        if self.webhook and not self.is_later:
            raise ValueError("give webhook with async")
        return self

    @property
    def asked(self) -> Asked:
        """Say it in the product's words."""
        turns = [Message(role=turn.role, content=turn.content) for turn in self.messages]
        return Asked(
            turns=turns or [Message(role="user", content=self.question)],
            surface="answers",
            release=self.release,
            language=self.language,
            among=filter_of(self.filter),
            timeout_s=self.timeout_s,
            cache=self.cache,
        )


@router.post(
    "/v1/answers",
    response_model=Answer,
    responses=problems(400, 404, 413, 422, 429) | {200: STREAM, 202: KEPT},
)
async def answer(
    visit: Visit, request: Request, body: Annotated[AnswerBody, FromBody()]
) -> Response:
    """Answer a question from the documents that the key's holder may read."""
    if body.is_later:
        return await _keep(visit, body.asked, webhook=body.webhook)
    events = ask(visit, body.asked)
    if not body.stream:
        return json_response(ANSWER, await whole_answer(request, events))
    early = await begun(request, events, at=get_args(Event))
    return streams.EventStream(_frames(early, events, request.scope), source=events)


@router.get("/v1/answers/{question_id}", response_model=KeptQuestion, responses=problems(404, 422))
async def read_kept(visit: Visit, question_id: uuid.UUID) -> Response:
    """Tell how far a question is that was asked with `async`, and its answer.

    A question that is done and has no answer was answered from what has changed or gone since, or
    from what the asker may no longer read.
    """
    principal = visit.principal
    async with visit.services.database.read_as(principal) as conn:
        found = await find(conn, tenant_id=principal.tenant_id, question_id=question_id)
    return json_response(QUESTION, found)


async def _keep(visit: KnownVisit, asked: Asked, *, webhook: WebhookBody | None) -> Response:
    who, database = visit.principal, visit.services.database
    url = webhook.url if webhook else None
    origin = origin_of(url, allowed=visit.services.settings.webhook_origins) if url else ""
    async with database.write_as(who) as conn:
        question_id = await keep(conn, who, replace(asked, key_id=visit.key_id))
        if url:
            await webhooks.keep(conn, who, question_id=question_id, url=url, origin=origin)
    async with database.read_as(who) as conn:
        kept = await find(conn, tenant_id=who.tenant_id, question_id=question_id)
    response = json_response(QUESTION, kept, status=202)
    response.headers["location"] = f"/v1/answers/{question_id}"
    return response


async def _frames(
    early: Sequence[Event], events: AsyncGenerator[Event], scope: Scope
) -> AsyncGenerator[bytes]:
    try:
        for event in early:
            yield _frame(event)
        async for event in events:
            yield _frame(event)
    except RoadworthyError as error:
        yield streams.frame(problem_of(error, scope), event="error")


def _frame(event: Event) -> bytes:
    match event:
        case TextPiece():
            return streams.frame(event, event="text")
        case Citation():
            return streams.frame(event, event="citation")
        case Answer():
            return streams.frame(event, event="end")
        case _:
            return streams.frame(event, event="stage")

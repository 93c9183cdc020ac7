"""POST /v1/answers: a question, answered whole or as a stream."""

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Literal, Self, get_args

from fastapi import APIRouter, Request
from fastapi import Body as FromBody
from fastapi.responses import Response
from pydantic import ConfigDict, Field, TypeAdapter, model_validator
from starlette.types import Scope

from roadworthy.answering.conversation import MOST_TURNS
from roadworthy.answering.records import Answer, Asked, Citation, Event, TextPiece
from roadworthy.api import streams
from roadworthy.api.asking import ask, begun, whole_answer
from roadworthy.api.bodies import (
    Body,
    FilterBody,
    Language,
    Name,
    Question,
    Turn,
    filter_of,
    json_response,
)
from roadworthy.api.openapi import problems
from roadworthy.api.problems import problem_of
from roadworthy.api.visits import Visit
from roadworthy.core.errors import RoadworthyError
from roadworthy.gateway.chat import Message

router = APIRouter(tags=["answers"])
ANSWER = TypeAdapter(Answer)
STREAM = {
    "description": "The answer; with `stream`, the events `stage`, `text`, `citation` and then "
    "`end` with the whole answer, or `error` with a problem.",
    "content": {streams.MEDIA_TYPE: {"schema": streams.EVENT_SCHEMA}},
}


class TurnBody(Body):
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    content: Turn


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
    stream: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.question) == bool(self.messages):
            raise ValueError("give either question or messages")
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
        )


@router.post(
    "/v1/answers",
    response_model=Answer,
    responses=problems(400, 404, 413, 422, 429) | {200: STREAM},
)
async def answer(
    visit: Visit, request: Request, body: Annotated[AnswerBody, FromBody()]
) -> Response:
    """Answer a question from the documents that the key's holder may read."""
    events = ask(visit, body.asked)
    if not body.stream:
        return json_response(ANSWER, await whole_answer(request, events))
    early = await begun(request, events, at=get_args(Event))
    return streams.EventStream(_frames(early, events, request.scope), source=events)


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

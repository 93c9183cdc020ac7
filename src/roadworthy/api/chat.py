"""POST /v1/chat/completions: any OpenAI client may ask."""

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Body as FromBody
from fastapi.responses import Response
from pydantic import TypeAdapter
from starlette.types import Scope

from roadworthy.answering.records import Answer, Event, TextPiece
from roadworthy.api import streams
from roadworthy.api.asking import ask, begun, whole_answer
from roadworthy.api.bodies import json_response
from roadworthy.api.completions import ChatBody, Chunks, Completion, completion_of
from roadworthy.api.openapi import problems
from roadworthy.api.problems import problem_of
from roadworthy.api.visits import Visit
from roadworthy.core.errors import RoadworthyError

router = APIRouter(tags=["openai"])
COMPLETION = TypeAdapter(Completion)
DONE = b"data: [DONE]\n\n"
STREAM = {
    "description": "The answer; with `stream`, chunks in OpenAI's protocol, the one with the "
    "finish_reason bearing the field `roadworthy`.",
    "content": {streams.MEDIA_TYPE: {"schema": streams.EVENT_SCHEMA}},
}


@router.post(
    "/v1/chat/completions",
    response_model=Completion,
    responses=problems(400, 404, 413, 422, 429) | {200: STREAM},
)
async def complete_chat(
    visit: Visit, request: Request, body: Annotated[ChatBody, FromBody()]
) -> Response:
    """Answer the last message from the documents that the key's holder may read."""
    events = ask(visit, body.asked)
    if not body.stream:
        return json_response(COMPLETION, completion_of(await whole_answer(request, events)))
    # Nothing is sent before there is text, so that most failures still have a status.
    early = await begun(request, events, at=(TextPiece, Answer))
    return streams.EventStream(
        _frames(early, events, body=body, scope=request.scope), source=events
    )


async def _frames(
    early: Sequence[Event], events: AsyncGenerator[Event], *, body: ChatBody, scope: Scope
) -> AsyncGenerator[bytes]:
    chunks = Chunks(body)
    yield streams.frame(chunks.piece({"role": "assistant", "content": ""}))
    try:
        for event in early:
            for frame in _of(event, chunks, body):
                yield frame
        async for event in events:
            for frame in _of(event, chunks, body):
                yield frame
    except RoadworthyError as error:
        yield streams.frame({"error": problem_of(error, scope).error})
        return
    yield DONE


def _of(event: Event, chunks: Chunks, body: ChatBody) -> list[bytes]:
    if isinstance(event, TextPiece):
        return [streams.frame(chunks.piece({"content": event.text}))]
    if isinstance(event, Answer):
        last = [chunks.last_piece(event)]
        if body.include_usage:
            last.append(chunks.usage(event))
        return [streams.frame(chunk) for chunk in last]
    return []

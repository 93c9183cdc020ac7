"""Let a model answer from what it is given to read, and check what it cites."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from roadworthy.answering.context import Context
from roadworthy.answering.marks import Marks
from roadworthy.answering.records import (
    Degraded,
    NotInDocuments,
    Task,
    TextPiece,
    Written,
)
from roadworthy.answering.refusal import is_refusal, may_become_refusal
from roadworthy.answering.structured import asking_for, structured
from roadworthy.core.errors import Invalid, Unavailable
from roadworthy.gateway.calls import Step
from roadworthy.gateway.chat import ChatPiece, Message
from roadworthy.gateway.lanes import ChatRequest
from roadworthy.gateway.routes import Route, Router
from roadworthy.prompts import find_prompt

# Of the time until everything is cancelled: what came of each model is to be told before.
OF_WHAT_IS_LEFT = 0.95
UNKNOWN_LANGUAGE = "the language of the question"


class GeneratingAnswerer:
    """Streams a chat model's answer; each mark of a passage cites it.

    Marks of passages that it was not given are removed from the text and told.
    """

    def __init__(self, router: Router) -> None:
        self._router = router

    async def write(self, task: Task) -> AsyncGenerator[Written]:
        """Write the answer; see Answerer."""
        release = task.release
        if release.prompt is None or not release.steps:
            raise Invalid("A release that generates names its model and its prompt.")
        asked = prompted(release.prompt, task, passages=task.context.text, question=task.question)
        request = ChatRequest(
            messages=[Message(role="user", content=asked)],
            max_tokens=release.max_tokens,
            temperature=release.temperature,
            asks_confidence=task.asks_confidence,
        )
        said = False
        async with aclosing(self._written(task, request)) as pieces:
            async for written in pieces:
                said = said or _says_something(written)
                yield written
        if not said:
            raise Unavailable("The model gave an empty answer; try again.")

    def _written(self, task: Task, request: ChatRequest) -> AsyncGenerator[Written]:
        route, schema = route_of(task), task.release.json_schema
        if schema is None:
            chat = self._router.chat(route, request, on_end=task.on_call)
            return _checked(chat, task.context)
        asked = asking_for(request, schema)
        return structured(self._router, route, asked, context=task.context, on_call=task.on_call)


def prompted(reference: str, task: Task, **inputs: str) -> str:
    """Render a prompt with what it names of inputs, the question's language and the mark."""
    prompt = find_prompt(reference)
    language = UNKNOWN_LANGUAGE if task.language == "und" else task.language
    inputs |= {"language": language, "mark": task.mark}
    return prompt.render({name: inputs[name] for name in prompt.inputs & inputs.keys()})


def route_of(task: Task) -> Route:
    """Say whom to ask, and for how long."""
    release, deadline_s = task.release, task.release.deadline_s
    if task.deadline is not None:
        deadline_s = min(deadline_s, OF_WHAT_IS_LEFT * task.deadline.left_s)
    return Route(
        steps=[Step(endpoint=each.endpoint, model=each.model) for each in release.steps],
        deadline_s=deadline_s,
        hedge_s=None if release.hedge_ms is None else release.hedge_ms / 1000,
    )


def _says_something(written: Written) -> bool:
    if isinstance(written, TextPiece):
        return bool(written.text.strip())
    return isinstance(written, NotInDocuments)


async def _checked(pieces: AsyncGenerator[ChatPiece], context: Context) -> AsyncGenerator[Written]:
    marks = Marks(context)
    async with aclosing(_after_refusal(pieces)) as held:
        async for piece in held:
            for written in marks.check(piece) if isinstance(piece, str) else (piece,):
                yield written
    for written in marks.rest():
        yield written


async def _after_refusal(
    pieces: AsyncGenerator[ChatPiece],
) -> AsyncGenerator[str | Degraded | NotInDocuments]:
    """Hold the beginning back until it cannot be the agreed refusal any more."""
    held: str | None = ""
    is_cut = False
    async with aclosing(pieces):
        async for piece in pieces:
            is_cut = is_cut or piece.finish_reason == "length"
            if held is None:
                yield piece.text
                continue
            held += piece.text
            if not may_become_refusal(held):
                yield held
                held = None
    if is_cut:
        yield Degraded(what="full length")
    if held is not None:
        if is_refusal(held):
            yield NotInDocuments()
        else:
            yield held

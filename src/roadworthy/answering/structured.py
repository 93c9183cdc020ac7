"""Let a model write JSON that fits the schema of its release, and check what it cites."""

import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace

from roadworthy.answering.context import Context
from roadworthy.answering.marks import Marks
from roadworthy.answering.records import NotInDocuments, TextPiece, Written
from roadworthy.answering.refusal import is_refusal
from roadworthy.core.errors import Unavailable
from roadworthy.core.json_schemas import Unfit, read_json, unfit
from roadworthy.gateway.calls import Call
from roadworthy.gateway.chat import Message
from roadworthy.gateway.lanes import ChatRequest
from roadworthy.gateway.routes import Route, Router
from roadworthy.prompts import find_prompt

MOST_TRIES = 2  # an answer, and one repair of it
LEAST_S = 0.001


def asking_for(request: ChatRequest, schema: Mapping[str, object]) -> ChatRequest:
    """Ask for JSON that fits, in words and, where an endpoint can, by its protocol."""
    told = find_prompt("schema-1").render({"schema": json.dumps(schema, ensure_ascii=False)})
    *before, last = request.messages
    asked = replace(last, content=f"{last.content}\n\n{told}")
    return replace(request, messages=[*before, asked], json_schema=schema)


async def structured(
    router: Router,
    route: Route,
    request: ChatRequest,
    *,
    context: Context,
    on_call: Callable[[Call], None],
) -> AsyncGenerator[Written]:
    """Write an answer that fits the schema of `request`, whole: half of it would fit nothing.

    Raises:
        Unavailable: neither the answer nor its repair fits; or as the router says.
    """
    by = time.monotonic() + route.deadline_s
    fault = Unfit(faults=(), in_full=())
    for _ in range(MOST_TRIES):
        text = ""
        in_time = replace(route, deadline_s=max(by - time.monotonic(), LEAST_S))
        async with aclosing(router.chat(in_time, request, on_end=on_call)) as pieces:
            async for piece in pieces:
                text += piece.text
        read = _read(text, request.json_schema or {}, context=context)
        if not isinstance(read, Unfit):
            for written in read:
                yield written
            return
        fault, request = read, _repairing(request, text, fault=read)
    raise Unavailable(
        "The model's answer does not fit the JSON schema of the release, nor does its repair: "
        f"{'; '.join(fault.faults)}."
    )


def _repairing(request: ChatRequest, text: str, *, fault: Unfit) -> ChatRequest:
    told = find_prompt("repair-1").render({"faults": "; ".join(fault.in_full)})
    further = [Message(role="assistant", content=text), Message(role="user", content=told)]
    return replace(request, messages=[*request.messages, *further])


def _read(text: str, schema: Mapping[str, object], *, context: Context) -> list[Written] | Unfit:
    """Check an answer; one of whose texts is the agreed refusal refuses as a whole."""
    if is_refusal(text):
        return [NotInDocuments()]
    value = read_json(text)
    if isinstance(value, Unfit):
        return value
    told: list[Written] = []
    checked = _checked(value, marks=Marks(context), told=told)
    if any(isinstance(each, NotInDocuments) for each in told):
        return [NotInDocuments()]
    return unfit(checked, schema) or [
        TextPiece(text=json.dumps(checked, ensure_ascii=False)),
        *told,
    ]


def _checked(value: object, *, marks: Marks, told: list[Written]) -> object:
    """Check the marks in every text; outside of texts [2] is a list with a number in it."""
    match value:
        case str():
            written = [*marks.check(value), *marks.rest()]
            told += [NotInDocuments()] if is_refusal(value) else []
            told += [each for each in written if not isinstance(each, TextPiece)]
            return "".join(each.text for each in written if isinstance(each, TextPiece))
        case list():
            return [_checked(each, marks=marks, told=told) for each in value]
        case dict():
            return {name: _checked(each, marks=marks, told=told) for name, each in value.items()}
        case _:
            return value

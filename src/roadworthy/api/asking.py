"""Ask one question for a visit: counted, and cancelled when nobody waits for the answer."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import cast

from starlette.requests import Request

from roadworthy.answering.records import Answer, Asked, Event
from roadworthy.api.streams import unless_gone
from roadworthy.api.visits import KnownVisit
from roadworthy.core.errors import RoadworthyError


async def ask(visit: KnownVisit, asked: Asked) -> AsyncGenerator[Event]:
    """Answer; closing this generator cancels the answer.

    The Answer is handed out when all is recorded: who leaves with it has not cancelled it.
    """
    began = time.perf_counter()
    outcome = "cancelled"
    answer = None
    asked = replace(asked, key_id=visit.key_id)
    answering = visit.services.answering.answer(
        visit.principal, asked, on_end=visit.metrics.count_answer
    )
    try:
        async with aclosing(cast("AsyncGenerator[Event]", answering)) as events:
            async for event in events:
                if isinstance(event, Answer):
                    answer, outcome = event, event.outcome
                else:
                    yield event
    except RoadworthyError as error:
        outcome = error.kind
        raise
    finally:
        visit.metrics.observe_answer(outcome=outcome, seconds=time.perf_counter() - began)
    assert answer is not None
    yield answer


async def whole_answer(request: Request, events: AsyncGenerator[Event]) -> Answer:
    """Wait for the answer itself, as long as the client does.

    Raises:
        ClientDisconnect: the client went away; the answer was cancelled.
    """
    async with aclosing(events):
        early = await begun(request, events, at=(Answer,))
    answer = early[-1]
    assert isinstance(answer, Answer)
    return answer


async def begun(
    request: Request, events: AsyncGenerator[Event], *, at: tuple[type[Event], ...]
) -> list[Event]:
    """Wait for the first event of the types `at`, and give all events up to it.

    What fails before it can still be told by a status instead of in the stream.

    Raises:
        ClientDisconnect: the client went away; the answer was cancelled.
    """
    return await unless_gone(request.receive, _until(events, at))


async def _until(events: AsyncGenerator[Event], at: tuple[type[Event], ...]) -> list[Event]:
    early: list[Event] = []
    async for event in events:
        early.append(event)
        if isinstance(event, at):
            break
    return early

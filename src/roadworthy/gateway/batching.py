"""Bring together what many ask for at the same time, so that one call answers all of them."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from roadworthy.core.errors import Invalid, RoadworthyError

Answered = TypeVar("Answered")
Waiting = tuple[str, asyncio.Future[Answered]]


class Batcher(Generic[Answered]):
    """Makes so many calls at once, and collects meanwhile what the next one asks for.

    Nobody waits for company: who comes while there is room for a call is asked for at once. A call
    that nobody waits for any more is cancelled.

    Args:
        call: gives an answer for each text, in their order.
        calls: at the same time.
        most: texts of one call.
        most_characters: of all texts of one call, unless one alone has more.
    """

    def __init__(
        self,
        call: Callable[[Sequence[str]], Awaitable[Sequence[Answered]]],
        *,
        calls: int,
        most: int,
        most_characters: int,
    ) -> None:
        self._call = call
        self._calls = calls
        self._most = most
        self._most_characters = most_characters
        self._waiting: list[Waiting[Answered]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, text: str) -> Answered:
        """Ask for one text; raises what its call raises."""
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((text, answer))
        self._go_on()
        return await answer

    def _go_on(self, _: object = None) -> None:
        # Who has gone meanwhile is not asked for.
        self._waiting = [each for each in self._waiting if not each[1].done()]
        while self._waiting and len(self._running) < self._calls:
            taken = self._take()
            task = asyncio.create_task(self._answer(taken))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            task.add_done_callback(self._go_on)
            for _, answer in taken:
                answer.add_done_callback(
                    lambda _, of=taken, by=task: _cancel_unless_awaited(of, by)
                )

    def _take(self) -> list[Waiting[Answered]]:
        sums = itertools.accumulate(len(text) for text, _ in self._waiting[: self._most])
        fitting = sum(each <= self._most_characters for each in sums)
        taken, self._waiting = self._waiting[: fitting or 1], self._waiting[fitting or 1 :]
        return taken

    async def _answer(self, taken: Sequence[Waiting[Answered]]) -> None:
        try:
            answers = await self._call([text for text, _ in taken])
        except Invalid as error:
            if len(taken) == 1:
                _fail(taken, error)
            else:
                await self._answer_apart(taken)
        except (RoadworthyError, asyncio.CancelledError) as error:
            _fail(taken, error)
        except BaseException as error:
            _fail(taken, error)  # a mistake of ours: nobody is to wait for ever
            raise
        else:
            _tell(taken, answers)

    async def _answer_apart(self, taken: Sequence[Waiting[Answered]]) -> None:
        """One text that is refused is no fault of the others."""
        for each in taken:
            if not each[1].done():  # who has gone meanwhile is not asked for
                await self._answer([each])


def _tell(taken: Sequence[Waiting[Answered]], answers: Sequence[Answered]) -> None:
    for (_, answer), found in zip(taken, answers, strict=True):
        if not answer.done():
            answer.set_result(found)


def _fail(taken: Sequence[Waiting[Answered]], error: BaseException) -> None:
    for _, answer in taken:
        if answer.done():
            continue
        if isinstance(error, asyncio.CancelledError):
            answer.cancel()
        else:
            answer.set_exception(error)


def _cancel_unless_awaited(taken: Sequence[Waiting[Answered]], by: asyncio.Task[None]) -> None:
    if all(answer.done() for _, answer in taken):
        by.cancel()

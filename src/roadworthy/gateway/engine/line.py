"""The line in front of the processor: requests overtake others between two texts."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Generic, TypeVar

from roadworthy.core.errors import Busy

SHORT_TEXTS = 64  # a request of at most so many texts,
SHORT_CHARACTERS = 16_000  # and so many characters in all, has somebody waiting for it
MOST_WAITING = 1024  # texts whose turn is the same
MOST_WAITING_LONG = 4096
OUT_OF_TURN_EVERY = 8  # texts: then comes one of those that have let others go first

Item = TypeVar("Item")  # a text, or the texts of a pair
Result = TypeVar("Result")


class Turn(IntEnum):
    """Whose texts are taken first."""

    SHORT = 0
    OPTIONAL = 1  # somebody waits for it for a moment, and then goes without
    LONG = 2  # or nobody waits for it


def turn_of(texts: int, *, characters: int = 0, is_optional: bool = False) -> Turn:
    """Tell by its size when a request has its turn."""
    if texts > SHORT_TEXTS or characters > SHORT_CHARACTERS:
        return Turn.LONG
    return Turn.OPTIONAL if is_optional else Turn.SHORT


@dataclass(slots=True)
class _Request(Generic[Item, Result]):
    work: Callable[[Item], Result]
    turn: Turn
    results: list[Result | None]
    future: "Future[list[Result]]" = field(default_factory=Future)


class Line:
    """Worker threads that take one text at a time, by the turns of their requests.

    A question so waits for the text at hand. While earlier turns keep all threads busy, one of
    OUT_OF_TURN_EVERY texts is of a later one, of these in turn: documents that are read while
    people ask without end are slow, and seldom late. Work for a request that was given up is
    dropped.
    """

    def __init__(self, *, threads: int) -> None:
        # Each text with its place in its request.
        self._waiting: dict[Turn, deque[tuple[int, object, _Request]]] = {
            turn: deque() for turn in Turn
        }
        self._in_turn = 0  # texts in a row that were taken while later ones waited
        self._out_of_turn = 0  # texts that were not
        self._changed = threading.Condition()
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"embed-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, work: Callable[[Item], Result], texts: Sequence[Item], turn: Turn
    ) -> "Future[list[Result]]":
        """Have `work` done on each text; the results come in the order of the texts.

        Cancelling the future drops what has not begun.

        Raises:
            Busy: too many texts wait already.
        """
        request = _Request(work=work, turn=turn, results=[None] * len(texts))
        with self._changed:
            most = MOST_WAITING_LONG if turn is Turn.LONG else MOST_WAITING
            waiting = self._waiting[turn]
            if len(waiting) + len(texts) > most:
                raise Busy(
                    "the local engine has too many texts waiting; try again in a moment",
                    waiting=len(waiting),
                )
            waiting.extend((position, text, request) for position, text in enumerate(texts))
            self._changed.notify(len(texts))
        return request.future

    def close(self, *, timeout_s: float) -> None:
        """Drop what waits and let the threads end after the text that each is at."""
        with self._changed:
            self._is_closed = True
            for waiting in self._waiting.values():
                waiting.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout_s)

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            position, text, request = taken
            try:
                request.results[position] = request.work(text)
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits the future
                _settle(request, error)
            else:
                _settle(request, None)

    def _take(self) -> tuple[int, object, _Request] | None:
        with self._changed:
            while not (turns := self._turns()) and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return None
            return self._waiting[self._next(turns)].popleft()

    def _turns(self) -> list[Turn]:
        """Tell who waits, after what was given up, or failed on another text, is dropped."""
        for waiting in self._waiting.values():
            while waiting and waiting[0][2].future.done():
                waiting.popleft()
        return [turn for turn in Turn if self._waiting[turn]]

    def _next(self, turns: Sequence[Turn]) -> Turn:
        first, *later = turns
        if not later or self._in_turn < OUT_OF_TURN_EVERY - 1:
            self._in_turn = self._in_turn + 1 if later else 0
            return first
        self._in_turn = 0
        self._out_of_turn += 1
        return later[self._out_of_turn % len(later)]


_settling = threading.Lock()


def _settle(request: _Request, error: BaseException | None) -> None:
    with _settling:
        if request.future.done():
            return
        if error is not None:
            request.future.set_exception(error)
        elif all(result is not None for result in request.results):
            request.future.set_result(request.results)

"""The line in front of the processor: short requests overtake long ones between two texts."""

import itertools
import threading
from collections.abc import Callable, Sequence, Sized
from concurrent.futures import Future
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Generic, TypeVar

from roadworthy.core.errors import Busy

SHORT_TEXTS = 64  # a request of at most so many texts,
SHORT_CHARACTERS = 16_000  # and so many characters in all, has somebody waiting for it
MOST_WAITING_SHORT = 1024  # texts
MOST_WAITING_LONG = 4096

_SHORT, _LONG = 0, 1

Item = TypeVar("Item", bound=Sized)  # a text, or the texts of a pair
Result = TypeVar("Result")


@dataclass(slots=True)
class _Request(Generic[Item, Result]):
    work: Callable[[Item], Result]
    rank: int
    results: list[Result | None]
    future: "Future[list[Result]]" = field(default_factory=Future)


class Line:
    """Worker threads that take one text at a time, the short requests' first.

    A question so waits for at most one text of a long request. Long requests wait as long as short
    ones keep all threads busy. Work for a request that was given up is dropped.
    """

    def __init__(self, *, threads: int) -> None:
        self._heap: list[tuple[int, int, int, object, _Request]] = []
        self._waiting = [0, 0]  # texts, by rank
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"embed-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        work: Callable[[Item], Result],
        texts: Sequence[Item],
        *,
        size: Callable[[Item], int] = len,
        is_background: bool = False,
    ) -> "Future[list[Result]]":
        """Have `work` done on each text; the results come in the order of the texts.

        Cancelling the future drops what has not begun.

        Args:
            size: counts the characters of one.
            is_background: nobody waits for it, however short it is.

        Raises:
            Busy: too many texts wait already.
        """
        rank = _LONG if is_background else _rank(len(texts), sum(map(size, texts)))
        request = _Request(work=work, rank=rank, results=[None] * len(texts))
        with self._changed:
            most = MOST_WAITING_SHORT if rank == _SHORT else MOST_WAITING_LONG
            if self._waiting[rank] + len(texts) > most:
                raise Busy(
                    "the local engine has too many texts waiting; try again in a moment",
                    waiting=self._waiting[rank],
                )
            self._waiting[rank] += len(texts)
            for position, text in enumerate(texts):
                heappush(self._heap, (rank, next(self._order), position, text, request))
            self._changed.notify(len(texts))
        return request.future

    def close(self, *, timeout_s: float) -> None:
        """Drop what waits and let the threads end after the text that each is at."""
        with self._changed:
            self._is_closed = True
            self._heap.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout_s)

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            position, text, request = taken
            if request.future.done():  # given up, or failed on another text
                continue
            try:
                request.results[position] = request.work(text)
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits the future
                _settle(request, error)
            else:
                _settle(request, None)

    def _take(self) -> tuple[int, object, _Request] | None:
        with self._changed:
            while not self._heap and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return None
            rank, _, position, text, request = heappop(self._heap)
            self._waiting[rank] -= 1
            return position, text, request


def _rank(texts: int, characters: int) -> int:
    is_short = texts <= SHORT_TEXTS and characters <= SHORT_CHARACTERS
    return _SHORT if is_short else _LONG


_settling = threading.Lock()


def _settle(request: _Request, error: BaseException | None) -> None:
    with _settling:
        if request.future.done():
            return
        if error is not None:
            request.future.set_exception(error)
        elif all(result is not None for result in request.results):
            request.future.set_result(request.results)

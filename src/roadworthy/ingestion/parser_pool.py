"""Lend parsers: one in ordinary times, more while files are slow to read, so that others go on."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from roadworthy.core.errors import Unavailable
from roadworthy.ingestion.parser_process import ParserProcess
from roadworthy.ingestion.records import Lane

PATIENCE_S = 1.0  # a file is read in milliseconds; who waits for longer waits behind a slow one
HANDICAP_S = 5.0  # of a bulk load against who waits


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    lane: Lane
    since: float  # monotonic

    @property
    def order(self) -> float:
        return self.since + (0.0 if self.lane.is_urgent else HANDICAP_S)


class ParserPool:
    """Lends parsers to callers in many threads, one parser a lane at a time.

    Another parser is started only when one has been waited for; when all are back, one is kept.
    The last of `most` is lent for urgent files alone: bulk loads cannot hold them all.
    """

    def __init__(
        self, make: Callable[[], ParserProcess], *, most: int, patience_s: float = PATIENCE_S
    ) -> None:
        self._make = make
        self._most = most
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._waiting: list[_Turn] = []
        self._lent: dict[ParserProcess, Lane] = {}
        self._idle: list[ParserProcess] = []
        self._is_closed = False

    @contextmanager
    def lent(self, lane: Lane) -> Iterator[ParserProcess]:
        """Lend a parser for a block; wait until it is the turn of `lane`.

        Raises:
            Unavailable: the pool was closed.
        """
        parser = self._awaited(lane)
        try:
            yield parser
        finally:
            self._take_back(parser)

    def close(self) -> None:
        """End all parsers, those that read a file too."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            parsers = [*self._idle, *self._lent]
        for parser in parsers:
            parser.close()

    def _awaited(self, lane: Lane) -> ParserProcess:
        turn = _Turn(lane=lane, since=time.monotonic())
        with self._changed:
            self._waiting.append(turn)
            try:
                while (parser := self._offered(turn)) is None:
                    self._changed.wait(self._patience_s)
            finally:
                self._waiting.remove(turn)
            self._lent[parser] = lane
            self._changed.notify_all()
            return parser

    def _offered(self, turn: _Turn) -> ParserProcess | None:
        if self._is_closed:
            raise Unavailable("The worker stops; the file is read by another.")
        reading = set(self._lent.values())
        free = [each for each in self._waiting if each.lane not in reading]
        most = self._most if turn.lane.is_urgent else max(1, self._most - 1)
        if turn is not min(free, key=lambda each: each.order, default=None):
            return None
        if len(self._lent) >= most:
            return None
        if self._idle:
            return self._idle.pop()
        waited_s = time.monotonic() - turn.since
        return self._make() if not self._lent or waited_s >= self._patience_s else None

    def _take_back(self, parser: ParserProcess) -> None:
        with self._changed:
            del self._lent[parser]
            is_surplus = self._is_closed or bool(self._idle)
            if not is_surplus:
                self._idle.append(parser)
            self._changed.notify_all()
        if is_surplus:
            parser.close()

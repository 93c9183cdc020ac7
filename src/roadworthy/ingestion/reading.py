"""Read files in children, so that neither a pile of scans nor slow files delay another's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from roadworthy.ingestion.limits import Limits
from roadworthy.ingestion.parser_pool import ParserPool
from roadworthy.ingestion.parser_process import ParserProcess
from roadworthy.ingestion.records import Lane, NeedsRecognition, Occupied, ParsedDocument, Report

KEPT_MB = 300
KEPT_WITH_MODELS_MB = 1200  # to load the models of text recognition takes 5 s
WRITTEN_AT_ONCE = 3  # children of 60 MB; more than one only while files are slow
SCANS_AT_HAND = 2  # the one that is recognised, and the next; one more that somebody waits for


class DocumentReader:
    """Reads files of all kinds; text recognition has a child of its own.

    May be called from several threads. Written text takes milliseconds a page, pictures of text
    take seconds: the one never waits behind the other.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        memory_mb: int,
        max_bytes: int,
        limits: Limits,
        scans_at_hand: int = SCANS_AT_HAND,
    ) -> None:
        """Take the bounds of one file, and how many scans of bulk loads may hold a caller."""
        parser = partial(
            ParserProcess,
            timeout_s=timeout_s,
            memory_mb=memory_mb,
            max_bytes=max_bytes,
            limits=limits,
        )
        self._written = ParserPool(partial(parser, recycle_mb=KEPT_MB), most=WRITTEN_AT_ONCE)
        self._drawn = ParserPool(partial(parser, recycle_mb=KEPT_WITH_MODELS_MB), most=1)
        self._most_scans = scans_at_hand
        self._scans = 0
        self._counting = threading.Lock()

    def has_place(self, *, is_urgent: bool) -> bool:
        """Tell whether a scan would be read now, and not be `Occupied`."""
        return self._scans < self._most_scans + is_urgent

    def parse(
        self,
        content: bytes,
        *,
        name: str,
        lane: Lane,
        media_type: str | None = None,
        report: Report,
    ) -> ParsedDocument:
        """Read a file into text, as `roadworthy.ingestion.parse.parse` does.

        Args:
            report: is told, from this thread, how many pages of pictures are recognised.

        Raises:
            Invalid: as `ParserProcess.parse`.
            Occupied: it is a scan, and enough of them are at hand.
            Unavailable: no child can be started, or the reader was closed.
        """
        try:
            with self._written.lent(lane) as parser:
                return parser.parse(content, name=name, media_type=media_type)
        except NeedsRecognition:
            pass
        with self._place(lane), self._drawn.lent(lane) as parser:
            return parser.parse(content, name=name, media_type=media_type, report=report)

    def close(self) -> None:
        """End the children, with the files that they read."""
        self._written.close()
        self._drawn.close()

    @contextmanager
    def _place(self, lane: Lane) -> Iterator[None]:
        with self._counting:
            if not self.has_place(is_urgent=lane.is_urgent):
                raise Occupied
            self._scans += 1
        try:
            yield
        finally:
            with self._counting:
                self._scans -= 1

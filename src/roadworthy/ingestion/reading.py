"""Read files in two children, so that a pile of scans delays no other document."""

import threading

from roadworthy.ingestion.limits import Limits
from roadworthy.ingestion.parser_process import ParserProcess, Report
from roadworthy.ingestion.records import NeedsRecognition, Occupied, ParsedDocument

KEPT_MB = 300
KEPT_WITH_MODELS_MB = 1200  # to load the models of text recognition takes 5 s
SCANS_AT_HAND = 2  # the one that is recognised, and the next


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
        """Take the bounds of one file, and how many scans may hold a caller at a time."""
        self._scans = threading.Semaphore(scans_at_hand)
        self._written, self._drawn = (
            ParserProcess(
                timeout_s=timeout_s,
                memory_mb=memory_mb,
                max_bytes=max_bytes,
                limits=limits,
                recycle_mb=kept_mb,
            )
            for kept_mb in (KEPT_MB, KEPT_WITH_MODELS_MB)
        )

    def parse(
        self, content: bytes, *, name: str, media_type: str | None = None, report: Report
    ) -> ParsedDocument:
        """Read a file into text, as `roadworthy.ingestion.parse.parse` does.

        Args:
            report: is told, from this thread, how many pages of pictures are recognised.

        Raises:
            Invalid: as `ParserProcess.parse`.
            Occupied: it is a scan, and enough of them are at hand.
            Unavailable: no child can be started.
        """
        try:
            return self._written.parse(content, name=name, media_type=media_type)
        except NeedsRecognition:
            if not self._scans.acquire(blocking=False):
                raise Occupied from None
        try:
            return self._drawn.parse(content, name=name, media_type=media_type, report=report)
        finally:
            self._scans.release()

    def close(self) -> None:
        """End the children; a later `parse` starts others."""
        self._written.close()
        self._drawn.close()

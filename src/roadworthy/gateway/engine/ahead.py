"""One thread for what will be asked for next: it runs beside those that go on."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Ahead:
    """A second pair of hands. While they are busy, whoever submits does the work himself.

    So nothing piles up: neither work, nor the memory of what it is done on.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._free = threading.Lock()

    def submit(self, work: Callable[[], Result]) -> "Future[Result]":
        """Have `work` done: meanwhile, or before this returns."""
        if self._free.acquire(blocking=False):
            return self._thread.submit(self._done, work)
        done = Future[Result]()
        done.set_result(work())
        return done

    def _done(self, work: Callable[[], Result]) -> Result:
        try:
            return work()
        finally:
            self._free.release()

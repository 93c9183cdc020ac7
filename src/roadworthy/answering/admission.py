"""How much is done at once; what comes beyond waits in line for a while, or is sent away."""

import asyncio
import math
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from roadworthy.core.errors import Busy
from roadworthy.plumbing.deadlines import Deadline


class Admission:
    """So many places, and a line before them.

    Who has waited longest is the next to be let in. Who finds the line full is put at its end, and
    of the tenant that then has most in line the first is sent away: the one that has the least
    patience left, and has perhaps given up already. So under any load the places stay full, nobody
    waits for long in vain, and a tenant that asks for too much sends away its own.

    Args:
        places: that there are.
        waiting: how many may stand in line.
        patience_s: how long each of them may.
    """

    def __init__(self, *, places: int, waiting: int, patience_s: float) -> None:
        self.running = 0  # places that are taken
        self._places = places
        self._waiting = waiting
        self._patience_s = patience_s
        # By when they came, with their tenants; True: has a place, False: is sent away.
        self._line: OrderedDict[asyncio.Future[bool], int] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Count those in line."""
        return len(self._line)

    @asynccontextmanager
    async def place(self, *, tenant_id: int, waited_s: float = 0) -> AsyncIterator[float]:
        """Wait for a place and hold it for a block; gives the seconds that it was waited for.

        Args:
            waited_s: in another line before, which counts as if it were this one.

        Raises:
            Busy: there was none in time, or others came; the facts say when to come again.
        """
        took_s = await self._enter(tenant_id, patience_s=self._patience_s - waited_s)
        try:
            yield took_s
        finally:
            self._leave()

    async def _enter(self, tenant_id: int, *, patience_s: float) -> float:
        if self.running < self._places:
            self.running += 1
            return 0.0
        if not self._waiting:
            raise self._busy()
        began = time.perf_counter()
        if not await self._turn(tenant_id, patience_s=patience_s):
            raise self._busy()
        return time.perf_counter() - began

    async def _turn(self, tenant_id: int, *, patience_s: float) -> bool:
        """Stand in line; False: in vain."""
        turn = asyncio.get_running_loop().create_future()
        self._line[turn] = tenant_id
        if len(self._line) > self._waiting:
            self._send_one_away()
        try:
            async with asyncio.timeout(max(0, patience_s)):
                return await turn
        except BaseException as error:
            # A place may have been given in the moment in which it was no longer waited for.
            if turn.done() and not turn.cancelled() and turn.result():
                self._leave()
            if isinstance(error, TimeoutError):
                return False
            raise
        finally:
            self._line.pop(turn, None)

    def _leave(self) -> None:
        """Give the place to the next in line."""
        if following := self._longest_waiting():
            following.set_result(True)
        else:
            self.running -= 1

    def _longest_waiting(self) -> asyncio.Future[bool] | None:
        """Take who still waits, and has waited longest, out of the line."""
        turn = next(self._still_waiting(), None)
        if turn is not None:
            del self._line[turn]
        return turn

    def _still_waiting(self) -> Iterator[asyncio.Future[bool]]:
        # Who gives up stands in line until he is run.
        return (turn for turn in self._line if not turn.done())

    def _send_one_away(self) -> None:
        """Make room in line; of tenants with as many in it, that of who has waited longest."""
        counted = Counter(self._line[turn] for turn in self._still_waiting())
        if counted.total() <= self._waiting:
            return
        [(most, _)] = counted.most_common(1)
        first = next(turn for turn in self._still_waiting() if self._line[turn] == most)
        del self._line[first]
        first.set_result(False)

    def _busy(self) -> Busy:
        # By then each who waits now has had a turn, or has gone.
        again_s = max(1, math.ceil(self._patience_s))
        return Busy(
            f"Too many requests are being answered; try again in {again_s} s.",
            retry_after_s=again_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What bounds the work of one process.

    An answer spends most of its time with a model that writes it; so many may be under way, and as
    many searches that are asked for by themselves. Clients that want texts embedded have few
    places, as each takes the model from everybody else. To look into the database keeps this
    machine busy: of these lookups there are fewer at once, as more of them would only hinder each
    other. Their line has room for whoever was let in, so that nobody who was is sent away from it.
    """

    answers: Admission
    direct_searches: Admission
    embeddings: Admission
    searches: Admission  # of answers and direct searches
    timeout_s: float  # of one answer, search or embedding, with all that it waits for

    def deadline(self, asked_s: float | None = None) -> Deadline:
        """Begin to count the time of one, which may ask for less than the limit."""
        return Deadline.after(min(asked_s or self.timeout_s, self.timeout_s))

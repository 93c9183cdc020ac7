"""What this process is writing at the moment, and from which documents."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from roadworthy.core.errors import Conflict, Unavailable

LOOK_EVERY_S = 0.01
LOST = "The connection to the database was lost; ask again."

# Tells which of a tenant's documents are gone.
Gone = Callable[[int, frozenset[uuid.UUID]], Awaitable[frozenset[uuid.UUID]]]


@dataclass(slots=True, kw_only=True, eq=False)
class Making:
    """A search or an answer, from its look into the corpus to its end."""

    tenant_id: int
    documents: frozenset[uuid.UUID] | None = None  # that it is made from; None: not known yet
    is_withdrawn: bool = False  # one of the documents is gone
    is_lost: bool = False  # nobody could tell whether one is gone

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more may be told of it."""
        return self.is_withdrawn or self.is_lost

    def check(self) -> None:
        """Refuse to go on with what was deleted, or may have been.

        Raises:
            Conflict: one of the documents is gone.
            Unavailable: the connection that would have told so was lost meanwhile.
        """
        if self.is_lost:
            raise Unavailable(LOST)
        if self.is_withdrawn:
            raise Conflict("A document that this answer was made from has been deleted; ask again.")


class InFlight:
    """All that is being made."""

    def __init__(self) -> None:
        self._makings: set[Making] = set()
        self._is_open = True

    def begin(self, tenant_id: int) -> Making:
        """Note one that is about to look into the corpus.

        Raises:
            Unavailable: nobody would hear of it when a document is deleted.
        """
        if not self._is_open:
            raise Unavailable(LOST)
        making = Making(tenant_id=tenant_id)
        self._makings.add(making)
        return making

    def end(self, making: Making) -> None:
        """Note that nothing more is told of it."""
        self._makings.discard(making)

    def lose(self) -> None:
        """End all of it, and let nothing begin before `resume`."""
        self._is_open = False
        for making in self._makings:
            making.is_lost = True

    def resume(self) -> None:
        """Let them begin again."""
        self._is_open = True

    async def settle(self, gone: Gone) -> None:
        """Wait until what is being made now has ended, or needs nothing that is gone.

        An answer that was made from a document that is gone is withdrawn: it tells nothing more.

        Raises:
            Unavailable: nobody can say what is gone.
        """
        unsettled = set(self._makings)
        while unsettled := unsettled & self._makings:
            known = {making for making in unsettled if making.documents is not None}
            for tenant_id in {making.tenant_id for making in known}:
                await _settle([each for each in known if each.tenant_id == tenant_id], gone)
            if unsettled := unsettled - known:
                await asyncio.sleep(LOOK_EVERY_S)


async def _settle(makings: Sequence[Making], gone: Gone) -> None:
    """Ask once for all of a tenant: while one is asked for, the others go on telling."""
    made_from = [making.documents or frozenset[uuid.UUID]() for making in makings]
    left = await gone(makings[0].tenant_id, frozenset[uuid.UUID]().union(*made_from))
    for making, documents in zip(makings, made_from, strict=True):
        making.is_withdrawn = making.is_withdrawn or bool(documents & left)

"""What this process is writing at the moment, and from which documents."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from roadworthy.core.errors import Conflict

LOOK_EVERY_S = 0.01

# Tells which of a tenant's documents are gone.
Gone = Callable[[int, frozenset[uuid.UUID]], Awaitable[frozenset[uuid.UUID]]]


@dataclass(slots=True, kw_only=True, eq=False)
class Making:
    """A search or an answer, from its look into the corpus to its end."""

    tenant_id: int
    documents: frozenset[uuid.UUID] | None = None  # that it is made from; None: not known yet
    is_withdrawn: bool = False

    def check(self) -> None:
        """Refuse to go on with what was deleted.

        Raises:
            Conflict: one of the documents is gone.
        """
        if self.is_withdrawn:
            raise Conflict("A document that this answer was made from has been deleted; ask again.")


class InFlight:
    """All that is being made."""

    def __init__(self) -> None:
        self._makings: set[Making] = set()

    def begin(self, tenant_id: int) -> Making:
        """Note one that is about to look into the corpus."""
        making = Making(tenant_id=tenant_id)
        self._makings.add(making)
        return making

    def end(self, making: Making) -> None:
        """Note that nothing more is told of it."""
        self._makings.discard(making)

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

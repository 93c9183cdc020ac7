"""What a route is given: who asks, and what may be called."""

import uuid
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from roadworthy.api.metrics import Metrics
from roadworthy.api.threshold import CALLER
from roadworthy.bootstrap import Services
from roadworthy.core.errors import Refused
from roadworthy.core.identity import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVisit:
    """A visit that needs no key."""

    services: Services
    metrics: Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownVisit:
    """One request of a known person."""

    services: Services
    metrics: Metrics
    principal: Principal
    key_id: uuid.UUID
    may_ingest: bool

    def check_may_ingest(self) -> None:
        """Refuse a key that is for reading.

        Raises:
            Refused: it may not change documents.
        """
        if not self.may_ingest:
            raise Refused(
                "This key may not change documents; `roadworthy key create --may-ingest` makes "
                "one that may."
            )


async def _open(request: Request) -> OpenVisit:
    return OpenVisit(services=request.app.state.services, metrics=request.app.state.metrics)


async def _known(request: Request) -> KnownVisit:
    caller = request.scope[CALLER]
    return KnownVisit(
        services=request.app.state.services,
        metrics=request.app.state.metrics,
        principal=caller.principal,
        key_id=caller.key_id,
        may_ingest=caller.may_ingest,
    )


AnyVisit = Annotated[OpenVisit, Depends(_open)]
Visit = Annotated[KnownVisit, Depends(_known)]

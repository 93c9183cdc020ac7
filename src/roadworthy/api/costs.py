"""GET /v1/costs: what answers took and cost, and what was spared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import TypeAdapter

from roadworthy.api.bodies import json_response
from roadworthy.api.openapi import problems
from roadworthy.api.visits import Visit
from roadworthy.core.errors import Refused
from roadworthy.traces.ledger import MOST_DAYS, By, Cost, read_costs

router = APIRouter(tags=["costs"])
GROUP = "costs"  # as sql/repeatable/spending.sql says


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What was spent; no known price is null, not 0."""

    data: Sequence[Cost]


COSTS = TypeAdapter(Costs)


@router.get("/v1/costs", response_model=Costs, responses=problems(403, 422))
async def read_own_costs(
    visit: Visit,
    by: By = "release",
    days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 30,
) -> Response:
    """Tell what the answers of the tenant cost, to people of the group `costs`."""
    principal = visit.principal
    if GROUP not in principal.groups:
        raise Refused(f"Costs are told to people of the group {GROUP!r}.")
    async with visit.services.database.read_as(principal) as conn:
        found = await read_costs(conn, tenant_id=principal.tenant_id, by=by, days=days)
    return json_response(COSTS, Costs(data=found))

"""Is it alive, is it ready, what has it counted: nobody's key is needed."""

import asyncio
import hmac
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import SecretStr, TypeAdapter

from roadworthy.api import metrics
from roadworthy.api.bodies import json_response
from roadworthy.api.openapi import problems
from roadworthy.api.visits import AnyVisit
from roadworthy.bootstrap import Services
from roadworthy.core.errors import Missing, Unavailable
from roadworthy.corpus.spaces import find_space

router = APIRouter(tags=["health"])
PATIENCE_S = 3  # who checks readiness is in no mood to wait for the pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a probe is told."""

    status: str


HEALTH = TypeAdapter(Health)
NO_METRICS = "Send the metrics_token of the settings as `Authorization: Bearer ...`."
OPEN_PROBLEMS = {status: told for status, told in problems().items() if status != 401}


@router.get("/livez", response_model=Health, responses=OPEN_PROBLEMS)
async def live() -> Response:
    """Say that this process answers; it depends on nothing else."""
    return json_response(HEALTH, Health(status="live"))


@router.get("/readyz", response_model=Health, responses=OPEN_PROBLEMS)
async def ready(visit: AnyVisit) -> Response:
    """Say whether questions can be answered now, and if not, why."""
    reasons = {"database": await _database(visit.services), "space": _space(visit.services)}
    wrong = {name: reason for name, reason in reasons.items() if reason}
    if wrong:
        raise Unavailable(" ".join(wrong.values()), **wrong)
    return json_response(HEALTH, Health(status="ready"))


@router.get(
    "/metrics",
    responses={**problems(), 200: {"content": {"text/plain": {}}}},
    response_class=Response,
)
async def read_metrics(visit: AnyVisit, request: Request) -> Response:
    """Tell what was counted, and what waits in the queue, in Prometheus' text format.

    Only to who bears the `metrics_token`, where there is one; what is spent, only then.
    """
    token = visit.services.settings.metrics_token
    if token is not None and not _bears(request, token):
        raise HTTPException(HTTPStatus.UNAUTHORIZED, NO_METRICS, {"www-authenticate": "Bearer"})
    await visit.metrics.refresh(visit.services.database)
    return Response(visit.metrics.exposition(), media_type=metrics.MEDIA_TYPE)


def _bears(request: Request, token: SecretStr) -> bool:
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    expected = token.get_secret_value().encode()
    return scheme.lower() == "bearer" and hmac.compare_digest(told.strip().encode(), expected)


async def _database(services: Services) -> str:
    try:
        async with asyncio.timeout(PATIENCE_S), services.database.as_stranger() as conn:
            await find_space(conn, services.settings.embeddings_model)
    except TimeoutError:
        return f"The database takes longer than {PATIENCE_S} s to answer."
    except (Unavailable, Missing) as error:
        return error.message
    return ""


def _space(services: Services) -> str:
    try:
        _ = services.default_space
    except Unavailable as error:
        return error.message
    return ""

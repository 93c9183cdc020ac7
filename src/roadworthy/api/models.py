"""GET /v1/models: the releases, as OpenAI's clients list models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import TypeAdapter

from roadworthy.api.bodies import CLEAN, json_response
from roadworthy.api.completions import LIVE
from roadworthy.api.openapi import problems
from roadworthy.api.visits import Visit
from roadworthy.releases import find_release, list_releases
from roadworthy.releases.store import StoredRelease

router = APIRouter(tags=["openai"])
ModelName = Annotated[str, Path(min_length=1, max_length=100, pattern=CLEAN)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A release, as a model."""

    id: str
    created: int  # seconds since 1970
    object: Literal["model"] = "model"
    owned_by: Literal["roadworthy"] = "roadworthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """All releases, oldest first."""

    data: Sequence[Model]
    object: Literal["list"] = "list"


MODEL = TypeAdapter(Model)
MODELS = TypeAdapter(Models)


@router.get("/v1/models", response_model=Models, responses=problems())
async def list_models(visit: Visit) -> Response:
    """List the releases that may be asked."""
    principal = visit.principal
    async with visit.services.database.read_as(principal) as conn:
        found = await list_releases(conn, tenant_id=principal.tenant_id)
    return json_response(MODELS, Models(data=[_model(stored) for stored in found]))


@router.get("/v1/models/{model}", response_model=Model, responses=problems(404, 422))
async def read_model(visit: Visit, model: ModelName) -> Response:
    """Look one release up; default or live: the live one."""
    principal = visit.principal
    name = None if model in LIVE else model
    async with visit.services.database.read_as(principal) as conn:
        stored = await find_release(conn, tenant_id=principal.tenant_id, name=name)
    return json_response(MODEL, _model(stored))


def _model(stored: StoredRelease) -> Model:
    return Model(id=stored.name, created=int(stored.created_at.timestamp()))

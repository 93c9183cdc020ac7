"""Put the door together."""

from importlib import metadata

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from roadworthy.api import (
    answers,
    approvals,
    chat,
    corpora,
    costs,
    curation,
    deletions,
    documents,
    embeddings,
    health,
    jobs,
    models,
    records,
    search,
)
from roadworthy.api.metrics import Metrics
from roadworthy.api.openapi import declare
from roadworthy.api.problems import on_error, on_http_error, on_wrong_fields
from roadworthy.api.threshold import Authenticated, Bounded, Observed
from roadworthy.bootstrap import Services
from roadworthy.core.errors import RoadworthyError

BYTES_PER_MB = 1_000_000
ROOMS = (
    answers,
    chat,
    models,
    embeddings,
    search,
    documents,
    curation,
    corpora,
    deletions,
    jobs,
    records,
    costs,
    approvals,
    health,
)


def create_app(services: Services) -> FastAPI:
    """Make the ASGI app over open services; it neither opens nor closes them."""
    app = FastAPI(
        title="Roadworthy",
        version=metadata.version("roadworthy"),
        description="Answers with citations from the documents that you may read.",
        # The pages that FastAPI would serve load their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        exception_handlers={
            RoadworthyError: on_error,
            HTTPException: on_http_error,
            RequestValidationError: on_wrong_fields,
        },
    )
    app.state.services = services
    tells_spending = services.settings.metrics_token is not None
    app.state.metrics = metrics = Metrics(tells_spending=tells_spending)
    metrics.watch(services.bounds)
    if services.database.replica is not None:
        metrics.follow(services.database.replica)
    for room in ROOMS:
        app.include_router(room.router)
    app.openapi = declare(app)
    # The one added last is the outermost.
    app.add_middleware(Authenticated, database=services.database)
    app.add_middleware(Bounded, largest_upload=services.settings.max_upload_mb * BYTES_PER_MB)
    app.add_middleware(Observed, metrics=metrics)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name

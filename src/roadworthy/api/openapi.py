"""The OpenAPI document: what FastAPI derives, with problems and the key on every route."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from roadworthy.api.problems import MEDIA_TYPE, Problem

Responses = dict[int | str, dict[str, Any]]

PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}
KEY_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key that `roadworthy key create` made: rw_...",
}
RETRY_AFTER = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
NEEDED = (401, 500, 503)  # what any route under /v1 may say


def problems(*statuses: int) -> Responses:
    """Declare the statuses that a route under /v1 may fail with, beside those of all."""
    return {status: _declared(status) for status in sorted({*statuses, *NEEDED})}


def declare(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Make the function that builds the document, once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            _add_shared(made)
            app.openapi_schema = made
        return app.openapi_schema

    return document


def _declared(status: int) -> dict[str, Any]:
    declared: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}},
    }
    if status in {429, 503}:
        declared["headers"] = {"Retry-After": RETRY_AFTER}
    return declared


def _add_shared(made: dict[str, Any]) -> None:
    schema = TypeAdapter(Problem).json_schema(
        mode="serialization", ref_template="#/components/schemas/{model}"
    )
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.update(schema.pop("$defs", {}))
    schemas["Problem"] = schema
    components["securitySchemes"] = {"key": KEY_SCHEME}
    for path, methods in made["paths"].items():
        if path.startswith("/v1/"):
            for operation in methods.values():
                operation["security"] = [{"key": []}]

"""Turn a failure into what HTTP says about it: RFC 9457, and OpenAI's error where that is spoken.

The two fit into one object: an OpenAI client reads its member `error`, all others the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails, to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from roadworthy.core.errors import Fact, RoadworthyError

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "roadworthy.request_id"  # key in the scope
OPENAI_PATHS = ("/v1/chat/", "/v1/embeddings", "/v1/models")
MOST_FIELD_ERRORS = 20

# The kinds of the error tree (core/errors.py).
STATUS = {
    "invalid": 422,
    "missing": 404,
    "conflict": 409,
    "refused": 403,
    "busy": 429,
    "unavailable": 503,
}
RETRY_AFTER_S = {429: 1, 503: 5}
TITLES = {
    "invalid": "The request can never work",
    "missing": "There is no such thing that you may see",
    "conflict": "It exists already, or changed meanwhile",
    "refused": "You may not do that",
    "busy": "Not now; the same may work later",
    "unavailable": "Something that is needed is down",
    "malformed": "The request cannot be read",
    "unauthenticated": "Nobody knows who is asking",
    "method-not-allowed": "This address has no such method",
    "too-large": "The request is too large",
    "bug": "We made a mistake",
}
# What HTTP itself refuses, before any verb is called.
HTTP_KINDS = {
    400: "malformed",
    401: "unauthenticated",
    403: "refused",
    404: "missing",
    405: "method-not-allowed",
    413: "too-large",
    422: "invalid",
}
HTTP_DETAILS = {
    400: "The body of the request cannot be read; send what /openapi.json describes.",
    404: "There is nothing at this address; /openapi.json names those that exist.",
    405: "This address has other methods; the header Allow names them.",
}
OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """What is wrong with one field."""

    field: str  # the path to it, "body.messages.0.content"
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIError:
    """What an OpenAI client reads."""

    message: str
    type: str
    param: str | None
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A failure in the words of RFC 9457."""

    type: str  # urn:roadworthy:problem:<kind>
    title: str
    status: int
    detail: str
    instance: str  # the request's id, as in X-Request-Id
    facts: Mapping[str, Fact] = field(default_factory=dict)
    errors: Sequence[FieldError] = ()
    error: OpenAIError | None = None  # where OpenAI's protocol is spoken

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """Answer with it."""
        told = dict(headers or {})
        if self.status in RETRY_AFTER_S:
            told["retry-after"] = str(self.facts.get("retry_after_s", RETRY_AFTER_S[self.status]))
        return Response(to_json(self), self.status, told, media_type=MEDIA_TYPE)


def problem_of(error: RoadworthyError, scope: Scope) -> Problem:
    """Describe a failure that a person can act on."""
    return _problem(scope, STATUS[error.kind], error.kind, detail=error.message, facts=error.facts)


def http_problem(status: int, detail: str, scope: Scope) -> Problem:
    """Describe what HTTP itself refuses."""
    return _problem(scope, status, HTTP_KINDS.get(status, "malformed"), detail=detail)


def bug_problem(scope: Scope) -> Problem:
    """Describe a mistake of ours, without anything of its insides."""
    detail = "This is a mistake of the server; its log tells more about this request's id."
    return _problem(scope, 500, "bug", detail=detail)


async def on_error(request: Request, error: Exception) -> Response:
    """Answer a failure that a room has told."""
    assert isinstance(error, RoadworthyError)
    return problem_of(error, request.scope).response()


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer what the framework refuses."""
    assert isinstance(error, HTTPException)
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["allow"] = _allowed(request) or headers.get("allow", "")
    said = error.detail if error.detail != HTTPStatus(error.status_code).phrase else ""
    detail = HTTP_DETAILS.get(error.status_code) or said or TITLES["malformed"] + "."
    return http_problem(error.status_code, detail, request.scope).response(headers)


async def on_wrong_fields(request: Request, error: Exception) -> Response:
    """Answer a request whose fields are not as declared; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    return fields_problem(error.errors(), request.scope).response()


def fields_problem(wrong: Sequence[ErrorDetails], scope: Scope) -> Problem:
    """Describe fields that are not as declared."""
    errors = [
        FieldError(field=".".join(str(part)[:100] for part in each["loc"][:10]), detail=each["msg"])
        for each in wrong[:MOST_FIELD_ERRORS]
    ]
    first = errors[0]
    return _problem(
        scope, STATUS["invalid"], "invalid", detail=f"{first.field}: {first.detail}", errors=errors
    )


def speaks_openai(scope: Scope) -> bool:
    """Say whether this address belongs to OpenAI's protocol."""
    return scope["path"].startswith(OPENAI_PATHS)


def _allowed(request: Request) -> str:
    # The framework names the methods of the first route alone; an address may have several.
    path = getattr(request.scope.get("route"), "path", "")
    documented = request.app.openapi()["paths"].get(path, {})
    return ", ".join(sorted(method.upper() for method in documented))


def _problem(
    scope: Scope,
    status: int,
    kind: str,
    *,
    detail: str,
    facts: Mapping[str, Fact] | None = None,
    errors: Sequence[FieldError] = (),
) -> Problem:
    openai = None
    if speaks_openai(scope):
        otherwise = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
        openai = OpenAIError(
            message=detail,
            type=OPENAI_TYPES.get(status) or otherwise or "invalid_request_error",
            param=errors[0].field.removeprefix("body.") if errors else None,
            code=kind,
        )
    return Problem(
        type=f"urn:roadworthy:problem:{kind}",
        title=TITLES[kind],
        status=status,
        detail=detail,
        instance=str(scope.get(REQUEST_ID, "")),
        facts=facts or {},
        errors=errors,
        error=openai,
    )

"""What our own servers of the OpenAI protocol share: bodies are read, errors written, alike."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.responses import JSONResponse

from roadworthy.core.errors import Invalid, RoadworthyError

JsonObject = dict[str, Any]  # a provider's JSON, passed through

Body = TypeVar("Body", bound=BaseModel)

STATUS = {
    "invalid": 400,
    "missing": 404,
    "conflict": 409,
    "refused": 401,
    "busy": 429,
    "unavailable": 503,
}
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}
RETRY_AFTER_S = "1"
# A header, as servers of others refuse a body with a field that they do not know.
# Source: RFC 9218, section 4.1: this urgency is for what runs in the background.
PRIORITY, BACKGROUND = "priority", "u=7"


def parse(kind: type[Body], body: bytes) -> Body:
    """Read a request's body.

    Raises:
        Invalid: it is not the protocol's; the sentence names the field, never its content.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise Invalid(f"{where}: {first['msg']}", field=where) from error


def refusal(error: RoadworthyError) -> JSONResponse:
    """Answer with a failure that was told."""
    code = "model_not_found" if error.kind == "missing" else error.kind
    return problem(error.message, status=STATUS[error.kind], code=code)


def problem(message: str, *, status: int, code: str | None) -> JSONResponse:
    """Answer with an error."""
    headers = {"retry-after": RETRY_AFTER_S} if status in {429, 503} else {}
    kind = TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    told = {"message": message, "type": kind, "param": None, "code": code}
    return JSONResponse({"error": told}, status_code=status, headers=headers)

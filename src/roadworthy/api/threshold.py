"""What each request passes, outermost first: a number and a last resort, a bound, a key."""

import re
import time
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roadworthy.api.metrics import Metrics
from roadworthy.api.problems import REQUEST_ID, bug_problem, http_problem, problem_of
from roadworthy.core.errors import RoadworthyError
from roadworthy.core.ids import new_id
from roadworthy.corpus.people import Caller, identify
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.deadlines import Deadline

CALLER = "roadworthy.caller"  # key in the scope
LARGEST_JSON = 1_000_000  # bytes
FORM_FIELDS = 100_000  # bytes beside the files of an upload
KNOWN_WITHIN_S = 5.0  # who asks; a database that takes longer is down
CLIENT_GONE = 499  # as nginx counts it; nothing is sent
OWN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = frozenset({"GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"})

log = structlog.get_logger("roadworthy.access")


class Observed:
    """Numbers, counts and logs each request, and answers when everything else has failed.

    The log holds the route, never the question: no query, no body, no key.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        scope[REQUEST_ID] = request_id = _request_id(scope)
        answer = _Answer(send, request_id)
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            answer.status = answer.status or CLIENT_GONE
        except RoadworthyError as error:
            await answer.instead(problem_of(error, scope).response(), scope, receive)
        except Exception:
            log.exception("a request failed", request_id=request_id)
            await answer.instead(bug_problem(scope).response(), scope, receive)
        finally:
            self._note(scope, answer.status or CLIENT_GONE, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._metrics.count_request(method=method, route=route, status=status)
        log.info(
            "request",
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
            request_id=scope[REQUEST_ID],
        )


class _Answer:
    """The answer to one request, while it is sent."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._number = (b"x-request-id", request_id.encode("ascii"))
        self.status = 0  # nothing was sent yet

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), self._number]
        await self._send(message)

    async def instead(self, response: ASGIApp, scope: Scope, receive: Receive) -> None:
        # An answer that has begun is left unfinished: the server then cuts the connection, so
        # that nobody takes the half for the whole.
        if not self.status:
            await response(scope, receive, self.send)


class Bounded:
    """Refuses a body beyond its limit while it is read, before it is held as a whole."""

    def __init__(self, app: ASGIApp, *, largest_upload: int) -> None:
        self._app = app
        self._largest_upload = largest_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        uploads = scope["path"] == "/v1/documents" and scope["method"] == "POST"
        limit = self._largest_upload + FORM_FIELDS if uploads else LARGEST_JSON
        declared = Headers(scope=scope).get("content-length", "")
        read = 0

        async def bounded_receive() -> Message:
            nonlocal read
            if declared.isdecimal() and int(declared[:20]) > limit:
                raise _too_large(limit)
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > limit:
                    raise _too_large(limit)
            return message

        await self._app(scope, bounded_receive, send)


class Authenticated:
    """Lets nobody under /v1 without a valid key; nothing of the body is read before."""

    def __init__(self, app: ASGIApp, *, database: Database) -> None:
        self._app = app
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its caller in the scope."""
        if scope["type"] == "http" and scope["path"].startswith("/v1/"):
            caller = await self._caller(scope)
            if caller is None:
                detail = (
                    "Send a valid key as `Authorization: Bearer rw_...`; "
                    "`roadworthy key create` makes one."
                )
                problem = http_problem(HTTPStatus.UNAUTHORIZED, detail, scope)
                refusal = problem.response({"www-authenticate": "Bearer"})
                await refusal(scope, receive, send)
                return
            scope[CALLER] = caller
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller | None:
        scheme, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            return None
        async with (
            Deadline.after(KNOWN_WITHIN_S).bounding(),
            self._database.as_stranger() as conn,
        ):
            return await identify(conn, key.strip())


def _request_id(scope: Scope) -> str:
    told = Headers(scope=scope).get("x-request-id", "")
    return told if OWN_ID.fullmatch(told) else str(new_id())


def _too_large(limit: int) -> HTTPException:
    return HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is larger than {limit:,} bytes; send less at a time.",
    )

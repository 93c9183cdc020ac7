"""Chat with models of Amazon Bedrock, by its Converse API; signed and read by botocore (an extra).

Requests go over our own connections: botocore's block, and a thread that waits for the first word
of an answer cannot be told that nobody waits any more.
"""

import asyncio
import importlib
import json
import re
import struct
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx
import structlog
from pydantic import BaseModel, Field

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable
from roadworthy.gateway.chat import ChatPiece, Message, asked, check_ended, reason_of
from roadworthy.gateway.endpoint import OF_THE_TIME, Endpoint, EndpointAddress, Tries, harmless
from roadworthy.gateway.vendors import installed

log = structlog.get_logger(__name__)
REGION = re.compile(
    r"(?:.+\.)?bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\."
    r"(?:vpce\.)?(?:amazonaws\.(?:com|com\.cn|eu)|api\.aws)"
)
# There is one kind of 400, whatever is wrong; by these words it is what was asked, else ours.
OF_THE_ASKER = re.compile(
    r"too long|too many input tokens|maxLength|context (?:length|limit|window)|content filter", re.I
)
TEMPERATURE = "temperature"
LONGEST_LOOKUP_S = 5.0  # of credentials: less than the silence for which an endpoint is blamed
SERVICE = "bedrock"  # that a signature is for
NO_MODEL = "none"


class _Delta(BaseModel):
    text: str = ""


class _Usage(BaseModel):
    input_tokens: int = Field(alias="inputTokens")
    output_tokens: int = Field(alias="outputTokens")


class _Event(BaseModel):
    """What one event says, whichever it is."""

    delta: _Delta | None = None
    stop_reason: str | None = Field(default=None, alias="stopReason")
    usage: _Usage | None = None


class Bedrock:
    """Models of one region, asked as those of an Endpoint are.

    Args:
        address: its key is a Bedrock API key; None: credentials are those that botocore finds
            (variables, profile, role).

    Raises:
        Invalid: the library is not installed, or without a key nothing tells the region.
    """

    def __init__(self, address: EndpointAddress, *, most_connections: int = 64) -> None:
        self.address = address
        with installed("bedrock"):
            self._eventstream: Any = importlib.import_module("botocore.eventstream")
            auth = None if address.key else _Signature(address)
        self._endpoint = Endpoint(address, most_connections=most_connections, auth=auth)

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def check(self) -> None:
        """Ask whether it is there and knows us; raises as `chat` does.

        A model that there is not is asked: that is free, and needs no permission but to answer.
        """
        body = _body([Message(role="user", content="?")]) | {"inferenceConfig": {"maxTokens": 1}}
        try:
            await self._endpoint.post(_path(NO_MODEL), body, most_bytes=1_000)
        except Invalid:
            return

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        model: str,
        max_tokens: int,
        temperature: float = 0.0,
        options: Mapping[str, Any] | None = None,
        tries: Tries | None = None,
    ) -> AsyncGenerator[ChatPiece]:
        """Ask a model; yields its answer piece by piece, and raises, as gateway.chat does."""
        body = _body(messages)
        if told := (options or {}).get("response_format"):
            schema = told["json_schema"] | {"schema": json.dumps(told["json_schema"]["schema"])}
            body["outputConfig"] = {
                "textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}
            }
        stream = partial(self._stream, _path(model), body, tries=tries)
        limits = {"maxTokens": max_tokens, TEMPERATURE: temperature}
        asking = asked(stream, limits, refused=self._endpoint.refused[model])
        reasons: set[str | None] = set()
        async with asking as response:
            async for event in self._events(response):
                reasons.add(reason := reason_of(event.stop_reason))
                yield ChatPiece(
                    text=event.delta.text if event.delta else "",
                    finish_reason=reason,
                    input_tokens=event.usage.input_tokens if event.usage else None,
                    output_tokens=event.usage.output_tokens if event.usage else None,
                )
        check_ended(reasons, name=self._name)

    @asynccontextmanager
    async def _stream(
        self,
        path: str,
        body: Mapping[str, object],
        limits: Mapping[str, object],
        *,
        tries: Tries | None,
    ) -> AsyncIterator[httpx.Response]:
        """Ask, and tell a refusal of what is asked from one that is ours to mend."""
        whole = {**body, "inferenceConfig": limits}
        try:
            async with self._endpoint.stream(path, whole, tries=tries) as response:
                yield response
        except Invalid as error:
            status, words = error.facts.get("status"), error.message
            if status != HTTPStatus.BAD_REQUEST or OF_THE_ASKER.search(words):
                raise
            # 0 is in the range of every model that takes one.
            is_refused = limits.get(TEMPERATURE) == 0 and TEMPERATURE in words
            facts = error.facts | ({"parameter": TEMPERATURE} if is_refused else {})
            raise Unavailable(words, **facts) from error

    async def _events(self, response: httpx.Response) -> AsyncIterator[_Event]:
        arrived = self._eventstream.EventStreamBuffer()
        try:
            async for part in response.aiter_bytes():
                arrived.add_data(part)
                for message in arrived:
                    if message.headers.get(":message-type") != "event":
                        raise self._fault(message)
                    yield _Event.model_validate_json(message.payload)
        # Theirs, and what escapes them: an unknown type of a header, one too short, no text.
        except (self._eventstream.ParserError, LookupError, struct.error, ValueError) as error:
            raise Unavailable(f"{self.address.url} does not stream Bedrock's protocol.") from error

    def _fault(self, message: Any) -> RoadworthyError:  # noqa: ANN401 - of a library without types
        """Say what went wrong after the status, which is 200."""
        told = message.headers
        words = self._endpoint.words(message.payload) or harmless(
            str(told.get(":error-message", "nothing more")), key=self.address.key
        )
        sentence = f"{self._name} broke off and says: {words}."
        match told.get(":exception-type"):
            case "throttlingException":
                return Busy(sentence, status=429)
            case "validationException":
                return Invalid(sentence, status=400)
        return Unavailable(sentence)

    @property
    def _name(self) -> str:
        return f"The model endpoint {self.address.url}"


class _Signature(httpx.Auth):
    """Signs requests for a region by the credentials that botocore finds, and renews.

    Raises:
        Invalid: nothing tells the region.
    """

    def __init__(self, address: EndpointAddress) -> None:
        self._name = f"The model endpoint {address.url}"
        session = importlib.import_module("botocore.session")
        self._signers: Any = importlib.import_module("botocore.auth")
        self._requests: Any = importlib.import_module("botocore.awsrequest")
        self._errors: Any = importlib.import_module("botocore.exceptions")
        self._session: Any = session.Session()
        self._region = self._region_of(address.url)
        self._longest_s = min(LONGEST_LOOKUP_S, OF_THE_TIME * address.timeout_s)
        self._found: Future[Any] | None = None
        self._by = 0.0

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the signature to a request before it is sent."""
        credentials = await self._credentials()
        signed = self._requests.AWSRequest(
            method=request.method, url=str(request.url), data=request.content
        )
        self._signers.SigV4Auth(credentials, SERVICE, self._region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        yield request

    async def _credentials(self) -> Any:  # noqa: ANN401 - of a library without types
        """Find or renew them, in a thread of their own, once for all who ask meanwhile.

        That may read files, start a program or ask a server, and hang: then it holds one thread,
        and nobody longer than its time.
        """
        found = self._found
        if found is None or found.done():
            self._found = found = Future[Any]()
            self._by = time.monotonic() + self._longest_s
            threading.Thread(target=self._look, args=(found,), daemon=True).start()
        await asyncio.wait([asyncio.wrap_future(found)], timeout=self._by - time.monotonic())
        if not found.done():
            log.warning("credentials of AWS are not found in time", seconds=self._longest_s)
        elif credentials := found.result():
            return credentials
        # Ours to mend, like a wrong key: routes go on. Of the endpoint it says nothing.
        raise Unavailable(
            f"{self._name} needs a key, or credentials of AWS where botocore finds them: there are "
            "none, or they cannot be had, as the log says.",
            status=401,
            is_unsent=True,
        )

    def _look(self, found: Future[Any]) -> None:
        credentials = None
        try:
            if known := self._session.get_credentials():
                credentials = known.get_frozen_credentials()
        # botocore lets through what files, programs and servers lead to. Its words may be theirs.
        except Exception as error:  # noqa: BLE001
            log.warning("credentials of AWS cannot be had", error=type(error).__name__)
        found.set_result(credentials)

    def _region_of(self, url: str) -> str:
        if found := REGION.fullmatch(httpx.URL(url).host):
            return found[1]
        try:
            if region := self._session.get_config_variable("region"):
                return region
        except self._errors.BotoCoreError as error:
            raise Invalid(f"{self._name}: {harmless(str(error), key=None)}.") from error
        raise Invalid(
            f"{self._name} does not name its region: give the url as "
            "https://bedrock-runtime.REGION.amazonaws.com, or set the region for AWS "
            "(AWS_DEFAULT_REGION)."
        )


def _path(model: str) -> str:
    return f"/model/{quote(model, safe='')}/converse-stream"  # a name may be an ARN


def _body(messages: Sequence[Message]) -> dict[str, object]:
    system = [{"text": each.content} for each in messages if each.role == "system"]
    turns = [
        {"role": each.role, "content": [{"text": each.content}]}
        for each in messages
        if each.role != "system"
    ]
    return {"messages": turns, **({"system": system} if system else {})}

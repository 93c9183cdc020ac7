"""Chat with models of Amazon Bedrock, by its Converse API; signed and read by botocore (an extra).

Requests go over our own connections: botocore's block, and a thread that waits for the first word
of an answer cannot be told that nobody waits any more.
"""

import asyncio
import importlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field, ValidationError

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable
from roadworthy.gateway.chat import ChatPiece, Message, check_ended, reason_of
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress, Tries, harmless
from roadworthy.gateway.vendors import installed

REGION = re.compile(r"\bbedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.")
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
            auth = None if address.key else _Signature(address.url)
        self._endpoint = Endpoint(address, most_connections=most_connections, auth=auth)

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def check(self) -> None:
        """Ask whether it is there and knows us; raises as `chat` does.

        A model that there is not is asked: that is free, and needs no permission but to answer.
        """
        body = _body([Message(role="user", content="?")], max_tokens=1)
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
        body = _body(messages, max_tokens=max_tokens, temperature=temperature)
        if told := (options or {}).get("response_format"):
            schema = told["json_schema"] | {"schema": json.dumps(told["json_schema"]["schema"])}
            body["outputConfig"] = {
                "textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}
            }
        reasons: set[str | None] = set()
        async with self._endpoint.stream(_path(model), body, tries=tries) as response:
            async for event in self._events(response):
                reasons.add(reason := reason_of(event.stop_reason))
                yield ChatPiece(
                    text=event.delta.text if event.delta else "",
                    finish_reason=reason,
                    input_tokens=event.usage.input_tokens if event.usage else None,
                    output_tokens=event.usage.output_tokens if event.usage else None,
                )
        check_ended(reasons, name=self._name)

    async def _events(self, response: httpx.Response) -> AsyncIterator[_Event]:
        arrived = self._eventstream.EventStreamBuffer()
        try:
            async for part in response.aiter_bytes():
                arrived.add_data(part)
                for message in arrived:
                    if message.headers.get(":message-type") != "event":
                        raise self._fault(message)
                    yield _Event.model_validate_json(message.payload)
        except (self._eventstream.ParserError, ValidationError) as error:
            raise Unavailable(f"{self.address.url} does not stream Bedrock's protocol.") from error

    def _fault(self, message: Any) -> RoadworthyError:  # noqa: ANN401 - of a library without types
        """Say what went wrong after the status, which is 200."""
        told = message.headers
        words = self._endpoint.words(message.payload) or harmless(
            told.get(":error-message", "nothing more"), key=self.address.key
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

    def __init__(self, url: str) -> None:
        self._name = f"The model endpoint {url}"
        session = importlib.import_module("botocore.session")
        self._signers: Any = importlib.import_module("botocore.auth")
        self._requests: Any = importlib.import_module("botocore.awsrequest")
        self._errors: Any = importlib.import_module("botocore.exceptions")
        self._session: Any = session.Session()
        self._region = self._region_of(url)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the signature to a request before it is sent."""
        # In a thread: to find or renew credentials may read files or ask another server.
        request.headers.update(await asyncio.to_thread(self._signed, request))
        yield request

    def _signed(self, request: httpx.Request) -> dict[str, str]:
        try:
            credentials = self._session.get_credentials()
            frozen = credentials.get_frozen_credentials() if credentials else None
        except (self._errors.BotoCoreError, self._errors.ClientError) as error:
            raise self._unknown(str(error)) from error
        if frozen is None:
            raise self._unknown("there are none")
        signed = self._requests.AWSRequest(
            method=request.method, url=str(request.url), data=request.content
        )
        self._signers.SigV4Auth(frozen, SERVICE, self._region).add_auth(signed)
        return dict(signed.headers.items())

    def _unknown(self, words: str) -> Unavailable:
        # Ours to mend, like a wrong key: routes go on, and nobody leaves the endpoint alone.
        return Unavailable(
            f"{self._name} needs a key, or credentials of AWS where botocore finds them; it says: "
            f"{harmless(words, key=None)}.",
            status=401,
        )

    def _region_of(self, url: str) -> str:
        if found := REGION.search(url):
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


def _body(
    messages: Sequence[Message], *, max_tokens: int, temperature: float = 0.0
) -> dict[str, object]:
    system = [{"text": each.content} for each in messages if each.role == "system"]
    turns = [
        {"role": each.role, "content": [{"text": each.content}]}
        for each in messages
        if each.role != "system"
    ]
    limits = {"maxTokens": max_tokens, "temperature": temperature}
    body: dict[str, object] = {"messages": turns, "inferenceConfig": limits}
    return body | ({"system": system} if system else {})

"""Streams and signatures of Amazon Bedrock, for the model server to send and to check.

Source: Amazon's "Event stream encoding" and "Create a signed AWS API request", and the reference of
the Converse API; tests/gateway/test_bedrock.py holds both to botocore's own client.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote
from zlib import crc32

from tests.doubles.model_server import Asked, Behaviour

STRING = b"\x07"  # the type of a header


def said_in_converse(pieces: Sequence[str], *, stop_reason: str = "end_turn") -> list[bytes]:
    """Write a whole stream that says `pieces`."""
    usage = {"inputTokens": 7, "outputTokens": len(pieces), "totalTokens": 7 + len(pieces)}
    return [
        _event("messageStart", role="assistant"),
        *[
            _event("contentBlockDelta", delta={"text": piece}, contentBlockIndex=0, p="abcdef")
            for piece in pieces
        ],
        _event("contentBlockStop", contentBlockIndex=0),
        _event("messageStop", stopReason=stop_reason),
        _event("metadata", usage=usage, metrics={"latencyMs": 1}),
    ]


def thought_in_converse(text: str) -> bytes:
    """Write the event of a thought, which is no text of the answer."""
    return _event(
        "contentBlockDelta", delta={"reasoningContent": {"text": text}}, contentBlockIndex=0
    )


def fault_in_converse(kind: str, message: str = "no") -> bytes:
    """Write the event of a fault that comes after the status, which is 200."""
    return framed(
        {
            ":exception-type": kind,
            ":content-type": "application/json",
            ":message-type": "exception",
        },
        json.dumps({"message": message}).encode(),
    )


def error_in_converse(message: str = "no") -> bytes:
    """Write the event of an error that the service has no name for."""
    told = {":error-code": "InternalFailure", ":error-message": message, ":message-type": "error"}
    return framed(told, b"")


def failing_in_converse(status: int, kind: str, message: str = "no", **headers: str) -> Behaviour:
    """Answer with an error."""
    written = {name.replace("_", "-"): value for name, value in headers.items()}
    return Behaviour(
        status=status,
        body=json.dumps({"message": message}).encode(),
        headers=written | {"x-amzn-errortype": kind},
    )


def framed(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Write one message of an event stream."""
    head = b"".join(
        bytes([len(name)]) + name.encode() + STRING + _length(value.encode(), 2) + value.encode()
        for name, value in headers.items()
    )
    return framed_head(head, payload)


def framed_head(head: bytes, payload: bytes = b"") -> bytes:
    """Write one message, whatever its headers are."""
    prelude = (16 + len(head) + len(payload)).to_bytes(4, "big") + _length(head, 4)
    message = prelude + _sum(prelude) + head + payload
    return message + _sum(message)


def is_signed(asked: Asked, *, secret: str) -> bool:
    """Tell whether a request was signed as it came."""
    told = asked.headers["authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", ")
    fields = dict(each.split("=", 1) for each in told)
    names = fields["SignedHeaders"].split(";")
    path = asked.raw_path.split("?")[0]
    request = [
        *("POST", quote(path, safe="/~"), ""),  # of all services but S3, the path is quoted twice
        *[f"{name}:{asked.headers[name]}" for name in names],
        *("", fields["SignedHeaders"], hashlib.sha256(asked.raw).hexdigest()),
    ]
    scope = fields["Credential"].split("/", 1)[1]
    digest = hashlib.sha256("\n".join(request).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", asked.headers["x-amz-date"], scope, digest])
    key = f"AWS4{secret}".encode()
    for part in [*scope.split("/"), text]:
        key = hmac.new(key, part.encode(), "sha256").digest()
    return hmac.compare_digest(key.hex(), fields["Signature"])


def _event(kind: str, **fields: object) -> bytes:
    headers = {
        ":event-type": kind,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return framed(headers, json.dumps(fields).encode())


def _length(data: bytes, size: int) -> bytes:
    return len(data).to_bytes(size, "big")


def _sum(data: bytes) -> bytes:
    return crc32(data).to_bytes(4, "big")

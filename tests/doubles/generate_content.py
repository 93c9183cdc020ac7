"""Streams in Gemini's protocol, for the model server to send at :streamGenerateContent.

Source: the references of the Gemini API for generating content, and for its errors.
"""

import json
from collections.abc import Sequence

from tests.doubles.model_server import Behaviour, event

STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND"}
STATUS |= {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}


def said_in_contents(pieces: Sequence[str], *, finish_reason: str = "STOP") -> list[bytes]:
    """Write a whole stream that says `pieces`; each tells the tokens so far, the last the end."""
    return [
        event(
            {
                "candidates": [
                    {"content": {"role": "model", "parts": [{"text": piece}]}, "index": 0}
                    | ({"finishReason": finish_reason} if number == len(pieces) else {})
                ],
                "usageMetadata": {
                    "promptTokenCount": 7,
                    "candidatesTokenCount": number,
                    "totalTokenCount": 7 + number,
                },
                "modelVersion": "words",
            }
        )
        for number, piece in enumerate(pieces, start=1)
    ]


def failing_in_contents(status: int, message: str = "no", *, retry_delay: str = "") -> Behaviour:
    """Answer with an error; when to come back stands in its body, and in no header."""
    return Behaviour(status=status, body=_error(status, message, retry_delay=retry_delay))


def fault_in_contents(status: int) -> bytes:
    """Write the event of a fault that comes after the status, which is 200."""
    return b"data: " + _error(status, "no") + b"\n\n"


def _error(status: int, message: str, *, retry_delay: str = "") -> bytes:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_delay}
    told = {"code": status, "message": message, "status": STATUS[status]}
    details = {"details": [info]} if retry_delay else {}
    return json.dumps({"error": told | details}).encode()

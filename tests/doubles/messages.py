"""Streams in Anthropic's protocol, for the model server to send at /v1/messages.

Source: the streaming section of the reference of Anthropic's Messages API.
"""

import json
from collections.abc import Sequence


def said_in_messages(pieces: Sequence[str], *, stop_reason: str = "end_turn") -> list[bytes]:
    """Write a whole stream that says `pieces`."""
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "words",
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 1},
    }
    block = {"type": "text", "text": ""}
    deltas = [{"index": 0, "delta": {"type": "text_delta", "text": piece}} for piece in pieces]
    end = {
        "delta": {"stop_reason": stop_reason, "stop_sequence": None},
        "usage": {"output_tokens": len(pieces)},
    }
    return [
        _event("message_start", message=message),
        _event("content_block_start", index=0, content_block=block),
        *[_event("content_block_delta", **delta) for delta in deltas],
        _event("content_block_stop", index=0),
        _event("message_delta", **end),
        _event("message_stop"),
    ]


def fault_in_messages(kind: str) -> bytes:
    """Write the event of a fault that comes after the status, which is 200."""
    return _event("error", error={"type": kind, "message": "no"})


def _event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | fields)}\n\n".encode()

"""An embedding model that costs nothing, so that what is left is our own work."""

import base64
import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import uvicorn

MODEL, DIMENSION = "stub", 384


@contextmanager
def stub_model() -> Iterator[str]:
    """Serve /v1/models and /v1/embeddings on loopback for a block; yields the base URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(_app, lifespan="off", log_config=None))
    # uvicorn would take the signals of this process, which it may not from another thread.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join()


async def _app(scope, receive, send) -> None:  # noqa: ANN001, ARG001
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    answer = _embedded(json.loads(body)["input"]) if body else {"data": [{"id": MODEL}]}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def _embedded(texts: list[str]) -> dict[str, object]:
    rows = [{"index": number, "embedding": _vector(text)} for number, text in enumerate(texts)]
    return {"object": "list", "data": rows}


def _vector(text: str) -> str:
    drawn = np.frombuffer(hashlib.shake_128(text.encode()).digest(DIMENSION), np.int8)
    vector = drawn.astype("<f4") + 0.5
    return base64.b64encode((vector / np.linalg.norm(vector)).astype("<f4").tobytes()).decode()

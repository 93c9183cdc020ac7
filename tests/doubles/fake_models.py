"""A small real model server on a loopback port: embeddings of words, and chat that can dawdle.

It speaks what the local engine speaks; tests/api/test_models_contract.py holds both to the same.
"""

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Vector = np.ndarray


class FakeModels:
    """One embedding model and one chat model; both can be told to fail."""

    def __init__(self, *, model: str, revision: str, embed: Callable[[str], Vector]) -> None:
        self.url = ""
        self.model = model
        self.revision = revision
        self.is_down = False
        self.words = ["The", " plan", " [1]", "."]  # what the chat model says
        self.pause_s = 0.0  # before each word but the first
        self.breaks_off = False  # ends without saying that it has ended
        self.cut_off = threading.Event()  # a reader left in mid-answer
        self._embed = embed

    def app(self) -> Starlette:
        """Make the ASGI app."""
        return Starlette(
            routes=[
                Route("/v1/models", self._models),
                Route("/v1/embeddings", self._embeddings, methods=["POST"]),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
            ]
        )

    async def _models(self, _request: Request) -> Response:
        model = {"id": self.model, "object": "model", "revision": self.revision}
        return JSONResponse({"object": "list", "data": [model]})

    async def _embeddings(self, request: Request) -> Response:
        if self.is_down:
            return JSONResponse({"error": {"message": "down"}}, 404)
        asked = await request.json()
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        if not texts or asked["model"] != self.model:
            return JSONResponse({"error": {"message": "no such model, or no text"}}, 400)
        data = [
            {"index": i, "embedding": _written(self._embed(text), asked.get("encoding_format"))}
            for i, text in enumerate(texts)
        ]
        return JSONResponse({"object": "list", "data": data, "model": self.model})

    async def _chat(self, _request: Request) -> Response:
        return StreamingResponse(self._said(), media_type="text/event-stream")

    async def _said(self):
        try:
            for number, word in enumerate(self.words):
                await asyncio.sleep(self.pause_s if number else 0)
                yield _event({"choices": [{"delta": {"content": word}}]})
            if self.breaks_off:
                return
            yield _event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
            usage = {"prompt_tokens": 7, "completion_tokens": len(self.words)}
            yield _event({"choices": [], "usage": usage})
            yield "data: [DONE]\n\n"
        except (asyncio.CancelledError, GeneratorExit):
            self.cut_off.set()
            raise


@contextmanager
def running(models: FakeModels) -> Iterator[FakeModels]:
    """Serve it for a block, from a thread of its own."""
    config = uvicorn.Config(
        models.app(), port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        models.url = f"http://127.0.0.1:{port}/v1"
        yield models
    finally:
        server.should_exit = True
        thread.join()


def _written(vector: Vector, encoding: str | None) -> str | list[float]:
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return vector.astype(float).tolist()


def _event(data: object) -> str:
    return f"data: {json.dumps(data)}\n\n"

"""The fake provider's HTTP door: OpenAI's protocol, and what was counted."""

import hashlib
import json
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from roadworthy.core.errors import RoadworthyError
from roadworthy.gateway.fake import wire
from roadworthy.gateway.fake.behaviour import behaviour_of
from roadworthy.gateway.fake.calls import Call, Draws, Stats
from roadworthy.gateway.fake.texts import said
from roadworthy.gateway.protocol import parse, refusal


class _Provider:
    """The routes, and what they remember."""

    def __init__(self) -> None:
        self.stats = Stats()
        self._draws = Draws()

    async def chat(self, request: Request) -> Call:
        body = await request.body()
        asked = parse(wire.ChatRequest, body)
        behaviour = behaviour_of(asked.model)
        tokens, is_cut = said(behaviour, asked.messages[-1].text, most_tokens=asked.most_tokens)
        named = {"is_cut": is_cut, "id_": f"chatcmpl-{hashlib.md5(body).hexdigest()}"}  # noqa: S324
        writing_s = behaviour.writing_s(len(tokens))
        self.stats.chat += 1
        return Call(
            parts=wire.streamed(asked, tokens, **named)
            if asked.stream
            else _halves(wire.whole(asked, tokens, **named)),
            media_type="text/event-stream" if asked.stream else "application/json",
            first_s=behaviour.latency + (0 if asked.stream else writing_s),
            pause_s=1 / behaviour.rate if asked.stream and behaviour.rate else 0,
            wrong=self._draws.draw(behaviour, body),
            stats=self.stats,
        )

    async def embeddings(self, request: Request) -> Call:
        body = await request.body()
        asked = parse(wire.EmbeddingRequest, body)
        behaviour = behaviour_of(asked.model)
        self.stats.embeddings += 1
        return Call(
            parts=_halves(wire.embeddings(asked)),
            media_type="application/json",
            first_s=behaviour.latency,
            pause_s=0,
            wrong=self._draws.draw(behaviour, body),
            stats=self.stats,
        )

    async def told(self, _: Request) -> Response:
        return JSONResponse(asdict(self.stats))

    async def refuse(self, _: Request, error: Exception) -> Response:
        assert isinstance(error, RoadworthyError)
        self.stats.refused += 1
        return refusal(error)


def build_app() -> Starlette:
    """Make a provider that has counted nothing yet."""
    provider = _Provider()
    return Starlette(
        routes=[
            Route("/livez", _live, methods=["GET"]),
            Route("/stats", provider.told, methods=["GET"]),
            Route("/v1/models", _models, methods=["GET"]),
            Route("/v1/embeddings", provider.embeddings, methods=["POST"]),
            Route("/v1/chat/completions", provider.chat, methods=["POST"]),
        ],
        exception_handlers={RoadworthyError: provider.refuse},
    )


async def _live(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _models(_: Request) -> Response:
    return JSONResponse(wire.models())


def _halves(answer: wire.JsonObject) -> list[bytes]:
    """Write an answer in two parts, so that it can be cut between them."""
    body = json.dumps(answer, ensure_ascii=False).encode()
    return [body[: len(body) // 2], body[len(body) // 2 :]]

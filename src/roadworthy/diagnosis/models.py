"""Checks of the models: do they answer, and in the spaces that were stored?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from roadworthy.bootstrap import DatabaseUrls
from roadworthy.core.errors import RoadworthyError
from roadworthy.core.spaces import EmbeddingSpace, SpaceMismatch
from roadworthy.corpus.spaces import list_spaces
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.gateway.embeddings import model_revision
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from roadworthy.gateway.engine.local import EngineAddress
from roadworthy.models import chat_address, embeddings_address, endpoint_of, opened_reranker
from roadworthy.plumbing.settings import Settings
from roadworthy.spaces import open_space

# A question, a text that answers it, and one that does not.
RERANKED = (
    "What is the capital of France?",
    "The capital of France is Paris.",
    "Bread is baked of flour, water and salt.",
)


def check_models(
    settings: Settings, *, urls: DatabaseUrls | None, engine: EngineAddress | None
) -> list[Check]:
    """Check the endpoints, and each stored space by its probes.

    Args:
        urls: None when the database is not fit to be asked for spaces.
    """
    return asyncio.run(_check_models(settings, urls, engine))


def check_reranker(settings: Settings, engine: EngineAddress | None) -> list[Check]:
    """Ask what reranks one question, if there is any; without it, answers are only poorer."""
    return asyncio.run(_check_reranker(settings, engine))


def check_endpoints(settings: Settings) -> list[Check]:
    """Ask each further endpoint whether it is there; without one, routes go on to the next step."""

    async def further() -> list[Check]:
        return [await _further(settings, name) for name in sorted(settings.endpoints)]

    return asyncio.run(further())


async def _check_reranker(settings: Settings, engine: EngineAddress | None) -> list[Check]:
    question, answer, other = RERANKED
    try:
        async with opened_reranker(settings, engine) as reranker:
            if reranker is None:
                return []
            worse, better = await reranker.score(question, [other, answer])
    except RoadworthyError as error:
        mend = "Correct rerank_url, rerank_key or rerank_model; hits are not reranked."
        return [wrong("reranker", error.message, mend)]
    what = settings.rerank_url or "The local engine"
    if better <= worse:
        said = f"{what} puts a text about something else before the answer."
        return [wrong("reranker", said, "Name a model that was made to rerank in rerank_model.")]
    return [fine("reranker", f"{what} reranks.")]


async def _check_models(
    settings: Settings, urls: DatabaseUrls | None, engine: EngineAddress | None
) -> list[Check]:
    try:
        addresses = embeddings_address(settings, engine), chat_address(settings, engine)
    except RoadworthyError as error:
        return [wrong("models", "No local engine runs.", error.message)]
    async with _opened(addresses[0]) as embeddings:
        checks = [await _default(settings, embeddings)]
        if addresses[1].url != addresses[0].url:
            async with _opened(addresses[1]) as chat:
                checks.append(await _answers(chat, "chat", "Correct chat_url or chat_key."))
        if checks[0].ok and urls is not None:
            checks += await _spaces(settings, urls, embeddings)
    return checks


@asynccontextmanager
async def _opened(address: EndpointAddress) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint(address)
    try:
        yield endpoint
    finally:
        await endpoint.close()


async def _default(settings: Settings, endpoint: Endpoint) -> Check:
    model = settings.embeddings_model
    try:
        revision = await model_revision(endpoint, model)
    except RoadworthyError as error:
        return wrong(
            "models",
            error.message,
            "Start `roadworthy up`, or correct embeddings_url, embeddings_key or embeddings_model.",
        )
    return fine("models", f"{endpoint.address.url} serves {model} {revision}".rstrip() + ".")


async def _further(settings: Settings, name: str) -> Check:
    try:
        endpoint = endpoint_of(settings, settings.endpoints[name])
        try:
            is_openai = isinstance(endpoint, Endpoint)
            await (endpoint.get("/models") if is_openai else endpoint.check())
        finally:
            await endpoint.close()
    except RoadworthyError as error:
        mend = f"Correct [endpoints.{name}]; until then routes go on to their next step."
        return wrong(f"endpoint {name}", error.message, mend)
    return fine(f"endpoint {name}", "It answers.")


async def _answers(endpoint: Endpoint, name: str, mend: str) -> Check:
    try:
        await endpoint.get("/models")
    except RoadworthyError as error:
        return wrong(name, error.message, mend)
    return fine(name, f"{endpoint.address.url} answers.")


async def _spaces(settings: Settings, urls: DatabaseUrls, endpoint: Endpoint) -> list[Check]:
    async with await psycopg.AsyncConnection.connect(urls.worker, connect_timeout=5) as conn:
        spaces = await list_spaces(conn)
    if not spaces:
        return [fine("spaces", "There is no embedding space yet; the first start makes one.")]
    return [await _space(settings, space, endpoint) for space in spaces]


async def _space(settings: Settings, space: EmbeddingSpace, endpoint: Endpoint) -> Check:
    name = f"space {space.name}"
    try:
        await (await open_space(settings, endpoint, space)).check()
    except SpaceMismatch as error:
        setting = error.facts.get("setting")
        return wrong(name, error.message, f"Restore what the setting {setting} stood for.")
    except RoadworthyError as error:
        return wrong(name, error.message, "Serve that model again at embeddings_url.")
    return fine(name, f"Its {len(space.probe_texts)} probes come out as they were stored.")

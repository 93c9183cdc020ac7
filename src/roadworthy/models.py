"""The models that an installation asks, opened from Settings: in the local engine or elsewhere."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from roadworthy.core.errors import Invalid
from roadworthy.gateway.bedrock import Bedrock
from roadworthy.gateway.classifying import LONGEST_BACKGROUND_S, Classifier
from roadworthy.gateway.classifying import LONGEST_S as LONGEST_SCORING_S
from roadworthy.gateway.embeddings import MOST_CONNECTIONS
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from roadworthy.gateway.engine.catalogue import E5_SMALL, SMOLLM2
from roadworthy.gateway.engine.local import EngineAddress
from roadworthy.gateway.lanes import JSON_SCHEMA, LOGPROBS, Lane, Limits
from roadworthy.gateway.reranking import Reranker
from roadworthy.gateway.vendors import Vendor
from roadworthy.plumbing.endpoint_settings import CHAT, EndpointSettings
from roadworthy.plumbing.settings import Settings

# What our own engine can is known; of another server at chat_url nothing is.
OF_ENGINE = Limits(
    context_tokens=SMOLLM2.context_tokens,
    is_cut_at_context=True,
    capabilities=frozenset({JSON_SCHEMA, LOGPROBS}),
)
LONGEST_LOOK_S = 1.0  # of each of its two calls; they take some 120 and 50 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What asks the models; None: there is none here."""

    embeddings: Endpoint
    lanes: dict[str, Lane]  # to those that write, by name
    reranker: Reranker | None
    matcher: Reranker | None  # holds a question against passages token by token
    reader: Classifier | None  # reads a question together with a passage
    classifier: Classifier | None
    background_classifier: Classifier | None  # for what nobody waits for


@asynccontextmanager
async def opened_models(settings: Settings, engine: EngineAddress | None) -> AsyncIterator[Models]:
    """Open what asks them, for a block.

    Raises:
        Invalid: there is none for embeddings or for chat, or one cannot be used as it is set.
    """
    async with contextlib.AsyncExitStack() as stack:
        embeddings = Endpoint(
            embeddings_address(settings, engine), most_connections=MOST_CONNECTIONS
        )
        stack.push_async_callback(embeddings.close)
        matching, scoring, ahead = [
            await stack.enter_async_context(_asking_engine(settings, engine, longest_s=longest_s))
            for longest_s in (LONGEST_LOOK_S, LONGEST_SCORING_S, LONGEST_BACKGROUND_S)
        ]
        yield Models(
            embeddings=embeddings,
            lanes=await stack.enter_async_context(opened_lanes(settings, engine)),
            reranker=await stack.enter_async_context(opened_reranker(settings, engine)),
            matcher=matching and Reranker(matching, model=E5_SMALL.name),
            reader=matching and Classifier(matching),
            classifier=scoring and Classifier(scoring),
            # Of its own: what it meets keeps no question from being looked at.
            background_classifier=ahead and Classifier(ahead, is_background=True),
        )


def embeddings_address(settings: Settings, engine: EngineAddress | None) -> EndpointAddress:
    """Tell where embeddings are made: at embeddings_url, else in the local engine.

    Raises:
        Invalid: there is neither.
    """
    if not settings.embeddings_url:
        return _in_engine(settings, engine, instead="embeddings_url")
    return EndpointAddress(
        url=settings.embeddings_url,
        key=settings.embeddings_key.get_secret_value() if settings.embeddings_key else None,
        timeout_s=settings.model_timeout_s,
    )


def chat_address(settings: Settings, engine: EngineAddress | None) -> EndpointAddress:
    """Tell where chat is answered: at chat_url, else in the local engine; raises as above."""
    if not settings.chat_url:
        return _in_engine(settings, engine, instead="chat_url")
    return EndpointAddress(
        url=settings.chat_url,
        key=settings.chat_key.get_secret_value() if settings.chat_key else None,
        timeout_s=settings.model_timeout_s,
    )


@asynccontextmanager
async def opened_lanes(
    settings: Settings, engine: EngineAddress | None
) -> AsyncIterator[dict[str, Lane]]:
    """Open every endpoint that a release may ask, for a block; by name.

    Raises:
        Invalid: there is no endpoint for chat, or one cannot be used as it is set.
    """
    limits = Limits() if settings.chat_url else OF_ENGINE
    async with contextlib.AsyncExitStack() as stack:
        lanes = {CHAT: Lane(CHAT, Endpoint(chat_address(settings, engine)), limits=limits)}
        stack.push_async_callback(lanes[CHAT].endpoint.close)
        for name, told in settings.endpoints.items():
            lanes[name] = Lane(name, endpoint_of(settings, told), limits=_limits(told))
            stack.push_async_callback(lanes[name].endpoint.close)
        yield lanes


def endpoint_of(settings: Settings, told: EndpointSettings) -> Endpoint | Vendor | Bedrock:
    """Build what asks a further endpoint.

    Raises:
        Invalid: its key cannot be sent, a library for it is not installed, or nothing tells the
            region of a Bedrock.
    """
    address = EndpointAddress(
        url=told.url,
        key=told.key.get_secret_value() if told.key else None,
        timeout_s=told.timeout_s or settings.model_timeout_s,
    )
    if told.kind == "bedrock":
        return Bedrock(address, most_connections=told.most_concurrent)
    if told.kind != "openai":
        return Vendor(told.kind, address)
    return Endpoint(address, most_connections=told.most_concurrent)


def _limits(told: EndpointSettings) -> Limits:
    return Limits(
        most_concurrent=told.most_concurrent,
        requests_per_minute=told.requests_per_minute,
        wait_s=told.wait_s,
        context_tokens=told.context_tokens,
        capabilities=frozenset(told.capabilities),
    )


@asynccontextmanager
async def opened_reranker(
    settings: Settings, engine: EngineAddress | None = None
) -> AsyncIterator[Reranker | None]:
    """Open what reranks, for a block: at rerank_url, or the engine by its own model.

    None: there is none.

    Raises:
        Invalid: rerank_model is none of the engine's, and no rerank_url says where it is.
    """
    if settings.rerank_url:
        key = settings.rerank_key.get_secret_value() if settings.rerank_key else None
        address = EndpointAddress(
            url=settings.rerank_url, key=key, timeout_s=settings.model_timeout_s
        )
        model = settings.rerank_model
    elif not settings.rerank_model:
        yield None
        return
    elif settings.rerank_model == E5_SMALL.name:
        address, model = _in_engine(settings, engine, instead="rerank_url"), E5_SMALL.name
    else:
        raise Invalid(
            f"rerank_model is {settings.rerank_model!r}; say in rerank_url where it is asked, or "
            f"name {E5_SMALL.name}, by which the local engine reranks."
        )
    endpoint = Endpoint(address, tries=1)  # who waits has some milliseconds, and does without
    try:
        yield Reranker(endpoint, model=model)
    finally:
        await endpoint.close()


@asynccontextmanager
async def _asking_engine(
    settings: Settings, engine: EngineAddress | None, *, longest_s: float
) -> AsyncIterator[Endpoint | None]:
    """Open what asks the engine where nothing hangs on it; None: no engine runs here."""
    if engine is None:
        yield None
        return
    address = EndpointAddress(
        url=engine.url, key=engine.token, timeout_s=min(longest_s, settings.model_timeout_s)
    )
    # Who waits goes on without it; a connection that had just ended is worth a second try.
    endpoint = Endpoint(address, most_connections=MOST_CONNECTIONS, tries=2)
    try:
        yield endpoint
    finally:
        await endpoint.close()


def _in_engine(
    settings: Settings, engine: EngineAddress | None, *, instead: str
) -> EndpointAddress:
    if engine is None:
        raise Invalid(
            f"There is no local engine running: set {instead}, or start one by `roadworthy up`."
        )
    return EndpointAddress(url=engine.url, key=engine.token, timeout_s=settings.model_timeout_s)

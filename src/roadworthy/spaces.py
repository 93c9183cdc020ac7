"""The embedding spaces of this installation: made, opened, and followed as more come to be."""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import structlog

from roadworthy.core.errors import RoadworthyError, Unavailable
from roadworthy.core.spaces import PROBE_TEXTS, EmbeddingSpace, SpaceDeclaration, SpaceMismatch
from roadworthy.corpus.spaces import ensure_space, list_spaces
from roadworthy.gateway.embeddings import SpaceEmbedder, embed, model_revision
from roadworthy.gateway.endpoint import Endpoint
from roadworthy.gateway.engine.catalogue import EMBEDDING_MODELS
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.settings import Settings

SHIPPED_AFTER_S = 20.0
LOOK_EVERY_S = 5.0  # for spaces that another process made
LONGEST_CHECK_S = 20.0  # of a space: a start does not wait for an endpoint that hangs
LANGUAGES = {"minilm": ("en",)}  # of shipped models; all others: any

log = structlog.get_logger(__name__)


def declare_space(
    settings: Settings, *, model: str, revision: str, dimension: int
) -> SpaceDeclaration:
    """Say how a model embeds, by what we ship or by the settings."""
    query_prefix = passage_prefix = ""
    if model == settings.embeddings_model:
        query_prefix = settings.embeddings_query_prefix
        passage_prefix = settings.embeddings_passage_prefix
    shipped = EMBEDDING_MODELS.get(model)
    if shipped and not (query_prefix or passage_prefix):
        query_prefix, passage_prefix = shipped.query_prefix, shipped.passage_prefix
    return SpaceDeclaration(
        name=model,
        model=model,
        revision=revision,
        dimension=dimension,
        normalised=True,
        query_prefix=query_prefix,
        passage_prefix=passage_prefix,
        languages=LANGUAGES.get(model, ()),
    )


async def open_space(
    settings: Settings, endpoint: Endpoint, space: EmbeddingSpace
) -> SpaceEmbedder:
    """Open a stored space, unless the settings or the endpoint declare another one by its name.

    The prefixes of the settings are those of `embeddings_model`; a space of another model keeps
    those that it was made with. Whether vectors have length 1 is for the probes to say.

    Raises:
        SpaceMismatch: they do.
        Unavailable: the endpoint is down, or has no such model.
    """
    revision = await model_revision(endpoint, space.model)
    return _embedder(settings, endpoint, space, revision=revision)


def _embedder(
    settings: Settings, endpoint: Endpoint, space: EmbeddingSpace, *, revision: str
) -> SpaceEmbedder:
    declared = declare_space(
        settings, model=space.model, revision=revision, dimension=space.dimension
    )
    declared = replace(declared, normalised=space.normalised)
    if space.model != settings.embeddings_model and space.model not in EMBEDDING_MODELS:
        declared = replace(
            declared, query_prefix=space.query_prefix, passage_prefix=space.passage_prefix
        )
    return SpaceEmbedder(endpoint, space=space, declared=declared)


async def open_spaces(
    settings: Settings, database: Database, endpoint: Endpoint
) -> tuple[dict[str, SpaceEmbedder], dict[str, str]]:
    """Open every stored space, and make that of the settings if there is none.

    An outage keeps nobody from starting: a stored default space is served, by words alone until
    its model is back. It is named in both, until `follow_spaces` has asked for its revision.

    Returns:
        The embedders, and what was wrong with spaces; both by the name of the space.

    Raises:
        Unavailable: the database is down, or the default space is to be made and the endpoint does
            not serve its model.
    """
    await ensure_model_space(settings, database, endpoint, model=settings.embeddings_model)
    async with database.as_worker() as conn:
        spaces = await list_spaces(conn)
    served: dict[str, SpaceEmbedder] = {}
    refused: dict[str, str] = {}
    for space in spaces:
        try:
            unasked = _embedder(settings, endpoint, space, revision=space.revision)
        except SpaceMismatch as error:
            refused[space.name] = error.message
            continue
        try:
            served[space.name] = await _checked(settings, endpoint, space)
        except Unavailable as error:
            refused[space.name] = error.message
            is_outage = not isinstance(error, SpaceMismatch)
            if is_outage and space.name == settings.embeddings_model:
                # Another model than that of the space would not get past its probes.
                served[space.name] = unasked
                log.warning("questions are searched by words alone", problem=error.message)
    return served, refused


async def _checked(settings: Settings, endpoint: Endpoint, space: EmbeddingSpace) -> SpaceEmbedder:
    try:
        async with asyncio.timeout(LONGEST_CHECK_S):
            embedder = await open_space(settings, endpoint, space)
            # A revision of the local engine is a hash of the weights. To open a model that nobody
            # may ask for would cost each start its memory; its first use checks it.
            if space.name == settings.embeddings_model or settings.embeddings_url:
                await embedder.check()
    except TimeoutError:
        raise Unavailable(
            f"{endpoint.address.url} did not show within {LONGEST_CHECK_S:g} s that it has the "
            f"model {space.model!r}."
        ) from None
    return embedder


async def ensure_model_space(
    settings: Settings,
    database: Database,
    endpoint: Endpoint,
    *,
    model: str,
    prefixes: tuple[str, str] | None = None,
    languages: Sequence[str] = (),
) -> EmbeddingSpace:
    """Find the space of a model, or make it with the probes that the model gives now.

    Args:
        prefixes: of a question and of a passage; None: those of the settings, or as shipped.
        languages: the only ones that the model knows; none: any, or as shipped.

    Raises:
        Unavailable: the endpoint is down, or has no such model.
    """
    async with database.as_worker() as conn:
        for space in await list_spaces(conn):
            if space.name == model:
                return space
    revision = await model_revision(endpoint, model)
    declared = declare_space(settings, model=model, revision=revision, dimension=1)
    if prefixes is not None:
        declared = replace(declared, query_prefix=prefixes[0], passage_prefix=prefixes[1])
    probes = [declared.passage_prefix + text for text in PROBE_TEXTS]
    vectors = await embed(endpoint, probes, model=model)
    declared = replace(
        declared,
        dimension=vectors.shape[1],
        normalised=bool(np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-2)),
        languages=tuple(languages) or declared.languages,
    )
    async with database.as_worker() as conn:
        return await ensure_space(conn, declared, probe_vectors=vectors)


async def follow_spaces(
    settings: Settings,
    database: Database,
    endpoint: Endpoint,
    *,
    embedders: dict[str, SpaceEmbedder],
    refused: dict[str, str],
) -> None:
    """Serve the spaces that come to be while we run, and make those that are shipped; no end.

    They are made when a new installation has settled: a first start has better things to do.
    What fails is tried again, unless another model is behind the space.

    Args:
        embedders: by name of the space; they are added here, or taken out.
        refused: what is wrong with spaces that are not served or were not checked; kept up to date.
    """
    shipped_at = time.monotonic() + SHIPPED_AFTER_S
    mismatched: set[str] = set()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if time.monotonic() > shipped_at and not settings.embeddings_url:
            for model in EMBEDDING_MODELS.keys() - embedders.keys() - refused.keys():
                with _logged():
                    await ensure_model_space(settings, database, endpoint, model=model)
        known: list[EmbeddingSpace] = []
        with _logged():
            async with database.as_worker() as conn:
                known = await list_spaces(conn)
        for space in known:
            is_well = space.name in embedders and space.name not in refused
            if is_well or space.name in mismatched:
                continue
            with _logged():  # one that fails keeps no other waiting
                try:
                    embedders[space.name] = await _checked(settings, endpoint, space)
                    refused.pop(space.name, None)
                except RoadworthyError as error:
                    refused[space.name] = error.message
                    if isinstance(error, SpaceMismatch):
                        mismatched.add(space.name)
                        embedders.pop(space.name, None)
                    raise


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    try:
        yield
    except RoadworthyError as error:
        log.warning("a space is not served, or not checked", problem=error.message)

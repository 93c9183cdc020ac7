"""GET /v1/corpora: the corpora of the tenant, and how each is searched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import TypeAdapter

from roadworthy.api.bodies import json_response
from roadworthy.api.openapi import problems
from roadworthy.api.visits import Visit
from roadworthy.corpus.documents import Corpus, list_corpora
from roadworthy.corpus.routing import EVERY
from roadworthy.corpus.spaces import list_spaces
from roadworthy.retrieval.visible import visible_languages

router = APIRouter(tags=["documents"])


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteView:
    """Where passages of a language are searched; the last route is *, of every other language."""

    language: str
    space: str  # the name of an embedding space
    text_search: str  # whose rules make the terms: auto (each language's own), und, a language


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusView:
    """A corpus, how it is searched, and the languages of what the key's holder may read of it."""

    name: str
    routes: Sequence[RouteView]
    languages: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpora:
    """All corpora of a tenant, oldest first."""

    data: Sequence[CorpusView]


CORPORA = TypeAdapter(Corpora)


@router.get("/v1/corpora", response_model=Corpora, responses=problems())
async def list_all_corpora(visit: Visit) -> Response:
    """List the corpora, and in which space each language is searched."""
    principal = visit.principal
    tenant_id = principal.tenant_id
    async with visit.services.database.read_as(principal) as conn:
        names = {space.id: space.name for space in await list_spaces(conn)}
        views = [
            _view(
                corpus,
                names,
                languages=await visible_languages(conn, tenant_id=tenant_id, corpus_id=corpus.id),
            )
            for corpus in await list_corpora(conn, tenant_id=tenant_id)
        ]
    return json_response(CORPORA, Corpora(data=views))


def _view(corpus: Corpus, names: Mapping[int, str], *, languages: Sequence[str]) -> CorpusView:
    routing = corpus.routing
    routes = [
        RouteView(language=r.language, space=names[r.space_id], text_search=r.text_search)
        for r in routing.routes
    ]
    every = RouteView(
        language=EVERY, space=names[routing.space_id], text_search=routing.text_search
    )
    return CorpusView(name=corpus.name, routes=[*routes, every], languages=languages)

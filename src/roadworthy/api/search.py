"""POST /v1/search: the passages themselves."""

from typing import Annotated

from fastapi import APIRouter
from fastapi import Body as FromBody
from fastapi.responses import Response
from pydantic import Field, TypeAdapter
from starlette.requests import Request

from roadworthy.answering.searching import SearchResult, Sought
from roadworthy.api.bodies import (
    Body,
    FilterBody,
    Language,
    Name,
    Question,
    Whole,
    filter_of,
    json_response,
)
from roadworthy.api.openapi import problems
from roadworthy.api.streams import unless_gone
from roadworthy.api.visits import Visit
from roadworthy.retrieval.search import MOST_HITS

router = APIRouter(tags=["search"])
RESULT = TypeAdapter(SearchResult)


class SearchBody(Body):
    """What is searched for."""

    question: Question
    limit: Whole = Field(default=10, ge=1, le=MOST_HITS)
    release: Name | None = Field(default=None, description="Left out: the live release.")
    language: Language | None = None
    filter: FilterBody | None = None


@router.post("/v1/search", response_model=SearchResult, responses=problems(400, 404, 413, 422, 429))
async def search(
    request: Request, visit: Visit, body: Annotated[SearchBody, FromBody()]
) -> Response:
    """Find the passages that fit best among those that the key's holder may read."""
    sought = Sought(
        question=body.question,
        surface="search",
        limit=body.limit,
        release=body.release,
        language=body.language,
        key_id=visit.key_id,
        among=filter_of(body.filter),
    )
    searching = visit.services.searching.search(visit.principal, sought)
    result = await unless_gone(request.receive, searching)
    visit.metrics.count_degraded(result.degraded)
    return json_response(RESULT, result)

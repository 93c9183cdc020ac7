"""What may be sent: the shapes of requests that several routes share."""

import re
from datetime import date
from typing import Annotated, TypeVar

from fastapi.responses import Response
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

from roadworthy.corpus.accepting import MOST_METADATA
from roadworthy.corpus.documents import LONGEST_NAME
from roadworthy.corpus.media_types import check_media_type
from roadworthy.corpus.routing import check_language
from roadworthy.retrieval.filters import LONGEST_WORDS, Filter
from roadworthy.retrieval.search import LONGEST_QUESTION

T = TypeVar("T")


def _whole(value: object) -> object:
    # 3.0 is an integer in JSON Schema, and to some writers of JSON the only one that they have.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _few(value: object) -> object:
    if isinstance(value, dict) and len(value) > MOST_METADATA:
        raise ValueError(f"at most {MOST_METADATA} fields may be given")
    return value


def _day(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("write a day such as 2024-01-31")
    return value


MOST_UNKNOWN = 20  # fields that are named one by one
# PostgreSQL cannot hold a NUL character.
CLEAN = r"^[^\x00]*$"
Question = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_QUESTION, pattern=CLEAN, description="What is asked."),
]
Turn = Annotated[str, Field(max_length=200_000, pattern=CLEAN)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=CLEAN)]
Long = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=CLEAN)]
Person = Annotated[str, Field(min_length=1, max_length=194, pattern=CLEAN)]
Address = Annotated[str, Field(min_length=1, max_length=2000, pattern=CLEAN)]
Language = Annotated[
    str,
    Field(
        min_length=2,
        max_length=40,
        pattern=r"^[A-Za-z]{2,3}([-_.@][A-Za-z0-9-_.@]*)?$",
        description="ISO 639-1 or a locale, such as fr or fr-CA. Left out: it is detected.",
    ),
]
Seconds = Annotated[
    float,
    Field(
        gt=0, le=3600, description="The longest that is waited. Left out: as the server limits it."
    ),
]
Whole = Annotated[int, BeforeValidator(_whole)]
Clearance = Annotated[Whole, Field(ge=0, le=1000)]
Day = Annotated[date, Strict(strict=False), BeforeValidator(_day), Field(examples=["2024-01-31"])]
Words = Annotated[str, Field(min_length=1, max_length=LONGEST_WORDS, pattern=CLEAN)]
# Integers as every JSON reader can hold them.
Scalar = (
    Annotated[str, StringConstraints(max_length=2000, pattern=CLEAN)]
    | bool
    | Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]
    | Annotated[float, Field(allow_inf_nan=False)]
)
Metadata = Annotated[dict[Name, Scalar], BeforeValidator(_few), Field(max_length=MOST_METADATA)]


class Body(BaseModel):
    """A request body. A field that is not declared is refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _name_few(cls, value: object) -> object:
        """Refuse many unknown fields as one: to name each of 100,000 takes half a second."""
        if isinstance(value, dict) and len(value) > len(cls.model_fields) + MOST_UNKNOWN:
            raise ValueError(f"it has {len(value)} fields, of which most are unknown")
        return value


class FilterBody(Body):
    """Which documents to look in. Every condition that is given must hold."""

    metadata: Metadata | None = Field(
        default=None, description="What was told of the documents; a number is as its digits."
    )
    language: Name | None = Field(
        default=None, description="ISO 639-1 or a locale, such as fr or fr-CA."
    )
    media_type: Name | None = Field(
        default=None, description="An ending such as pdf, or a media type such as text/html."
    )
    name: Long | None = Field(
        default=None, description="The beginning of the document's name, such as a folder."
    )
    after: Day | None = Field(
        default=None,
        description="Documents of that day (UTC) or later: as the file says, changed before made; "
        "of one that says none, when it last changed here.",
    )
    before: Day | None = Field(default=None, description="Documents from before that day (UTC).")
    title: Words | None = Field(
        default=None,
        description="Words that stand in the title in a row, whatever their case and accents.",
    )
    author: Words | None = Field(
        default=None, description="Words that stand in a row in the name of an author."
    )


def filter_of(body: FilterBody | None) -> Filter:
    """Read a filter, as it is read where it is typed; none given lets every document pass.

    Raises:
        Invalid: there is no such language or type.
    """
    if body is None:
        return Filter()
    return Filter(
        metadata=body.metadata,
        language=body.language and check_language(body.language),
        media_type=body.media_type and check_media_type(body.media_type),
        name=body.name,
        after=body.after,
        before=body.before,
        title=(body.title,) if body.title else (),
        author=(body.author,) if body.author else (),
    )


def json_response(adapter: TypeAdapter[T], value: T, *, status: int = 200) -> Response:
    """Write a record of ours, which needs no validation, in one pass."""
    return Response(adapter.dump_json(value), status, media_type="application/json")

"""A page of a list, and where the next one begins."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Query

Item = TypeVar("Item")

MOST_ITEMS = 200
Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="The most items of one page.")]
Cursor = Annotated[uuid.UUID | None, Query(description="`next` of the page before.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """Some items of a list, in its order."""

    data: Sequence[Item]
    next: uuid.UUID | None  # None: these were the last

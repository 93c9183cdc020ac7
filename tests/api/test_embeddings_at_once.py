"""Thousands of vectors are written as one is, and keep nobody waiting."""

import json

import numpy as np
import pytest

from roadworthy.api.embeddings import EMBEDDINGS, WRITTEN_AT_ONCE, response_of
from tests.pace import lets_others_in

pytestmark = pytest.mark.anyio
VECTORS = np.linspace(0, 1, (WRITTEN_AT_ONCE + 3) * 2, dtype=np.float32).reshape(-1, 2)


@pytest.mark.parametrize("count", [1, WRITTEN_AT_ONCE, WRITTEN_AT_ONCE + 3])
async def test_each_vector_stands_in_its_place(count):
    response = await response_of(VECTORS[:count], model="[]", encoding="float")
    read = EMBEDDINGS.validate_json(response.body)
    assert read.model == "[]"
    assert [each.index for each in read.data] == list(range(count))
    assert [each.embedding for each in read.data] == VECTORS[:count].tolist()
    assert EMBEDDINGS.dump_json(read) == response.body


async def test_others_have_their_turns_in_between():
    assert await lets_others_in(response_of(VECTORS, model="m", encoding="base64"))


async def test_they_are_in_the_order_of_the_protocol():
    response = await response_of(VECTORS[:1], model="m", encoding="base64")
    assert list(json.loads(response.body)) == ["data", "model", "usage", "object"]

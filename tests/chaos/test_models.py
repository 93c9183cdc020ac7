"""Models are killed and hang under load: the outcome is the one that was told.

Nobody waits beyond the limit of an answer, no trace is lost, and all comes back by itself.
"""

import pytest

from tests.chaos.faults import broken, no_trace_is_lost, seen, under_load

pytestmark = pytest.mark.anyio

# What is down: what answers and searches say meanwhile.
DOWN = {
    "embeddings": ({("answered", ("embeddings",))}, {("found", ("embeddings",))}),
    "reranker": ({("answered", ("reranking",))}, {("found", ("reranking",))}),
    "classifier": ({("answered", ("injection guard", "passages guard"))}, {("found", ())}),
    "chat": ({("answered", ())}, {("found", ())}),
    "chat+spare": ({("unavailable", ())}, {("found", ())}),
}


@pytest.mark.parametrize("fault", ["cut", "hung"])
@pytest.mark.parametrize("down", DOWN)
async def test_the_outcome_is_the_tables(crowd, wires, traced, down, fault):
    told = await under_load(crowd, broken(wires, down, fault))
    answers, searches = DOWN[down]
    assert seen(told, "answer", "stream") == answers
    assert seen(told, "search") == searches
    await no_trace_is_lost(crowd, traced)

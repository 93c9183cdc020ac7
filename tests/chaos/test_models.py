"""Models are killed and hang under load: the outcome is the one that was told.

Nobody waits beyond the limit of an answer, no trace is lost, and all comes back by itself.
"""

import pytest

from tests.chaos.faults import broken, no_trace_is_lost, seen, under_load

pytestmark = pytest.mark.anyio

# What is down, and the release that is asked: what answers and searches say meanwhile.
DOWN = {
    ("embeddings", "routed"): (("answered", ("embeddings",)), ("found", ("embeddings",))),
    ("reranker", "routed"): (("answered", ("reranking",)), ("found", ("reranking",))),
    ("engine", "routed"): (("answered", ("injection guard", "passages guard")), ("found", ())),
    ("engine", "judged"): (("answered", ("relevance",)), ("found", ())),
    ("engine", "closed"): (("blocked", ()), ("found", ())),
    ("chat", "routed"): (("answered", ()), ("found", ())),
    ("chat+spare", "routed"): (("unavailable", ()), ("found", ())),
}


@pytest.mark.parametrize("fault", ["cut", "hung"])
@pytest.mark.parametrize(("down", "release"), DOWN)
async def test_the_outcome_is_the_tables(crowd, wires, traced, down, release, fault):
    crowd.release = release
    told = await under_load(crowd, broken(wires, down, fault))
    answers, searches = DOWN[down, release]
    assert seen(told, "answer", "stream") == {answers}
    assert seen(told, "search") == {searches}
    await no_trace_is_lost(crowd, traced)

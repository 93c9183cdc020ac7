"""No length of a question keeps it from being judged."""

import numpy as np
import pytest

from roadworthy.gateway.classifying import Classifier
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from roadworthy.guardrails import looking
from roadworthy.guardrails.questions import Question, screen_question
from roadworthy.releases import Guards, JudgedGuard
from roadworthy.retrieval.search import LONGEST_QUESTION

pytestmark = pytest.mark.anyio
LONGEST_S = 10.0  # more than in earnest: other tests may run beside it


@pytest.fixture
async def classifier(engine):
    address = EndpointAddress(url=f"{engine.url}/v1", key=engine.token, timeout_s=LONGEST_S)
    endpoint = Endpoint(address)
    made = Classifier(endpoint)
    await made.score("injection", ["opened"])
    yield made
    await endpoint.close()


async def test_a_question_that_takes_too_long_to_read_is_blocked_and_has_not_failed(
    classifier, monkeypatch
):
    monkeypatch.setattr(looking, "LONGEST_S", LONGEST_S)
    signs = "".join(np.random.default_rng(1).choice(list("😀😎🤖👍🏽🧨𝔸𝕏"), LONGEST_QUESTION))
    question = Question(text=signs, turn=signs, asked=signs, said=[signs])
    guards = Guards(injection=JudgedGuard(on_failure="open", threshold=1.0))
    [_, verdict] = await screen_question(question, guards, classifier=classifier)
    assert (verdict.status, verdict.outcome, verdict.reason) == ("checked", "blocked", "unreadable")

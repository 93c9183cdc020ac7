"""What nobody waits for goes last, whatever its size, and what can be done without before that."""

from types import SimpleNamespace

import httpx
import numpy as np
import pytest

from roadworthy.gateway.engine.app import Parts, build_app
from roadworthy.gateway.engine.classifier import Scored
from roadworthy.gateway.engine.embedder import Embedded
from roadworthy.gateway.engine.line import SHORT_CHARACTERS, Line, Turn

pytestmark = pytest.mark.anyio


class Classifier:
    thresholds = dict.fromkeys(("injection", "grounding", "answered"), 0.5)

    def scorer(self, head):
        return lambda texts: Scored(score=0.1, is_truncated=False)


class Matcher:
    def read(self, text):
        return text

    def score(self, asked, passage):
        return 0.1


class Embedder:
    def embed(self, text):
        return Embedded(vector=np.ones(2, np.float32), tokens=1, is_truncated=False)


class ToldLine(Line):
    def __init__(self):
        super().__init__(threads=1)
        self.told = set()

    def submit(self, work, texts, turn):
        self.told.add(turn)
        return super().submit(work, texts, turn)


INPUT, PAIRS = {"input": ["a"]}, {"pairs": [["a", "b"]]}


async def told_line(path, asked, **headers):
    """Ask the engine; give the turns that its line was told."""
    line = ToldLine()
    shelf = SimpleNamespace(
        classifier=lambda _: Classifier(),
        matcher=lambda _: Matcher(),
        embedder=lambda _: Embedder(),
    )
    app = build_app(Parts(token="t", shelf=shelf, line=line, chat=None))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://engine"
    ) as client:
        headers |= {"authorization": "Bearer t"}
        answer = await client.post(f"/v1/{path}", json=asked, headers=headers)
    line.close(timeout_s=2)
    assert answer.status_code == 200
    return line.told


@pytest.mark.parametrize(
    ("path", "asked", "turn"),
    [
        ("embeddings", {"model": "e5-small", **INPUT}, Turn.SHORT),
        ("embeddings", {"model": "e5-small", "input": ["a" * SHORT_CHARACTERS, "b"]}, Turn.LONG),
        ("classify", {"model": "injection", **INPUT}, Turn.SHORT),
        ("classify", {"model": "injection", "input": ["a" * SHORT_CHARACTERS, "b"]}, Turn.LONG),
        ("classify", {"model": "injection", "background": True, **INPUT}, Turn.LONG),
        ("classify", {"model": "grounding", **PAIRS}, Turn.SHORT),
        ("classify", {"model": "answered", **PAIRS}, Turn.OPTIONAL),
        ("rerank", {"model": "e5-small", "query": "a", "documents": ["b"]}, Turn.OPTIONAL),
    ],
)
async def test_the_line_is_told_whose_turn_it_is(path, asked, turn):
    assert await told_line(path, asked) == {turn}


@pytest.mark.parametrize(
    ("priority", "turn"), [("u=7", Turn.LONG), ("u=3", Turn.SHORT), ("", Turn.SHORT)]
)
async def test_few_texts_go_last_where_their_sender_says_so(priority, turn):
    asked = {"model": "e5-small", **INPUT}
    assert await told_line("embeddings", asked, priority=priority) == {turn}

"""What nobody waits for goes last, whatever its size."""

from types import SimpleNamespace

import httpx
import pytest

from roadworthy.gateway.engine.app import Parts, build_app
from roadworthy.gateway.engine.classifier import Scored
from roadworthy.gateway.engine.line import Line

pytestmark = pytest.mark.anyio


class Classifier:
    thresholds = {"injection": 0.5}  # noqa: RUF012

    def scorer(self, head):
        return lambda texts: Scored(score=0.1, is_truncated=False)


class ToldLine(Line):
    told: bool | None = None

    def submit(self, work, texts, **how):
        self.told = how["is_background"]
        return super().submit(work, texts, **how)


@pytest.mark.parametrize("is_background", [True, False])
async def test_the_line_is_told_that_nobody_waits(is_background):
    line = ToldLine(threads=1)
    shelf = SimpleNamespace(classifier=lambda _: Classifier())
    app = build_app(Parts(token="t", shelf=shelf, line=line, chat=None))
    asked = {"model": "injection", "input": ["a"]}
    if is_background:
        asked["background"] = True
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://engine"
    ) as client:
        headers = {"authorization": "Bearer t"}
        answer = await client.post("/v1/classify", json=asked, headers=headers)
    line.close(timeout_s=2)
    assert (answer.json()["scores"], line.told) == ([0.1], is_background)

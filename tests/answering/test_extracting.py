"""An extracted answer is made of the documents' own sentences, each shown with its place."""

import asyncio
import re

import pytest

from roadworthy.answering import extract
from roadworthy.answering.extract import SentenceVectors, is_quotable
from tests.doubles.model_server import Behaviour, failing
from tests.world import DECLARED

pytestmark = pytest.mark.anyio
MARK = re.compile(r"\[(\d+)\]")


async def test_a_minus_is_no_bullet(desk):
    await desk.world.add("cold.txt", "-18 °C is the storage temperature of vaccines.")
    answer = (await desk.ask("What is the storage temperature of vaccines?")).answer
    assert "-18 °C" in answer.text


@pytest.mark.parametrize("line", ["- Vaccines are kept cold.", "• Vaccines are kept cold."])
async def test_a_bullet_is_not_shown(desk, line):
    await desk.world.add("cold.txt", line)
    assert (await desk.ask("How are vaccines kept?")).answer.text == "Vaccines are kept cold. [1]"


async def test_a_number_in_brackets_of_a_document_is_no_citation(desk):
    await desk.world.add("paper.txt", "Vaccines are kept at minus eighteen degrees [7].")
    answer = (await desk.ask("How are vaccines kept?")).answer
    assert [int(n) for n in MARK.findall(answer.text)] == [c.number for c in answer.citations]


async def test_numbers_in_brackets_are_quoted_as_they_stand(desk):
    await desk.world.add("paper.txt", "Vaccines are kept at a value in [120, 180] or [0, 1].")
    answer = (await desk.ask("How are vaccines kept?")).answer
    assert answer.text == "Vaccines are kept at a value in [120, 180] or [0, 1]. [1]"


async def test_what_is_quoted_once_is_embedded_once(desk):
    await desk.world.add("cold.txt", "Vaccines are kept cold. Masks are kept dry.")
    await desk.ask("How are vaccines kept?")
    before = len(desk.models.asked)
    await desk.ask("How are masks kept?")
    assert len(desk.models.asked) == before + 1  # the question alone


async def test_sentences_that_somebody_waits_for_do_not_go_last(desk):
    await desk.world.add("cold.txt", "Vaccines are kept cold. Masks are kept dry.")
    await desk.ask("How are vaccines kept?")
    asked = desk.models.requests("/embeddings")
    assert any("Masks are kept dry." in each.body["input"] for each in asked)
    assert not any("priority" in each.headers for each in asked)


async def test_a_memory_that_is_full_forgets_without_harm(desk, monkeypatch):
    monkeypatch.setattr(extract, "REMEMBERED", 2)
    embedder = desk.embedders["words"]
    vectors = SentenceVectors()
    await vectors.of(embedder, ["a", "b"])
    # While one call waits for "c", another pushes "a" and "b" out.
    desk.models.plan.extend([Behaviour(delay_s=0.3), Behaviour()])
    slow = asyncio.create_task(vectors.of(embedder, ["a", "b", "c"]))
    await asyncio.sleep(0.1)
    await vectors.of(embedder, ["d", "e"])
    assert (await slow).shape == (3, DECLARED.dimension)


async def test_an_outage_between_question_and_sentences_degrades(desk):
    await desk.world.add("cold.txt", "Vaccines are kept cold.")
    question_and_probes = [Behaviour(), Behaviour()]
    desk.models.plan.extend([*question_and_probes, *[failing(503)] * 4])
    answer = (await desk.ask("How are vaccines kept?")).answer
    assert (answer.text, answer.degraded) == ("Vaccines are kept cold. [1]", ("embeddings",))


@pytest.mark.parametrize(
    ("line", "quotable"),
    [
        ("Larkmoor Hydrometrics | Project Heron: acquisition plan | page 4 of 7", False),
        ("| HG-350 | 24 months | EUR 1,180 |", True),
        ("Meal allowance", False),
        ("Meals are paid by fixed allowances.", True),
        ("---------------", False),
    ],
)
def test_headings_and_page_feet_are_not_quoted(line, quotable):
    assert is_quotable(line) == quotable

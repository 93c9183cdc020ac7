"""A passage that has the question's words answers it only where it has the answer."""

import numpy as np
import pytest

from roadworthy.gateway.engine.catalogue import ANSWERED, E5_SMALL, READER
from roadworthy.gateway.engine.classifier_file import ClassifierWeights
from roadworthy.gateway.engine.embedder import Embedder
from roadworthy.gateway.engine.reader import LONGEST_QUESTION, Reader
from roadworthy.gateway.engine.weights import verified

PASSAGE = (
    "The first line of the tram was opened in 1894 between the harbour and the old market. Its "
    "cars were drawn by horses until 1901, when the company bought electric ones from Zurich."
)
ANSWERABLE = [
    "When was the first line opened?",
    "From where did the company buy electric cars?",
    "What were the cars drawn by before 1901?",
]
UNANSWERABLE = [
    "When was the second line opened?",
    "From where did the company buy steam engines?",
    "Who was the first director of the harbour?",
]


def classify(client, *pairs):
    return client.post("/v1/classify", json={"model": ANSWERED, "pairs": pairs}).json()


def test_questions_with_an_answer_score_above_those_that_look_like_them(client):
    told = classify(client, *([text, PASSAGE] for text in (*ANSWERABLE, *UNANSWERABLE)))
    answered, others = np.split(np.array(told["scores"]), 2)
    assert answered.mean() > others.mean() + 0.2
    assert told["version"] == READER.version


def test_another_passage_answers_nothing(client):
    other = "Bread is baked from five in the morning on; rolls are sold out by nine."
    pairs = [[text, passage] for passage in (PASSAGE, other) for text in ANSWERABLE]
    own, elsewhere = np.split(np.array(classify(client, *pairs)["scores"]), 2)
    assert own.min() > elsewhere.max()


def test_a_score_depends_on_no_other_pair(client):
    pairs = [[ANSWERABLE[0], PASSAGE], [UNANSWERABLE[0], PASSAGE]]
    assert classify(client, *pairs)["scores"][1] == classify(client, pairs[1])["scores"][0]


@pytest.fixture(scope="module")
def reader(model_folders):
    return Reader(READER, Embedder(E5_SMALL, model_folders["e5-small"]))


@pytest.mark.parametrize(
    ("question", "passage", "is_cut"),
    [
        (ANSWERABLE[0], PASSAGE, False),
        ("word " * LONGEST_QUESTION, PASSAGE, True),
        (ANSWERABLE[0], "word " * 512, True),
        ("word " * 10_000, "word " * 10_000, True),
        ("", "", False),
    ],
)
def test_what_is_longer_than_the_model_reads_is_cut_and_told(reader, question, passage, is_cut):
    found = reader.scorer(READER.heads[0])((question, passage))
    assert found.is_truncated is is_cut
    assert 0 <= found.score <= 1


def test_all_layers_of_it_are_its_own():
    weights = ClassifierWeights.read(verified(READER.weights))
    assert weights.first_layer == 0

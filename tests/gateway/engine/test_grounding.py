"""A sentence is grounded where a passage says so, whatever else speaks of the like."""

import pytest

from roadworthy.gateway.engine.catalogue import GROUNDING_MODEL
from roadworthy.gateway.engine.grounding import Fit
from roadworthy.gateway.engine.matcher import MOST_PIECES, POWER

PASSAGE = (
    "Colleagues in Lisbon have 27 days of leave in a year. New colleagues have two days for each "
    "month that they have been with us. Leave is asked for in the portal."
)
SAID = "In Lisbon colleagues have 27 days of leave a year."
NOT_SAID = [
    "The coffee machine is cleaned on Fridays.",
    "The warranty of a pump ends after five years.",
    "The managing director of the Oslo office resigned in March.",
]


def classify(client, *pairs, **further):
    return client.post("/v1/classify", json={"model": "grounding", "pairs": pairs} | further)


def test_what_is_said_scores_above_the_threshold_and_what_is_not_below(client):
    told = classify(client, [SAID, PASSAGE], *([text, PASSAGE] for text in NOT_SAID)).json()
    said, *others = told["scores"]
    assert said >= told["threshold"] > max(others)
    assert told["version"] == GROUNDING_MODEL.version


def test_another_number_makes_it_less_likely(client):
    right, wrong = classify(client, [SAID, PASSAGE], [SAID.replace("27", "1,350"), PASSAGE]).json()[
        "scores"
    ]
    assert right > wrong


def test_a_score_depends_on_no_other_pair(client):
    pairs = [[SAID, PASSAGE], [NOT_SAID[0], PASSAGE]]
    [alone] = classify(client, pairs[1]).json()["scores"]
    assert classify(client, *pairs).json()["scores"][1] == alone


def test_a_passage_that_was_cut_is_counted(client):
    told = classify(client, [SAID, PASSAGE], [SAID, f"{PASSAGE} {'word ' * 2000}"]).json()
    assert told["usage"]["truncated_texts"] == 1


@pytest.mark.parametrize("body", [{"pairs": None, "input": [SAID]}, {"input": [SAID]}])
def test_a_sentence_without_a_passage_is_refused(client, body):
    reply = classify(client, [SAID, PASSAGE], **body)
    assert reply.status_code == 400
    assert "pairs" in reply.text


def test_a_sentence_that_is_not_read_to_its_end_is_refused(client):
    reply = classify(client, [SAID * 200, PASSAGE])
    assert reply.status_code == 400
    assert "longer than the model reads" in reply.text


CONSTANTS = dict.fromkeys(Fit.model_fields, 0.5) | {"power": POWER, "most_pieces": MOST_PIECES}


@pytest.mark.parametrize("name", ["power", "most_pieces"])
def test_what_was_fitted_to_other_matches_is_refused(name):
    assert Fit.model_validate(CONSTANTS)
    with pytest.raises(ValueError, match="make train NAME=grounding"):
        Fit.model_validate(CONSTANTS | {name: CONSTANTS[name] + 1})

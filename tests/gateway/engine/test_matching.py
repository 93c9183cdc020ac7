"""Of a question, each token is held against a passage: what is missing there is seen."""

import math

import numpy as np
import pytest

from roadworthy.core.errors import Missing
from roadworthy.gateway.engine.catalogue import E5_SMALL, MINILM
from roadworthy.gateway.engine.embedder import Embedder
from roadworthy.gateway.engine.matcher import MOST_PIECES, POWER, Matcher

ASKED = "How many days of leave does a new colleague have in Lisbon?"
TOLD = "In Lisbon a new colleague has 27 days of leave in the first year."
ELSEWHERE = "In Oslo a new colleague has 25 days of leave in the first year."
OTHER = "The coffee machine is cleaned on Fridays, by whoever used it last."


@pytest.fixture(scope="module")
def e5(model_folders):
    return Embedder(E5_SMALL, model_folders["e5-small"])


@pytest.fixture(scope="module")
def matcher(e5):
    return Matcher(e5)


def rerank(client, **body):
    asked = {"model": "e5-small", "query": ASKED, "documents": [OTHER, TOLD, ELSEWHERE]}
    return client.post("/v1/rerank", json=asked | body)


def test_what_answers_comes_before_what_speaks_of_the_like_and_that_before_the_rest(client):
    results = rerank(client).json()["results"]
    assert [each["index"] for each in results] == [1, 2, 0]


def test_a_score_depends_on_no_other_passage(client):
    together = {each["index"]: each["relevance_score"] for each in rerank(client).json()["results"]}
    [alone] = rerank(client, documents=[TOLD]).json()["results"]
    assert alone["relevance_score"] == together[1]


def test_only_the_best_are_told_where_fewer_are_asked_for(client):
    [best] = rerank(client, top_n=1).json()["results"]
    assert best["index"] == 1


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        pytest.param({"documents": []}, 400, "documents", id="no-passage"),
        pytest.param({"documents": ["fine", ""]}, 400, "documents.1", id="empty-passage"),
        pytest.param({"query": ""}, 400, "query", id="no-question"),
        pytest.param({"top_n": 0}, 400, "top_n", id="none-wanted"),
        pytest.param({"model": "ada"}, 404, "e5-small, minilm", id="model"),
        pytest.param({"model": "minilm"}, 404, "how rare", id="without-rarity"),
    ],
)
def test_what_cannot_be_ranked_is_refused(client, body, status, says):
    reply = rerank(client, **body)
    assert reply.status_code == status
    assert says in reply.text


def test_a_score_is_the_weighted_mean_of_the_nearest_cosines(e5, matcher):
    asked, told = e5.read_tokens(f"query: {ASKED}"), e5.read_tokens(f"passage: {TOLD}")
    pieces = [matcher._tokens.cut(prefix, max_tokens=9)[0] for prefix in ("query:", "passage:")]
    first, behind = (len(each) - 1 for each in pieces)
    total = weights = 0.0
    assert max(matcher._tokens.word_lengths(asked.ids[first:-1])) <= MOST_PIECES
    for token, vector in list(zip(asked.ids, asked.vectors, strict=True))[first:-1]:
        nearest = max(float(np.dot(vector, other)) for other in told.vectors[behind:-1])
        [said] = matcher._tokens.information([token])
        total += nearest * said**POWER
        weights += said**POWER
    assert math.isclose(matcher.score(matcher.read(ASKED), TOLD), total / weights, rel_tol=1e-5)


def test_what_is_the_same_matches_wholly(matcher):
    """But for the prefix before it."""
    assert matcher.score(matcher.read(TOLD), TOLD) > 0.95


def test_a_code_in_a_question_outweighs_no_words(matcher):
    """Asked with the number of a case, the same passages are about it."""
    code = "b7e23ec29af22b0b4e41da31e868d572"
    plain, coded = (matcher.read(text) for text in (ASKED, f"{ASKED} Case {code}."))
    assert matcher.score(coded, TOLD) > matcher.score(plain, TOLD) - 0.06
    assert matcher.score(coded, TOLD) > matcher.score(plain, OTHER) + 0.03


def test_signs_that_no_piece_holds_say_the_most(matcher):
    rare, usual = matcher._tokens.information([3, 4])
    assert rare > 20 > usual > 0


@pytest.mark.parametrize("nothing", [" ", "\u200b", "\x01", ""])
def test_what_says_nothing_matches_little(matcher, nothing):
    assert matcher.score(matcher.read(nothing), TOLD) < 0.8
    assert matcher.score(matcher.read(ASKED), nothing) < 0.8


def test_a_passage_that_is_cut_and_a_question_that_is_are_told(matcher):
    question = matcher.read(ASKED)
    assert not question.is_truncated
    assert not matcher.match(question, TOLD).is_truncated
    assert matcher.match(question, TOLD + " word" * 3000).is_truncated
    assert matcher.read(ASKED * 100).is_truncated


def test_a_model_that_does_not_say_how_rare_its_tokens_are_is_none(model_folders):
    with pytest.raises(Missing, match="minilm"):
        Matcher(Embedder(MINILM, model_folders["minilm"]))

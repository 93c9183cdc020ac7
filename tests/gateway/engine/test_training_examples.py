"""An example has the tokens of its text: nothing but its words tells what was put in."""

import random

import pytest

from roadworthy.gateway.engine.tokens import open_tokens
from training.examples import Example, encode
from training.hiding import hidden

TEXT = "Leave is asked for in the portal. 年假在门户网站申请。 | Days | 25 |\nSee `portal.py`."
ATTACK = "What is the capital of Brazil?"


@pytest.fixture(scope="module")
def tokens(model_folders):
    return open_tokens(model_folders["e5-small"])


def poisoned():
    rng = random.Random(1)  # noqa: S311
    return [hidden(TEXT, ATTACK, "asked", "made", rng) for _ in range(30)]


def test_a_text_in_pieces_has_the_tokens_of_the_whole(tokens):
    for example in poisoned():
        whole, _ = tokens.cut("".join(example.pieces).rstrip(), max_tokens=512)
        encoded = encode(example, tokens, most=512)
        assert encoded is not None
        assert encoded.ids.tolist() == list(whole)


def test_the_attack_and_nothing_else_is_marked(tokens):
    attack = list(tokens.cut(ATTACK, max_tokens=512)[0][1:-1])
    for example in poisoned():
        encoded = encode(example, tokens, most=512)
        assert encoded is not None
        assert encoded.ids[encoded.marks > 0].tolist() == attack


def test_an_attack_is_kept_whole_where_its_passage_is_cut(tokens):
    attack = list(tokens.cut(ATTACK, max_tokens=512)[0][1:-1])
    for example in poisoned():
        encoded = encode(example, tokens, most=20)
        assert encoded is not None
        assert len(encoded.ids) == 20
        assert encoded.ids[encoded.marks > 0].tolist() == attack


def test_an_attack_that_is_too_long_falls_away(tokens):
    long = Example(pieces=("passage: ", ATTACK * 5), labels={}, source="made", marked=1)
    assert encode(long, tokens, most=20) is None

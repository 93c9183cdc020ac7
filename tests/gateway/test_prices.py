"""A price that is known is exact, and one that is not known is no 0."""

from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Invalid
from roadworthy.gateway.engine import catalogue
from roadworthy.gateway.prices import read_prices
from roadworthy.gateway.uses import Use

TOKENS = {"input_tokens": 1_000, "output_tokens": 500}
OWN = """
[[price]]
model = "gpt-5-mini"
endpoint = "cheap"
input = 0.1
output = 0.2
[[price]]
model = "our-reranker"
endpoint = "rerank"
input = 0.3
output = 0
request = 0.002
[[price]]
model = "by-request"
input = 0
output = 0
request = 0.002
[[price]]
model = "our-*"
input = 0.3
output = 1
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text(OWN, "utf-8")
    return read_prices(path)


def test_a_known_model_costs_its_tokens():
    cost = read_prices().cost_usd("gpt-5-mini", **TOKENS)
    assert cost == Decimal("0.00125")


def test_an_unknown_model_has_no_price_and_not_0():
    assert read_prices().cost_usd("gpt-5-mini-2", **TOKENS) is None
    assert read_prices().cost_usd("nobody/knows", **TOKENS) is None


def test_every_model_of_the_local_engine_is_said_to_cost_0():
    names = [*catalogue.EMBEDDING_MODELS, catalogue.SMOLLM2.name]
    assert {read_prices().cost_usd(name, **TOKENS) for name in names} == {Decimal(0)}


def test_own_prices_come_before_the_shipped_ones(own):
    assert own.cost_usd("gpt-5-mini", endpoint="cheap", **TOKENS) == Decimal("0.0002")
    assert own.cost_usd("gpt-5-mini", endpoint="dear", **TOKENS) == Decimal("0.00125")
    assert own.cost_usd("our-model", **TOKENS) == Decimal("0.0008")


def test_who_sells_by_the_request_is_paid_for_it(own):
    use = partial(Use, endpoint="rerank", model="our-reranker", tokens=1_000)
    assert own.cost_of(use()) == Decimal("0.0023")
    assert own.cost_of(use(is_at_least=True)) is None  # its tokens cost something, too
    assert own.cost_of(use(model="by-request", is_at_least=True)) == Decimal("0.002")
    assert own.cost_of(use(model="by-request", share=Decimal("0.25"))) == Decimal("0.0005")
    assert own.cost_of(use(model="nobody/knows")) is None


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_cost_is_exact(read, written):
    cost = read_prices().cost_usd("gpt-4o-mini", input_tokens=read, output_tokens=written)
    assert cost is not None
    assert cost * 10**8 == read * 15 + written * 60


def test_no_shipped_entry_hides_another():
    prices = read_prices().prices
    names = [price.model for price in prices]
    assert len(set(names)) == len(names)
    for number, price in enumerate(prices):
        assert not any(before.covers(price.model, "") for before in prices[:number])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[[price]]\nmodel = 'x'\ninput = 1", "output"),
        ("[[price]]\nmodel = 'x'\ninput = -1\noutput = 1", "input"),
        ("[[price]]\nmodel = 'x'\ninput = nan\noutput = 1", "input"),
        ("[[price]]\nmodel = ''\ninput = 1\noutput = 1", "model"),
        ("[[prices]]\nmodel = 'x'", "price"),
        ("price = ", "TOML"),
    ],
)
def test_a_file_that_is_no_price_book_is_refused_by_what_is_wrong(tmp_path, text, word):
    path = tmp_path / "prices.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(Invalid, match=word):
        read_prices(path)


def test_a_file_that_is_not_there_is_refused_by_its_name(tmp_path):
    with pytest.raises(Invalid, match=r"none\.toml.*price_book"):
        read_prices(tmp_path / "none.toml")

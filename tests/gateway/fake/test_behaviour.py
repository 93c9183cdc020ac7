"""A fake model does what its name says, and which calls go wrong is the same in every run."""

import pytest

from roadworthy.answering.refusal import is_refusal
from roadworthy.core.errors import Missing
from roadworthy.gateway.fake.behaviour import EXAMPLES, behaviour_of
from roadworthy.gateway.fake.calls import Draws
from roadworthy.gateway.fake.texts import said

CALLS = [f"call {number}".encode() for number in range(2_000)]


def test_a_name_says_all_of_it():
    told = behaviour_of("fake-latency=200ms-rate=50-tokens=7-error=0.1-kind=cut-text=cite")
    assert (told.latency, told.rate, told.tokens) == (0.2, 50, 7)
    assert (told.error, told.kind, told.text) == (0.1, "cut", "cite")


def test_seconds_may_be_told_too():
    assert behaviour_of("fake-latency=1.5s").latency == 1.5


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_listed_is_understood(name):
    behaviour_of(name)


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o",
        "fake-",
        "fake-fast",
        "fake-speed=3",
        "fake-rate=0",
        "fake-rate=many",
        "fake-latency=200",
        "fake-error=2",
        "fake-kind=404",
        "fake-text=novel",
        "fake-rate=1-rate=2",
        "fake-latency=nan",
    ],
)
def test_another_name_is_told_the_grammar(name):
    with pytest.raises(Missing, match="-latency=200ms"):
        behaviour_of(name)


def failed(name, calls=CALLS, *, draws=None):
    draws = draws or Draws()
    return [draws.draw(behaviour_of(name), call) is not None for call in calls]


def test_the_share_that_is_told_goes_wrong():
    assert 140 < sum(failed("fake-error=0.1")) < 260
    assert sum(failed("fake")) == 0
    assert all(failed("fake-error=1"))


def test_the_same_calls_go_wrong_in_every_run():
    assert failed("fake-error=0.3") == failed("fake-error=0.3")


def test_a_second_try_may_do_better():
    draws = Draws()
    first = failed("fake-error=0.5", draws=draws)
    second = failed("fake-error=0.5", draws=draws)
    assert 300 < sum(a and not b for a, b in zip(first, second, strict=True)) < 700


PROMPT = """Answer from the passages.

[1] Plan, page 2
The plan is to leave on Monday. Take a coat.
[2] It rains.

[3] Other > Money
Coats cost 9 crowns.

Question: What is the plan?"""


def test_citing_quotes_the_passages_of_a_prompt():
    tokens, _ = said(behaviour_of("fake-text=cite"), PROMPT, most_tokens=None)
    assert "".join(tokens) == (
        "The plan is to leave on Monday. [1] It rains. [2] Coats cost 9 crowns. [3]"
    )


def test_an_echo_is_what_was_asked():
    tokens, _ = said(behaviour_of("fake-text=echo"), "a  b\nc", most_tokens=None)
    assert "".join(tokens) == "a  b\nc"


def test_a_refusal_is_the_agreed_one():
    tokens, _ = said(behaviour_of("fake-text=refuse"), PROMPT, most_tokens=None)
    assert is_refusal("".join(tokens))


def test_a_length_is_kept_and_so_is_the_limit_of_the_caller():
    assert len(said(behaviour_of("fake-tokens=100"), "", most_tokens=None)[0]) == 100
    tokens, is_cut = said(behaviour_of("fake-tokens=100"), "", most_tokens=10)
    assert (len(tokens), is_cut) == (10, True)

"""A short request waits for one text of a long one at most, and the line has an end."""

import threading

import pytest

from roadworthy.core.errors import Busy
from roadworthy.gateway.engine.line import MOST_WAITING_LONG, SHORT_CHARACTERS, Line


@pytest.fixture
def line():
    line = Line(threads=1)
    yield line
    line.close(timeout_s=2)


LONG = ["x" * SHORT_CHARACTERS, "y", "z"]


def held(line):
    """Keep the only thread busy with a long request until told."""
    began, go_on, order = threading.Event(), threading.Event(), []

    def work(text):
        order.append(text[0])
        began.set()
        go_on.wait(5)
        return text

    future = line.submit(work, LONG)
    began.wait(5)
    return work, go_on, order, future


def test_results_come_in_the_order_of_the_texts(line):
    texts = [str(number) for number in range(50)]
    assert line.submit(str.upper, texts).result(5) == texts


def test_a_short_request_overtakes_a_long_one(line):
    work, go_on, order, future = held(line)
    short = line.submit(work, ["question"])
    go_on.set()
    short.result(5)
    future.result(5)
    assert order == ["x", "q", "y", "z"]


def test_a_request_that_was_given_up_is_dropped(line):
    _, go_on, order, future = held(line)
    future.cancel()
    go_on.set()
    line.submit(str.upper, ["after"]).result(5)
    line.submit(str.upper, LONG).result(5)
    assert order == ["x"]


def test_the_line_has_an_end(line):
    _, go_on, _, _ = held(line)
    with pytest.raises(Busy, match="try again"):
        line.submit(str.upper, ["x"] * (MOST_WAITING_LONG - 1))
    assert line.submit(str.upper, ["short"])
    go_on.set()


def test_a_fault_reaches_its_request_only(line):
    with pytest.raises(ZeroDivisionError):
        line.submit(lambda _: 1 / 0, ["a", "b"]).result(5)
    assert line.submit(str.upper, ["a"]).result(5) == ["A"]


def test_what_nobody_waits_for_is_overtaken_however_short(line):
    work, go_on, order, future = held(line)
    background = line.submit(work, ["background"], is_background=True)
    short = line.submit(work, ["question"])
    go_on.set()
    for each in (short, background, future):
        each.result(5)
    assert order == ["x", "q", "y", "z", "b"]

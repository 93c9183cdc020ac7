"""A question waits for one text of other requests at most, and the line has an end."""

import threading

import pytest

from roadworthy.core.errors import Busy
from roadworthy.gateway.engine.line import (
    MOST_WAITING,
    MOST_WAITING_LONG,
    OUT_OF_TURN_EVERY,
    SHORT_CHARACTERS,
    SHORT_TEXTS,
    Line,
    Turn,
    turn_of,
)


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

    future = line.submit(work, LONG, Turn.LONG)
    began.wait(5)
    return work, go_on, order, future


def test_results_come_in_the_order_of_the_texts(line):
    texts = [str(number) for number in range(50)]
    assert line.submit(str.upper, texts, Turn.SHORT).result(5) == texts


def test_a_question_overtakes_what_can_be_done_without_and_that_a_long_request(line):
    work, go_on, order, future = held(line)
    look = line.submit(work, ["a passage", "passage"], Turn.OPTIONAL)
    question = line.submit(work, ["question"], Turn.SHORT)
    go_on.set()
    for each in (question, look, future):
        each.result(5)
    assert order == ["x", "q", "a", "p", "y", "z"]


def test_while_people_ask_without_end_the_others_get_some_texts_done(line):
    work, go_on, order, future = held(line)
    questions = [line.submit(work, ["question"], Turn.SHORT) for _ in range(3 * OUT_OF_TURN_EVERY)]
    go_on.set()
    for each in (*questions, future):
        each.result(5)
    asked = "q" * (OUT_OF_TURN_EVERY - 1)
    assert "".join(order) == f"x{asked}y{asked}z{asked}qqq"


def test_later_turns_take_turns_at_that(line):
    work, go_on, order, future = held(line)
    looks = line.submit(work, ["a", "a"], Turn.OPTIONAL)
    questions = [line.submit(work, ["question"], Turn.SHORT) for _ in range(4 * OUT_OF_TURN_EVERY)]
    go_on.set()
    for each in (*questions, looks, future):
        each.result(5)
    asked = "q" * (OUT_OF_TURN_EVERY - 1)
    assert "".join(order) == f"x{asked}y{asked}a{asked}z{asked}aqqqq"


def test_what_was_given_up_takes_no_turn(line):
    work, go_on, order, future = held(line)
    gone = line.submit(work, ["gone"] * 40, Turn.LONG)
    waits = line.submit(work, ["waits"], Turn.LONG)
    for each in (future, gone):
        each.cancel()
    questions = [line.submit(work, ["?"], Turn.SHORT) for _ in range(2 * OUT_OF_TURN_EVERY)]
    go_on.set()
    for each in (*questions, waits):
        each.result(5)
    assert order.index("w") == OUT_OF_TURN_EVERY


def test_the_turn_goes_by_the_size():
    most = {"texts": SHORT_TEXTS, "characters": SHORT_CHARACTERS}
    assert turn_of(**most) is Turn.SHORT
    assert turn_of(**most, is_optional=True) is Turn.OPTIONAL
    for more in ({"texts": SHORT_TEXTS + 1}, {"characters": SHORT_CHARACTERS + 1}):
        assert turn_of(**(most | more)) is turn_of(**(most | more), is_optional=True) is Turn.LONG


def test_a_request_that_was_given_up_is_dropped(line):
    _, go_on, order, future = held(line)
    future.cancel()
    go_on.set()
    line.submit(str.upper, ["after"], Turn.SHORT).result(5)
    line.submit(str.upper, LONG, Turn.LONG).result(5)
    assert order == ["x"]


def test_the_line_has_an_end(line):
    _, go_on, _, _ = held(line)
    with pytest.raises(Busy, match="try again"):
        line.submit(str.upper, ["x"] * (MOST_WAITING_LONG - 1), Turn.LONG)
    line.submit(str.upper, ["x"] * MOST_WAITING, Turn.OPTIONAL)
    with pytest.raises(Busy, match="try again"):
        line.submit(str.upper, ["x"], Turn.OPTIONAL)
    assert line.submit(str.upper, ["short"], Turn.SHORT)
    go_on.set()


def test_a_fault_reaches_its_request_only(line):
    with pytest.raises(ZeroDivisionError):
        line.submit(lambda _: 1 / 0, ["a", "b"], Turn.SHORT).result(5)
    assert line.submit(str.upper, ["a"], Turn.SHORT).result(5) == ["A"]

"""What will be asked for next is done meanwhile, and never piles up."""

import threading

import pytest

from roadworthy.gateway.engine.ahead import Ahead


@pytest.fixture
def ahead():
    return Ahead()


@pytest.fixture
def held(ahead):
    """Work that is not done before the test says so: an event, and its future."""
    may_end = threading.Event()
    future = ahead.submit(lambda: may_end.wait(10))
    yield may_end, future
    may_end.set()


def test_it_is_done_meanwhile(held):
    may_end, future = held
    assert not future.done()
    may_end.set()
    assert future.result(timeout=10)


def test_while_it_is_busy_the_work_is_done_at_once(ahead, held):
    assert ahead.submit(threading.get_ident).result(timeout=0) == threading.get_ident()


def test_it_is_free_again_also_after_a_failure(ahead):
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            ahead.submit(lambda: 1 / 0).result(timeout=10)
    assert ahead.submit(threading.get_ident).result(timeout=10) != threading.get_ident()

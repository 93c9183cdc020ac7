"""What has failed is left alone, for longer each time, and is tried by one at a time."""

import pytest

from roadworthy.plumbing.breaker import FIRST_REST_S, LONGEST_REST_S, Breaker


class Clock:
    """Seconds that pass when a test says so."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(clock)


def fail(breaker, clock):
    attempt = breaker.attempt()
    clock.now += 0.5
    breaker.failed(attempt)


def test_whoever_comes_is_let_in_while_all_is_well(breaker):
    assert None not in {breaker.attempt() for _ in range(3)}


def test_what_failed_rests_and_is_then_tried_by_one(breaker, clock):
    fail(breaker, clock)
    assert breaker.attempt() is None
    clock.now += FIRST_REST_S
    assert breaker.attempt() is not None
    assert breaker.attempt() is None


def test_one_success_lets_everybody_in(breaker, clock):
    fail(breaker, clock)
    clock.now += FIRST_REST_S
    breaker.succeeded(breaker.attempt())
    assert breaker.is_well
    assert None not in {breaker.attempt() for _ in range(3)}


def test_rests_double_up_to_a_limit(breaker, clock):
    rests = []
    for _ in range(9):
        fail(breaker, clock)
        began = clock.now
        while breaker.attempt() is None and clock.now < began + 2 * LONGEST_REST_S:
            clock.now += 0.5
        rests.append(clock.now - began)
        clock.now += LONGEST_REST_S  # that attempt is never heard of
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_many_that_fail_together_count_as_one(breaker, clock):
    attempts = [breaker.attempt() for _ in range(8)]
    clock.now += 1
    for attempt in attempts:
        breaker.failed(attempt)
    clock.now += FIRST_REST_S
    assert breaker.attempt() is not None


def test_a_success_that_began_before_the_failure_proves_nothing(breaker, clock):
    early = breaker.attempt()
    clock.now += 1
    fail(breaker, clock)
    breaker.succeeded(early)
    assert not breaker.is_well
    assert breaker.attempt() is None


def test_as_many_failures_in_a_row_as_are_borne_change_nothing(clock):
    breaker = Breaker(clock, failures=3)
    fail(breaker, clock)
    fail(breaker, clock)
    assert breaker.is_well
    assert not breaker.is_resting
    fail(breaker, clock)
    assert breaker.is_resting


def test_a_success_between_them_begins_the_count_anew(clock):
    breaker = Breaker(clock, failures=2)
    fail(breaker, clock)
    breaker.succeeded(breaker.attempt())
    fail(breaker, clock)
    assert breaker.is_well


def test_after_a_rest_one_failure_is_enough(clock):
    breaker = Breaker(clock, failures=2)
    fail(breaker, clock)
    fail(breaker, clock)
    clock.now += FIRST_REST_S
    fail(breaker, clock)
    assert breaker.is_resting


def test_a_look_at_it_is_no_attempt(breaker, clock):
    fail(breaker, clock)
    clock.now += FIRST_REST_S
    assert not breaker.is_resting
    assert breaker.attempt() is not None

"""A job waits by the kind of its problem: longer each time, never in step, and not for ever."""

import itertools

import pytest

from roadworthy.core import errors
from roadworthy.plumbing.retries import BUG, POLICIES

KINDS = [each.kind for each in errors.RoadworthyError.__subclasses__()]


def test_every_kind_of_error_has_a_policy():
    assert set(POLICIES) == {*KINDS, BUG}


@pytest.mark.parametrize("kind", ["invalid", "missing", "conflict", "refused"])
def test_what_can_never_work_is_not_tried_again(kind):
    assert POLICIES[kind].pause(0) is None


@pytest.mark.parametrize("kind", ["unavailable", "busy", BUG])
def test_pauses_grow_to_a_bound_and_end(kind):
    policy = POLICIES[kind]
    longest = [max(policy.pause(n).total_seconds() for _ in range(200)) for n in range(policy.most)]
    assert longest[0] <= policy.first_s < longest[2] <= policy.longest_s
    assert max(longest) <= policy.longest_s
    assert policy.pause(policy.most) is None


def test_pauses_are_never_in_step():
    assert len({POLICIES["unavailable"].pause(5) for _ in range(50)}) == 50


def test_an_outage_is_waited_for_longer_than_a_crash():
    outage, crash = (waited_s(POLICIES[kind]) for kind in ("unavailable", BUG))
    assert outage > 12 * 3600
    assert crash < 5 * 60


def waited_s(policy):
    """Add up what a job waits whose every try ends alike."""
    pauses = iter(map(policy.pause, itertools.count()))
    return sum(pause.total_seconds() for pause in iter(lambda: next(pauses), None))

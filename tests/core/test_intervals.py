"""Bootstrap intervals hold the mean, are paired where they should be, and invent nothing."""

import numpy as np
import pytest

from roadworthy.core.errors import Invalid
from roadworthy.core.intervals import gain_interval, mean_interval


def test_an_interval_holds_the_true_mean_as_often_as_it_says():
    random = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        found = mean_interval(random.exponential(2.0, 60).tolist())
        held += found.low <= 2.0 <= found.high
    assert 0.88 <= held / 200 <= 0.99


def test_it_is_about_as_wide_as_theory_says():
    values = np.random.default_rng(4).normal(0, 1, 400).tolist()
    found = mean_interval(values)
    assert found.value == pytest.approx(np.mean(values))
    assert found.high - found.low == pytest.approx(2 * 1.96 / 20, rel=0.15)


def test_a_small_gain_in_each_pair_is_seen_where_the_means_alone_would_hide_it():
    before = np.random.default_rng(5).random(100)
    gain = gain_interval(before.tolist(), (before + 0.01).tolist())
    assert gain.low == pytest.approx(0.01)
    assert gain.high == pytest.approx(0.01)


def test_the_same_values_give_the_same_interval():
    assert mean_interval([0.0, 1.0, 0.5]) == mean_interval([0.0, 1.0, 0.5])


def test_no_evidence_gives_no_interval():
    assert mean_interval([]) is None
    assert mean_interval([None]) is None
    assert gain_interval([None, 1.0], [1.0, None]) is None


def test_what_is_no_pair_is_refused():
    with pytest.raises(Invalid):
        gain_interval([1.0], [1.0, 2.0])

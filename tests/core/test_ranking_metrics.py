"""Rankings are measured as trec_eval does, and nothing to find gives no number."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Invalid
from roadworthy.core.ranking_metrics import auroc, mean, ndcg_at_k, recall_at_k

GRADES = {"a": 2.0, "b": 1.0, "c": 0.0, "d": 1.0}


def test_ndcg_discounts_grades_by_rank():
    gained = 1 / math.log2(2) + 2 / math.log2(4)  # b first, a third
    ideal = 2 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg_at_k(["b", "x", "a"], GRADES, 3) == pytest.approx(gained / ideal)


def test_the_gain_is_the_grade_itself_not_its_power():
    assert ndcg_at_k(["d", "a"], {"a": 3.0, "d": 1.0}, 2) == pytest.approx(
        (1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3))
    )


def test_the_ideal_counts_relevant_items_that_were_not_found():
    assert ndcg_at_k(["a"], GRADES, 10) == pytest.approx(2 / (2 + 1 / math.log2(3) + 0.5))


def test_only_the_first_k_count():
    assert ndcg_at_k(["x", "a"], GRADES, 1) == 0
    assert ndcg_at_k(["a"], GRADES, 1) == 1
    assert recall_at_k(["a", "x", "b"], GRADES, 2) == pytest.approx(1 / 3)


def test_recall_counts_each_relevant_item_alike():
    assert recall_at_k(["b", "c", "a"], GRADES, 3) == pytest.approx(2 / 3)


@given(st.permutations(sorted(GRADES)))
def test_no_order_beats_the_order_of_grades(order):
    assert 0 <= ndcg_at_k(order, GRADES, 4) <= 1
    assert ndcg_at_k(["a", "b", "d", "c"], GRADES, 4) == pytest.approx(1)


@pytest.mark.parametrize("measure", [ndcg_at_k, recall_at_k])
def test_nothing_relevant_gives_no_number(measure):
    assert measure(["a"], {}, 10) is None
    assert measure(["a"], {"a": 0.0, "b": -1.0}, 10) is None


@pytest.mark.parametrize("measure", [ndcg_at_k, recall_at_k])
def test_a_found_nothing_is_a_zero(measure):
    assert measure([], GRADES, 10) == 0


@pytest.mark.parametrize("measure", [ndcg_at_k, recall_at_k])
@pytest.mark.parametrize(("ranked", "k"), [(["a", "a"], 2), (["a"], 0)], ids=["twice", "k"])
def test_an_impossible_ranking_is_refused(measure, ranked, k):
    with pytest.raises(Invalid):
        measure(ranked, GRADES, k)


@given(st.lists(st.integers(0, 5), min_size=1), st.lists(st.integers(0, 5), min_size=1))
def test_auroc_is_the_share_of_pairs_in_order_a_tie_half(positives, negatives):
    pairs = [(p > n) + (p == n) / 2 for p in positives for n in negatives]
    assert auroc(positives, negatives) == pytest.approx(sum(pairs) / len(pairs))


@pytest.mark.parametrize(("positives", "negatives"), [([], [0.1]), ([0.1], []), ([], [])])
def test_auroc_of_one_kind_alone_is_no_number(positives, negatives):
    assert auroc(positives, negatives) is None


@pytest.mark.parametrize(("positives", "negatives"), [([math.nan], [0.1]), ([0.1], [math.nan])])
def test_auroc_refuses_a_score_that_is_no_number(positives, negatives):
    with pytest.raises(Invalid):
        auroc(positives, negatives)


def test_the_mean_leaves_out_what_has_no_number():
    assert mean([1.0, None, 0.0]) == 0.5


@pytest.mark.parametrize("values", [[], [None, None]])
def test_the_mean_of_nothing_is_no_number(values):
    assert mean(values) is None

"""Two rankings become one: weighted, in one order, and each hit says where it came from."""

import math
from statistics import pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Invalid
from roadworthy.retrieval.fusion import Fusion, Rankings
from roadworthy.retrieval.fusion import fuse as join

rankings = st.dictionaries(st.integers(0, 30), st.floats(-1e6, 1e6), max_size=12).map(
    lambda found: sorted(found.items(), key=lambda hit: (-hit[1], hit[0]))
)

KEYWORD = [(1, 8.0), (2, 6.0), (3, 4.0)]
VECTOR = [(3, 0.9), (4, 0.8), (1, 0.7)]
methods = st.sampled_from(["weighted", "standardised", "reciprocal"])


def fuse(keyword, vector, *, vector_weight, limit, method="weighted"):
    rankings = Rankings(candidates=50, keyword=keyword, vector={"words": vector})
    return join(rankings, Fusion(method=method, vector_weight=vector_weight), limit=limit)


def test_scores_are_stretched_weighted_and_added():
    fused = fuse(KEYWORD, VECTOR, vector_weight=0.6, limit=10)
    assert [(f.passage_id, pytest.approx(f.score)) for f in fused] == [
        (3, 0.6),
        (1, 0.4),
        (4, 0.3),
        (2, 0.2),
    ]


def test_in_standard_deviations_the_ranking_whose_best_stand_out_counts_more():
    level = [(i, 1.0 - i / 100) for i in range(30)]
    steep = [(i, 9.0 if i == 50 else 1.0) for i in range(50, 80)]
    fused = fuse(steep, level, method="standardised", vector_weight=0.5, limit=10)
    assert [f.passage_id for f in fused[:2]] == [50, 0]
    assert fused[0].score + fused[1].score == pytest.approx(1)
    # As in sums of standard scores, counted from the worst of each.
    by_words, by_meaning = (
        (ranking[0][1] - ranking[-1][1]) / pstdev(score for _, score in ranking)
        for ranking in (steep, level)
    )
    assert fused[0].score / fused[1].score == pytest.approx(by_words / by_meaning)


@pytest.mark.parametrize("scores", [[9.0], [9.0, 8.9], [9.0, 9.0], [9.0, 8.9, 8.8]])
def test_what_few_hold_stands_before_what_all_are_near_to(scores):
    """A rare name is the best evidence that there is; passages without it have 0 by words."""
    keyword = [(1000 + n, score) for n, score in enumerate(scores)]
    vector = [(n, 0.8 - n / 1000) for n in range(100)]
    fused = fuse(keyword, vector, method="standardised", vector_weight=0.5, limit=len(scores))
    assert [f.passage_id for f in fused] == [passage_id for passage_id, _ in keyword]


@pytest.mark.parametrize("method", ["weighted", "standardised"])
def test_the_last_digits_of_a_sum_decide_nothing(method):
    told = fuse(
        KEYWORD, [(3, 0.5 + 1e-9), (4, 0.5), (1, 0.5)], vector_weight=0.6, limit=9, method=method
    )
    same = fuse(KEYWORD, [(3, 0.5), (4, 0.5), (1, 0.5)], vector_weight=0.6, limit=9, method=method)
    assert [(f.passage_id, f.score) for f in told] == [(f.passage_id, f.score) for f in same]


def test_a_ranking_without_deviation_counts_as_its_weight_says():
    level = [(7, 0.1), (8, 0.1), (9, 0.1)]
    fused = fuse(level, VECTOR, method="standardised", vector_weight=0.3, limit=3)
    assert [(f.passage_id, f.score) for f in fused] == [(n, pytest.approx(0.7)) for n in (7, 8, 9)]


def test_by_ranks_alone_scores_do_not_matter():
    scores = {"method": "reciprocal", "vector_weight": 0.5, "limit": 10}
    fused = fuse(KEYWORD, VECTOR, **scores)
    assert [(f.passage_id, pytest.approx(f.score)) for f in fused] == [
        (1, (61 / 61 + 61 / 63) / 2),
        (3, (61 / 63 + 61 / 61) / 2),
        (2, 61 / 62 / 2),
        (4, 61 / 62 / 2),
    ]
    other = [(1, 800.0), (2, 1.0), (3, -5.0)]
    assert [(f.passage_id, f.score) for f in fuse(other, VECTOR, **scores)] == [
        (f.passage_id, f.score) for f in fused
    ]


def test_ranks_are_weighted_too():
    fused = fuse(KEYWORD, VECTOR, method="reciprocal", vector_weight=0.9, limit=2)
    assert [f.passage_id for f in fused] == [3, 1]


def test_a_vector_ranking_of_two_spaces_is_no_longer_than_one():
    """What is stretched is stretched over as many, however many spaces there are."""
    vector = {"left": [(1, 0.9), (2, 0.8)], "right": [(3, 0.9), (4, 0.8)]}
    rankings = Rankings(candidates=3, keyword=[], vector=vector)
    fused = join(rankings, Fusion(vector_weight=0.5), limit=9)
    assert [f.passage_id for f in fused] == [1, 3, 2]


def test_each_hit_says_where_it_stood():
    first, *_, last = fuse(KEYWORD, VECTOR, vector_weight=0.6, limit=10)
    assert (first.keyword_rank, first.keyword_score) == (3, 4.0)
    assert (first.vector_rank, first.vector_score) == (1, 0.9)
    assert (last.vector_rank, last.vector_score) == (None, None)


def test_ties_go_to_the_smaller_id():
    fused = fuse([(9, 2.0), (5, 1.0)], [(4, 2.0), (5, 1.0)], vector_weight=0.5, limit=2)
    assert [f.passage_id for f in fused] == [4, 9]


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_an_empty_ranking_leaves_the_other_as_it_was(weight):
    assert [f.passage_id for f in fuse([], VECTOR, vector_weight=weight, limit=9)] == [3, 4, 1]
    assert [f.passage_id for f in fuse(KEYWORD, [], vector_weight=weight, limit=9)] == [1, 2, 3]
    assert fuse(KEYWORD, [], vector_weight=weight, limit=9)[0].score == 1
    assert fuse([], [], vector_weight=weight, limit=9) == []


def test_a_lone_hit_is_the_best_of_its_ranking():
    fused = fuse([(7, 0.1)], VECTOR, vector_weight=0.3, limit=1)
    assert (fused[0].passage_id, fused[0].score) == (7, pytest.approx(0.7))


@given(methods, rankings, rankings, st.floats(0, 1), st.integers(1, 30))
def test_any_two_rankings_join(method, keyword, vector, weight, limit):
    fused = fuse(keyword, vector, method=method, vector_weight=weight, limit=limit)
    everyone = {i for i, _ in keyword} | {i for i, _ in vector}
    assert len(fused) == min(limit, len(everyone)) == len({f.passage_id for f in fused})
    assert all(-1e-9 <= f.score <= 1 + 1e-9 for f in fused)
    assert fused == sorted(fused, key=lambda f: (-f.score, f.passage_id))


@given(rankings, rankings)
def test_the_whole_weight_on_one_side_keeps_its_order(keyword, vector):
    best = fuse(keyword, vector, vector_weight=1.0, limit=1)
    assert not vector or best[0].vector_score == vector[0][1] or best[0].score == 1


@pytest.mark.parametrize(
    ("keyword", "said"),
    [
        ([(1, math.nan)], "not finite"),
        ([(1, math.inf)], "not finite"),
        ([(1, 1.0), (2, 2.0)], "best first"),
        ([(1, 2.0), (1, 1.0)], "twice"),
    ],
)
def test_what_is_no_ranking_is_refused(keyword, said):
    with pytest.raises(Invalid, match=said):
        fuse(keyword, [], vector_weight=0.5, limit=1)


@pytest.mark.parametrize(("weight", "limit"), [(-0.1, 1), (1.1, 1), (math.nan, 1), (0.5, 0)])
def test_impossible_settings_are_refused(weight, limit):
    with pytest.raises(Invalid):
        fuse(KEYWORD, VECTOR, vector_weight=weight, limit=limit)

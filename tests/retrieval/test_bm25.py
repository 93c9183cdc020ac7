"""Scores are those of BM25 to the last digit, and the forms of a term count as one term."""

import math
import tracemalloc
from collections import Counter
from itertools import chain

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Invalid
from roadworthy.corpus.postings import Postings, decode_postings, pack_by_term
from roadworthy.corpus.terms import query_terms, terms
from roadworthy.retrieval.bm25 import K1, B, idf, score, told

passages = st.lists(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12), min_size=2, max_size=25
)
questions = st.sets(st.sampled_from("abcdefghz"), min_size=1, max_size=5).map(sorted)


def held_by(corpus, term, ids=None):
    ids = range(len(corpus)) if ids is None else ids
    return decode_postings(pack_by_term({i: corpus[i] for i in ids}).get(term, b""))


def ask(corpus, classes, limit=1000, among=None):
    mean = sum(map(len, corpus)) / len(corpus)
    return score(classes, passage_count=len(corpus), mean_length=mean, limit=limit, among=among)


def by_bm25s(corpus, question):
    vocabulary = {t: i for i, t in enumerate(dict.fromkeys(chain.from_iterable(corpus)))}
    index = bm25s.BM25(method="lucene", k1=K1, b=B)
    index.index(([[vocabulary[t] for t in p] for p in corpus], vocabulary), show_progress=False)
    known = [vocabulary[t] for t in question if t in vocabulary]
    return index.get_scores_from_ids(known) if known else np.zeros(len(corpus))


def by_hand(corpus, classes):
    mean_length = sum(map(len, corpus)) / len(corpus)
    totals = Counter()
    for forms in classes:
        counts = {i: sum(p.count(f) for f in forms) for i, p in enumerate(corpus)}
        counts = {i: c for i, c in counts.items() if c}
        idf = math.log(1 + (len(corpus) - len(counts) + 0.5) / (len(counts) + 0.5))
        for i, c in counts.items():
            totals[i] += idf * c / (c + K1 * (1 - B + B * len(corpus[i]) / mean_length))
    return totals


@given(passages, questions)
def test_every_score_is_that_of_bm25s(corpus, question):
    ids, scores = ask(corpus, [[held_by(corpus, term)] for term in question])
    expected = by_bm25s(corpus, question)
    assert scores == pytest.approx(expected[ids], abs=1e-4)
    assert set(ids) == set(np.flatnonzero(expected))


@given(passages, questions)
def test_a_passage_holds_the_share_of_the_idf_that_its_terms_have(corpus, question):
    of = np.arange(len(corpus), dtype=np.int32)
    shares = told([[held_by(corpus, t)] for t in question], passage_count=len(corpus), of=of)
    rarities = {t: idf(sum(t in p for p in corpus), len(corpus)) for t in question}
    expected = [sum(rarities[t] for t in question if t in p) for p in corpus]
    assert shares * sum(rarities.values()) == pytest.approx(expected)


def test_a_term_that_no_passage_holds_says_that_something_else_is_asked():
    corpus = [["pump", "oil"], ["pump", "valve"], ["pump", "hose"]]
    of = np.array([0], np.int32)
    shares = [
        told([[held_by(corpus, t)] for t in asked], passage_count=3, of=of)[0]
        for asked in (["pump", "oil"], ["pump", "oil", "moon"], ["pump", "moon"])
    ]
    assert shares[0] == 1
    assert shares[0] > shares[1] > shares[2] > 0


def test_a_question_without_terms_tells_nothing():
    assert told([], passage_count=3, of=np.array([0, 1], np.int32)).tolist() == [0, 0]


def test_real_sentences_rank_as_bm25s_ranks_them():
    corpus = [
        terms(text, language="en")
        for text in (
            "The pump AX-200 delivers 40 litres a minute at a pressure of 3.5 bar.",
            "Check the pressure of the pump once a month and note it in the log.",
            "Invoices are due within thirty days; a reminder follows after forty.",
            "The AX-300 replaces the AX-200; its pumps need no oil.",
            "Oil the valves every year. Oil that has turned black must be changed.",
        )
    ]
    question = [t for [t] in query_terms("What pressure has the AX-200 pump?", ["en"])]
    ids, scores = ask(corpus, [[held_by(corpus, term)] for term in question])
    expected = by_bm25s(corpus, question)
    assert ids.tolist() == np.argsort(-expected, kind="stable")[: len(ids)].tolist() == [0, 3, 1]
    assert scores == pytest.approx(expected[ids], abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("apart", [1, 1_000], ids=["dense", "sparse"])
def test_the_best_of_many_are_those_of_bm25s(seed, apart):
    random = np.random.default_rng(seed)
    words = random.zipf(1.3, size=(3_000, 12)) % 500
    corpus = [[f"t{word}" for word in passage] for passage in words.tolist()]
    packed = pack_by_term({apart * i: passage for i, passage in enumerate(corpus)})
    question = ["t1", "t2", "t7", "t31", "t499", "none"]
    classes = [[decode_postings(packed.get(term, b""))] for term in question]
    ids, scores = ask(corpus, classes, 10)
    expected = by_bm25s(corpus, question)
    best = np.lexsort((np.arange(len(expected)), -expected.round(5)))[:10]
    assert scores == pytest.approx(expected[ids // apart], abs=1e-4)
    assert expected[ids // apart] == pytest.approx(expected[best], abs=1e-4)
    assert ids.tolist() == ask(corpus, classes)[0][:10].tolist()


@given(passages, questions, st.sets(st.integers(0, 24)))
def test_among_some_passages_each_has_its_score_among_all(corpus, question, some):
    classes = [[held_by(corpus, term)] for term in question]
    every = dict(zip(*(each.tolist() for each in ask(corpus, classes)), strict=True))
    ids, scores = ask(corpus, classes, among=np.array(sorted(some), np.int32))
    assert dict(zip(ids.tolist(), scores.tolist(), strict=True)) == {
        i: score for i, score in every.items() if i in some
    }


@given(passages, st.lists(st.sets(st.sampled_from("abcdz"), min_size=1, max_size=3), max_size=3))
def test_the_forms_of_a_class_count_as_one_term(corpus, classes):
    ids, scores = ask(corpus, [[held_by(corpus, f) for f in sorted(c)] for c in classes])
    assert dict(zip(ids.tolist(), scores.tolist(), strict=True)) == pytest.approx(
        by_hand(corpus, classes)
    )


@given(passages, questions, st.integers(1, 10))
def test_a_limit_keeps_the_beginning_of_the_full_ranking(corpus, question, limit):
    classes = [[held_by(corpus, term)] for term in question]
    full, cut = ask(corpus, classes), ask(corpus, classes, limit)
    assert cut[0].tolist() == full[0][:limit].tolist()
    assert full[0].tolist() == full[0][np.lexsort((full[0], -full[1]))].tolist()


@given(passages, questions, st.integers(0, 25), st.booleans())
def test_segments_change_nothing(corpus, question, cut, later_first):
    halves = [range(min(cut, len(corpus))), range(min(cut, len(corpus)), len(corpus))]
    halves = halves[::-1] if later_first else halves
    ids, scores = ask(corpus, [[held_by(corpus, t, h) for h in halves] for t in question])
    whole_ids, whole_scores = ask(corpus, [[held_by(corpus, t)] for t in question])
    assert ids.tolist() == whole_ids.tolist()
    assert scores == pytest.approx(whole_scores)


def test_ids_far_apart_score_as_ids_side_by_side():
    texts = ["a" + 8 * "b", "aa" + 7 * "b", "aaa" + 6 * "b"]
    near = held_by(texts, "a")
    far = held_by(dict(zip([0, 10**6, 2 * 10**9], texts, strict=True)), "a", [0, 10**6, 2 * 10**9])
    asked = {"passage_count": 10, "mean_length": 9.0, "limit": 3}
    assert score([[near]], **asked)[1].tolist() == score([[far]], **asked)[1].tolist()
    assert score([[far], [far]], **asked)[0].tolist() == [2 * 10**9, 10**6, 0]


@pytest.mark.parametrize("others", [1, 3, 6, 12, 40])
def test_memory_is_by_postings_however_many_ids_are_of_others(others):
    ids = np.arange(0, 100_000 * others, others, dtype=np.int32)
    ones = np.ones(len(ids), np.uint16)
    held = Postings(passage_ids=ids, frequencies=ones, lengths=ones)
    tracemalloc.start()
    score([[held]], passage_count=len(ids), mean_length=1.0, limit=10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / len(ids) < 100  # bytes


@pytest.mark.parametrize("classes", [[], [[]], [[decode_postings(b"")]]])
def test_no_posting_gives_no_hit(classes):
    ids, scores = score(classes, passage_count=3, mean_length=2.0, limit=5)
    assert ids.tolist() == scores.tolist() == []


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"passage_count": 0}, {"passage_count": 1}, {"mean_length": 0.0}]
)
def test_impossible_counts_are_refused(wrong):
    asked = {"passage_count": 2, "mean_length": 2.0, "limit": 5} | wrong
    with pytest.raises(Invalid):
        score([[held_by({1: "ab", 2: "ab"}, "a", [1, 2])]], **asked)

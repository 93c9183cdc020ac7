"""A reader learns where the answer is, of articles that are not kept for the test."""

import json

import numpy as np
import pytest

from roadworthy.gateway.engine.reader import joined
from roadworthy.gateway.engine.tokens import open_tokens
from training import examples, reading
from training.sets import is_test_article

PASSAGE = "The tram was opened in 1894. Horses drew it until 1901, when cars came from Zurich."
OTHER = "Bread is baked from five in the morning on."
LIKE = "What drew the crowd was a tiger."
KEPT, ALSO_KEPT = [title for title in "abcdefghij" if not is_test_article(title)][:2]
HELD = next(title for title in "abcdefghij" if is_test_article(title))


def written(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def squad(question, article, answer=None):
    start = PASSAGE.find(answer or "")
    return {
        "question": question, "title": article, "paragraph_id": f"{article}0",
        "answers": [{"text": answer, "answer_start": start}] if answer else [],
    }  # fmt: skip


@pytest.fixture
def data(tmp_path):
    """Data in the layout of the sets that are trained on."""
    passages = [
        {"_id": f"{title}{number}", "title": title, "text": text}
        for title in (KEPT, HELD)
        for number, text in enumerate((PASSAGE, OTHER))
    ] + [
        {"_id": f"{ALSO_KEPT}{number}", "title": ALSO_KEPT, "text": text}
        for number, text in enumerate((OTHER, LIKE))
    ]
    folder = tmp_path / "retrieval/squad_v2"
    written(folder / "corpus.jsonl", passages)
    written(
        folder / "questions.jsonl",
        [
            squad("When was it opened?", KEPT, "1894"),
            squad("From where did cars come?", KEPT, "Zurich"),
            squad("When was it closed?", KEPT),
            squad("Kept for the test?", HELD, "1901"),
        ],
    )
    for language in reading.OTHER_SETS:
        folder = tmp_path / "languages" / language
        written(folder / "corpus.jsonl", passages)
        written(
            folder / "queries.jsonl",
            [
                {"_id": key, "text": text, "answers": [{"text": answer, "answer_start": start}]}
                for key, text, answer, start in (
                    ("1", "What drew it?", "Horses", PASSAGE.find("Horses")),
                    ("2", "And of the test?", "Horses", PASSAGE.find("Horses")),
                    ("3", "What drew people?", "a tiger", LIKE.find("a tiger")),
                )
            ],
        )
        (folder / "qrels").mkdir()
        lines = f"query-id\tcorpus-id\tscore\n1\t{KEPT}0\t1\n2\t{HELD}0\t1\n3\t{ALSO_KEPT}1\t1\n"
        (folder / "qrels/test.tsv").write_text(lines)
    statement = {"hypothesis": "A tram was opened.", "premise": PASSAGE, "label": "entailment"}
    written(
        tmp_path / "grounding/esnli/pairs.jsonl",
        [statement | {"split": "dev"}, statement | {"split": "test"}],
    )
    return tmp_path


@pytest.fixture(scope="module")
def tokens(model_folders):
    return open_tokens(model_folders["e5-small"])


def answers(pairs):
    """The tokens that are marked, of each question with an answer."""
    return sorted(
        tuple(pair.ids[pair.answer[0] : pair.answer[1] + 1])
        for pair in pairs
        if pair.is_answered and not pair.is_statement
    )


def test_the_marked_tokens_are_those_of_the_answer(data, tokens):
    found = reading.training_pairs(data, tokens)
    expected = [
        tuple(tokens.cut(text, max_tokens=9)[0][1:-1])
        for text in ("1894", "Zurich", *["Horses", "a tiger"] * len(reading.OTHER_SETS))
    ]
    assert [tuple(map(int, ids)) for ids in answers(found)] == sorted(expected)


def test_nothing_of_the_articles_for_the_test_is_trained_on(data, tokens):
    counts = reading.counted(reading.training_pairs(data, tokens))
    assert counts["answered"] == 2 + 2 * len(reading.OTHER_SETS)
    assert counts["statements"] == 1
    assert counts["not answered"] >= 1
    [held] = reading.held_out_pairs(data, tokens)
    assert held.is_answered


def test_a_question_is_put_to_the_passage_of_another_article_that_is_most_like_it(
    data, tokens, monkeypatch
):
    monkeypatch.setattr(reading, "NEAR_BY", 0)
    monkeypatch.setattr(reading, "ELSEWHERE", 1)
    found = [pair for pair in reading.training_pairs(data, tokens) if not pair.is_answered]
    for question, passage in (("What drew it?", LIKE), ("What drew people?", PASSAGE)):
        asked = examples.QUERY + question, examples.PASSAGE + passage
        row = joined(*asked, tokens, most=256, longest_question=60)
        assert sum(row.ids == pair.ids.tolist() for pair in found) == len(reading.OTHER_SETS)


def test_a_passage_that_is_cut_before_its_answer_teaches_nothing(data, tokens, monkeypatch):
    monkeypatch.setattr(reading, "MOST_TOKENS", 24)
    found = reading.training_pairs(data, tokens)
    assert max(len(pair.ids) for pair in found) == 24
    [year] = tokens.cut("1894", max_tokens=9)[0][1:-1]
    marked = answers(found)
    assert (year,) in marked
    assert len(marked) < 2 + 2 * len(reading.OTHER_SETS)
    assert all(marked)


def test_each_pair_is_drawn_once_a_round(data, tokens):
    pairs = reading.training_pairs(data, tokens)
    drawn = list(reading.batches(pairs, np.random.default_rng(1), most_tokens=64))
    assert sorted(id(pair) for batch in drawn for pair in batch) == sorted(map(id, pairs))
    assert all(len(batch) * max(len(pair.ids) for pair in batch) <= 64 for batch in drawn)

"""Questions with known answers are read whole or refused by name."""

import json

import pytest

from roadworthy.cli import dataset
from roadworthy.cli.dataset import read_dataset
from roadworthy.core.errors import Invalid
from roadworthy.tuning.questions import JudgedQuestion, Target


def lines(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "questions.jsonl"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.jsonl").write_text(
        lines({"_id": "q1", "text": "Who?"}, {"_id": "q2", "text": "Why?"})
    )
    (tmp_path / "qrels" / "test.tsv").write_text(
        'query-id\tcorpus-id\tscore\nq1\td"1\t2\nq1\td2\t1\nq2\td3\t0\nq9\td1\t1\n'
    )
    return tmp_path


def test_a_line_is_a_question_and_what_answers_it(file):
    file.write_text(
        lines({"question": "Who\u2028?", "document": "a.md", "more": 1})
        + "\n"
        + lines({"question": "Why?", "document": "b.md", "quote": "for"})
        + lines({"question": "Why?", "document": "c.md", "answer": "it is"})
        + lines({"question": "Why?", "document": "c.md", "answer": ["so"]})
        + lines({"question": "Nothing says?", "document": None})
    )
    assert read_dataset(file).questions == [
        JudgedQuestion(question="Who\u2028?", targets=[Target(document="a.md")], answers=[]),
        JudgedQuestion(
            question="Why?",
            targets=[Target(document="b.md", quote="for"), *[Target(document="c.md")] * 2],
            answers=["it is", "so"],
        ),
    ]


def test_a_folder_has_queries_and_grades(folder):
    targets = [Target(document='d"1', grade=2), Target(document="d2", grade=1)]
    found = read_dataset(folder)
    assert found.questions == [JudgedQuestion(question="Who?", targets=targets)]
    assert found.name == f"{folder.name}, test"


def test_what_is_for_training_goes_before_what_is_for_tests(folder):
    (folder / "qrels" / "train.tsv").write_text("q2\td3\t1\n")
    found = read_dataset(folder)
    assert found.name == f"{folder.name}, train"
    assert [each.question for each in found.questions] == ["Why?"]  # of a file without a header
    assert read_dataset(folder, "test").questions[0].question == "Who?"
    with pytest.raises(Invalid, match=r"dev\.tsv cannot be read"):
        read_dataset(folder, "dev")


def test_a_file_has_no_splits(file):
    file.write_text("")
    with pytest.raises(Invalid, match="leave --split out"):
        read_dataset(file, "train")


def test_what_is_blank_says_nothing(file):
    file.write_text(
        lines({"question": "Who? ", "document": "a", "quote": " ", "answer": ["", "I "]})
    )
    assert read_dataset(file).questions == [
        JudgedQuestion(question="Who?", targets=[Target(document="a")], answers=["I"])
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Line 1 .*JSON"),
        (lines({"question": "Who?"}), "Line 1 .*document"),
        ("\n" + lines({"question": "", "document": "a"}), "Line 2 .*question"),
        (lines({"question": "Who?", "document": "a", "quote": 1}), "quote"),
        (lines({"question": " ", "document": "a"}), "question"),
        (lines({"question": "?" * 8001, "document": "a"}), "Line 1 .*question.* 8000"),
        (lines({"question": "Who?", "document": "a\0"}), "document"),
        ("x" * 200_000, "more than"),
    ],
    ids=["json", "missing", "empty", "quote", "blank", "question", "nul", "long"],
)
def test_a_wrong_line_is_named(file, text, said):
    file.write_text(text)
    with pytest.raises(Invalid, match=said):
        read_dataset(file)


@pytest.mark.parametrize("row", ["q1\td1", "q1\td1\tmany", "q1\td1\tnan", "q1 d1 1"])
def test_a_wrong_judgement_is_named(folder, row):
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{row}\n")
    with pytest.raises(Invalid, match="Line 2"):
        read_dataset(folder)


def test_what_cannot_be_read_is_named(tmp_path, file):
    with pytest.raises(Invalid, match=r"queries\.jsonl cannot be read"):
        read_dataset(tmp_path)
    with pytest.raises(Invalid, match=r"questions\.jsonl cannot be read"):
        read_dataset(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(Invalid, match="UTF-8"):
        read_dataset(file)


def test_there_is_an_end_to_lines(file, monkeypatch):
    monkeypatch.setattr(dataset, "MOST_LINES", 2)
    file.write_text("\n\n")
    assert read_dataset(file).questions == []
    file.write_text("\n\n\n")
    with pytest.raises(Invalid, match="more than 2 lines"):
        read_dataset(file)

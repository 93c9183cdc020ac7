"""Each sample question is answered verbatim by its document, for exactly the people named."""

import json
from functools import cache

import kreuzberg
import pytest

from roadworthy.core.identity import EVERYONE
from sample.build import FILES, MANIFEST

SAMPLE = FILES.parent


def records(name):
    return [json.loads(line) for line in (SAMPLE / name).read_text("utf-8").splitlines()]


QUESTIONS = records("questions.jsonl")
ANSWERABLE = [question for question in QUESTIONS if question["document"]]
MANIFEST_LINES = {line["path"]: line for line in records(f"files/{MANIFEST}")}
PEOPLE = json.loads((SAMPLE / "people.json").read_text("utf-8"))["people"]


@cache
def extracted(path):
    return " ".join(kreuzberg.extract_file_sync(str(FILES / path)).content.split())


def may_read(person, line):
    granted = {*person["groups"], EVERYONE} & set(line["groups"])
    named = person["user"] in line.get("users", [])
    return person["clearance"] >= line["clearance"] and bool(granted or named)


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question["id"])
def test_the_answer_stands_in_the_document(question):
    assert question["answer"]
    assert [a for a in question["answer"] if a not in extracted(question["document"])] == []


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question["id"])
def test_exactly_the_people_named_may_read_it(question):
    line = MANIFEST_LINES[question["document"]]
    assert question["readable_by"] == [p["user"] for p in PEOPLE if may_read(p, line)]


def test_further_documents_are_in_the_manifest_and_no_more_secret():
    for question in QUESTIONS:
        for path in question["also_in"]:
            line = MANIFEST_LINES[path]
            readers = [person["user"] for person in PEOPLE if may_read(person, line)]
            assert readers == question["readable_by"]


def test_enough_questions_of_each_sort():
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS) >= 45
    assert len(QUESTIONS) - len(ANSWERABLE) >= 8
    assert {question["language"] for question in QUESTIONS} == {"en", "fr", "es"}
    assert sum(question["readable_by"] == ["rosalind"] for question in ANSWERABLE) >= 5
    assert sum(question["readable_by"] == ["sam"] for question in ANSWERABLE) >= 2


def test_enough_questions_cross_languages():
    languages = ((q["language"], MANIFEST_LINES[q["document"]]["language"]) for q in ANSWERABLE)
    assert sum(asked != written for asked, written in languages) >= 10


def test_unanswerable_questions_have_no_readers_and_no_answer():
    empty = [question for question in QUESTIONS if not question["document"]]
    assert all(not question["answer"] and not question["readable_by"] for question in empty)
    assert {question["language"] for question in empty} == {"en", "fr", "es"}

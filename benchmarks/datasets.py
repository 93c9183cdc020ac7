"""Retrieval sets in the layout of BEIR: corpus.jsonl, queries.jsonl, qrels/test.tsv."""

import csv
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

DEFAULT = Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalSet:
    """Documents, questions, and which documents answer which question."""

    name: str
    documents: dict[str, str]  # id -> title and text
    questions: dict[str, str]
    grades: dict[str, dict[str, float]]  # question id -> document id -> grade


def retrieval_sets(
    folder: Path, *, most_questions: int, most_documents: int | None = None
) -> list[RetrievalSet]:
    """Read every set below `folder`; a seeded sample where a set has more questions.

    Args:
        most_documents: of each set, a seeded sample, with the questions that it answers.
    """
    found = []
    for qrels in sorted(folder.rglob("test.tsv")):
        data = _read(qrels.parents[1])
        if data is not None:
            if most_documents is not None:
                data = _of_documents(data, most_documents)
            found.append(_of_questions(data, most_questions))
    return found


def _of_documents(data: RetrievalSet, most: int) -> RetrievalSet:
    kept = set(_sample(data.documents, most))
    answered = [key for key, graded in data.grades.items() if graded.keys() <= kept]
    return replace(
        data,
        documents={key: text for key, text in data.documents.items() if key in kept},
        questions={key: data.questions[key] for key in data.questions if key in answered},
    )


def _of_questions(data: RetrievalSet, most: int) -> RetrievalSet:
    chosen = _sample(data.questions, most)
    return replace(
        data,
        questions={key: data.questions[key] for key in chosen},
        grades={key: data.grades[key] for key in chosen},
    )


def _sample(keys: Iterable[str], most: int) -> list[str]:
    ordered = sorted(keys)
    if len(ordered) <= most:
        return ordered
    return random.Random(1).sample(ordered, most)  # noqa: S311


def _read(folder: Path) -> RetrievalSet | None:
    if not (folder / "queries.jsonl").exists():
        print(f"{folder.name}: skipped, it has no queries.jsonl")
        return None
    grades: dict[str, dict[str, float]] = {}
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            grades.setdefault(row["query-id"], {})[row["corpus-id"]] = float(row["score"])
    return RetrievalSet(
        name=folder.name,
        documents={
            row["_id"]: f"{row.get('title', '')}\n{row['text']}".strip()
            for row in _lines(folder / "corpus.jsonl")
        },
        questions={
            row["_id"]: row["text"]
            for row in _lines(folder / "queries.jsonl")
            if row["_id"] in grades
        },
        grades=grades,
    )


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]

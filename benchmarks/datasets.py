"""Retrieval sets in the layout of BEIR: corpus.jsonl, queries.jsonl, qrels/test.tsv."""

import csv
import json
import random
from dataclasses import dataclass
from pathlib import Path

DEFAULT = Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalSet:
    """Documents, questions, and which documents answer which question."""

    name: str
    documents: dict[str, str]  # id -> title and text
    questions: dict[str, str]
    grades: dict[str, dict[str, float]]  # question id -> document id -> grade


def retrieval_sets(folder: Path, *, most_questions: int) -> list[RetrievalSet]:
    """Read every set below `folder`; a seeded sample where a set has more questions."""
    found = [_read(qrels.parents[1], most_questions) for qrels in sorted(folder.rglob("test.tsv"))]
    return [each for each in found if each is not None]


def _read(folder: Path, most_questions: int) -> RetrievalSet | None:
    if not (folder / "queries.jsonl").exists():
        print(f"{folder.name}: skipped, it has no queries.jsonl")
        return None
    grades: dict[str, dict[str, float]] = {}
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            grades.setdefault(row["query-id"], {})[row["corpus-id"]] = float(row["score"])
    questions = {
        row["_id"]: row["text"] for row in _lines(folder / "queries.jsonl") if row["_id"] in grades
    }
    chosen = sorted(questions)
    if len(chosen) > most_questions:
        chosen = random.Random(1).sample(chosen, most_questions)  # noqa: S311
    return RetrievalSet(
        name=folder.name,
        documents={
            row["_id"]: f"{row.get('title', '')}\n{row['text']}".strip()
            for row in _lines(folder / "corpus.jsonl")
        },
        questions={key: questions[key] for key in chosen},
        grades={key: grades[key] for key in chosen},
    )


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]

"""Questions whose answers are known, as files: one JSON object a line, or the layout of BEIR."""

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, Field, ValidationError

from roadworthy.core.errors import Invalid
from roadworthy.retrieval.judged import JudgedQuestion, Target

LONGEST_LINE = 100_000  # characters
MOST_LINES = 1_000_000
QUERIES, QRELS = Path("queries.jsonl"), Path("qrels") / "test.tsv"


class _Line(BaseModel):
    question: str = Field(min_length=1)
    document: str | None = Field(min_length=1)  # None: no document answers it
    quote: str | None = Field(default=None, min_length=1)
    answer: str | list[str] = []  # its words, or each way to say it

    @property
    def answers(self) -> list[str]:
        """Give each way to say it."""
        return [self.answer] if isinstance(self.answer, str) else self.answer


class _Query(BaseModel):
    id: str = Field(alias="_id")
    text: str


T = TypeVar("T", bound=BaseModel)


def read_questions(path: Path) -> list[JudgedQuestion]:
    """Read a file of questions, or a folder with `queries.jsonl` and `qrels/test.tsv`.

    A question that stands on several lines is answered by each of them.

    Raises:
        Invalid: a file cannot be read, or a line of it is wrong; the sentence names it.
    """
    try:
        return _beir(path) if path.is_dir() else _told(path)
    except OSError as error:
        raise Invalid(f"{error.filename or path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{path} is not in UTF-8.") from error


def _told(path: Path) -> list[JudgedQuestion]:
    found: dict[str, list[Target]] = {}
    answers: dict[str, list[str]] = {}
    for line in _rows(path, _Line):
        if line.document is not None:
            target = Target(document=line.document, quote=line.quote)
            found.setdefault(line.question, []).append(target)
            answers.setdefault(line.question, []).extend(line.answers)
    return [
        JudgedQuestion(question=question, targets=targets, answers=answers[question])
        for question, targets in found.items()
    ]


def _beir(folder: Path) -> list[JudgedQuestion]:
    questions = {query.id: query.text for query in _rows(folder / QUERIES, _Query)}
    found: dict[str, list[Target]] = {}
    for query, document, grade in _judgements(folder / QRELS):
        if query in questions and grade > 0:
            target = Target(document=document, grade=grade)
            found.setdefault(questions[query], []).append(target)
    return [JudgedQuestion(question=question, targets=each) for question, each in found.items()]


def _judgements(path: Path) -> Iterator[tuple[str, str, float]]:
    rows = csv.reader(_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE)
    for number, row in enumerate(rows, 1):
        if number == 1:
            continue  # the names of the columns
        yield _judgement(row, where=f"Line {number} of {path}")


def _judgement(row: Sequence[str], *, where: str) -> tuple[str, str, float]:
    try:
        query, document, score = row
        grade = float(score)
    except ValueError as error:
        raise Invalid(
            f"{where} is not a query, a document and a number, parted by tabs."
        ) from error
    if not math.isfinite(grade):
        raise Invalid(f"{where} has a grade that is no number.")
    return query, document, grade


def _rows(path: Path, kind: type[T]) -> Iterator[T]:
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            yield kind.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, first["loc"])) or "JSON"
            raise Invalid(f"Line {number} of {path}: {field}: {first['msg']}.") from error


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="\n") as file:
        for number in range(1, MOST_LINES + 2):
            line = file.readline(LONGEST_LINE + 1)
            if not line:
                return
            if len(line) > LONGEST_LINE:
                raise Invalid(f"Line {number} of {path} has more than {LONGEST_LINE} characters.")
            if number <= MOST_LINES:
                yield line
    raise Invalid(f"{path} has more than {MOST_LINES} lines.")

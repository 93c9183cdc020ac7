"""Questions whose answers are known, as files: one JSON object a line, or the layout of BEIR."""

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from roadworthy.core.choosing import LEAST_DOCUMENTS
from roadworthy.core.errors import Invalid
from roadworthy.retrieval.search import LONGEST_QUESTION
from roadworthy.tuning.questions import Dataset, JudgedQuestion, Target

LONGEST_LINE = 100_000  # characters
MOST_LINES = 1_000_000
QUERIES, QRELS = Path("queries.jsonl"), Path("qrels")

Split = Literal["train", "dev", "test"]
SPLITS: Sequence[Split] = (
    "train",
    "dev",
    "test",
)  # who tunes on the last has nothing left to report by

DatasetPath = Annotated[
    Path, typer.Option(help="JSON lines of question, document, quote; or a folder as BEIR's.")
]
SplitName = Annotated[
    Split | None, typer.Option(help="Of a folder; else train or dev where it has them.")
]
Questions = Annotated[
    int, typer.Option(min=LEAST_DOCUMENTS, max=10_000, help="At most so many are asked.")
]
Minutes = Annotated[float, typer.Option(min=0.01, max=600, help="And not for longer.")]

WITHOUT_NUL = r"^[^\x00]*$"  # PostgreSQL holds none
Question = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=LONGEST_QUESTION, pattern=WITHOUT_NUL
    ),
]


class _Line(BaseModel):
    question: Question
    document: str | None = Field(min_length=1, pattern=WITHOUT_NUL)  # None: no document answers it
    quote: str | None = None  # blank: nobody said
    answer: str | list[str] = []  # its words, or each way to say it; blank: nobody said

    @property
    def target(self) -> Target | None:
        """Give what answers it."""
        if self.document is None:
            return None
        return Target(document=self.document, quote=(self.quote or "").strip() or None)

    @property
    def answers(self) -> list[str]:
        """Give each way to say it."""
        given = [self.answer] if isinstance(self.answer, str) else self.answer
        return [each.strip() for each in given if each.strip()]


class _Query(BaseModel):
    id: str = Field(alias="_id")
    text: Question


T = TypeVar("T", bound=BaseModel)


def read_dataset(path: Path, split: Split | None = None) -> Dataset:
    """Read a file of questions, or a folder with `queries.jsonl` and `qrels/SPLIT.tsv`.

    A question that stands on several lines is answered by each of them.

    Args:
        split: of a folder; None: the first of SPLITS that is there.

    Raises:
        Invalid: a file cannot be read, or a line of it is wrong; the sentence names it. Or a
            split of a file is asked for.
    """
    try:
        if path.is_dir():
            return _beir(path, split or _first_split(path))
        if split is not None:
            raise Invalid(f"{path} is a file, and only a folder has splits; leave --split out.")
        return Dataset(name=path.name, questions=_told(path))
    except OSError as error:
        raise Invalid(f"{error.filename or path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{path} is not in UTF-8.") from error


def _told(path: Path) -> list[JudgedQuestion]:
    found: dict[str, list[Target]] = {}
    answers: dict[str, list[str]] = {}
    for line in _rows(path, _Line):
        if line.target is not None:
            found.setdefault(line.question, []).append(line.target)
            answers.setdefault(line.question, []).extend(line.answers)
    return [
        JudgedQuestion(question=question, targets=targets, answers=answers[question])
        for question, targets in found.items()
    ]


def _first_split(folder: Path) -> Split:
    for split in SPLITS:
        if (folder / QRELS / f"{split}.tsv").is_file():
            return split
    return "test"


def _beir(folder: Path, split: Split) -> Dataset:
    questions = {query.id: query.text for query in _rows(folder / QUERIES, _Query)}
    found: dict[str, list[Target]] = {}
    for query, document, grade in _judgements(folder / QRELS / f"{split}.tsv"):
        if query in questions and grade > 0:
            target = Target(document=document, grade=grade)
            found.setdefault(questions[query], []).append(target)
    asked = [JudgedQuestion(question=question, targets=each) for question, each in found.items()]
    return Dataset(name=f"{folder.resolve().name}, {split}", questions=asked)


def _judgements(path: Path) -> Iterator[tuple[str, str, float]]:
    rows = csv.reader(_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE)
    for number, row in enumerate(rows, 1):
        if number == 1 and row and not row[-1].strip()[:1].isdigit():
            continue  # the names of the columns, if they are told
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

"""How well questions are told from statements where nobody wrote a question mark.

make bench NAME=question-words [ARGS="--data DIR --documents 600"]

Questions are told as they were written, by their mark alone, and with their marks taken away. The
statements are the sentences of the documents that hold no mark, and those of SciFact are claims.
"""

import argparse
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.datasets import DEFAULT, RetrievalSet, retrieval_sets
from benchmarks.intervals import Figure, share
from roadworthy.answering.question_words import MARKS, is_question
from roadworthy.core.sentences import sentences

CLAIMS = frozenset({"scifact"})  # sets whose texts ask nothing
SHORTEST = 25  # characters of a statement; headings and rests of tables are shorter
MARK = re.compile(f"[{MARKS}]")

Row = dict[str, Figure | None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT, help="folder with retrieval sets")
    parser.add_argument("--documents", type=int, default=600, help="most that are read of a set")
    parser.add_argument("--questions", type=int, default=100_000, help="most of a set")
    options = parser.parse_args()
    sets = retrieval_sets(options.data, most_questions=options.questions)
    rows = {data.name: measure(data, documents=options.documents) for data in sets}
    columns = ("marked", "told", "told without marks", "statements taken for questions")
    table = Table("set", *columns)
    for name, row in rows.items():
        table.add_row(name, *(_percent(row[column]) for column in columns))
    Console().print(table)
    print(json.dumps({
        column.replace(" ", "_"): {
            name: figure and [round(part, 4) for part in (figure.value, figure.low, figure.high)]
            for name, figure in ((name, row[column]) for name, row in rows.items())
        }
        for column in columns
    }))  # fmt: skip


def measure(data: RetrievalSet, *, documents: int) -> Row:
    """Tell the questions and the statements of a set."""
    asked = list(data.questions.values())
    questions = [] if data.name in CLAIMS else asked
    names = sorted(data.documents)
    read = random.Random(1).sample(names, min(documents, len(names)))  # noqa: S311
    statements = [text for name in read for text in _statements(data.documents[name])]
    statements += asked if data.name in CLAIMS else []
    return {
        "marked": share(sum(bool(MARK.search(text)) for text in questions), of=len(questions)),
        "told": _told(questions),
        "told without marks": _told([MARK.sub("", text) for text in questions]),
        "statements taken for questions": _told(statements),
    }


def _statements(document: str) -> Sequence[str]:
    found = [document[start:end] for start, end in sentences(document)]
    return [text for text in found if len(text) > SHORTEST and not MARK.search(text)]


def _told(texts: Sequence[str]) -> Figure | None:
    return share(sum(map(is_question, texts)), of=len(texts))


def _percent(figure: Figure | None) -> str:
    return f"{figure.value:.1%} [{figure.low:.1%} {figure.high:.1%}]" if figure else "–"


if __name__ == "__main__":
    main()

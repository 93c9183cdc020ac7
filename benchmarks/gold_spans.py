"""Questions with the places that answer them, in articles put together from their paragraphs."""

import csv
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BEGINNING = 100  # characters of a document that answers as a whole: one of its passages is enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A run of an article, told by a part of the article and the place in that part."""

    article: str
    part: str
    start: int
    end: int

    @property
    def text(self) -> str:
        """Give its words."""
        return self.part[self.start : self.end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, and what has to be read for its answer: all spans of one of the alternatives."""

    text: str
    alternatives: Sequence[Sequence[Span]]
    answers: Sequence[str]  # short, as a person gave them; none: it has no short answer


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanSet:
    """Articles by name, and questions to them."""

    name: str
    articles: dict[str, str]
    questions: list[Question]


def span_sets(folder: Path, *, named: Sequence[str], most_questions: int) -> list[SpanSet]:
    """Read the sets of these names below `folder`, with a seeded sample of their questions."""
    found = []
    for each in sorted(folder.rglob("queries.jsonl")) + sorted(folder.rglob("corpora")):
        if each.parent.name in named:
            data = _texts(each.parent) if each.is_dir() else _paragraphs(each.parent)
            sample = random.Random(1).sample  # noqa: S311
            asked = sample(data.questions, min(most_questions, len(data.questions)))
            found.append(SpanSet(name=data.name, articles=data.articles, questions=asked))
    return found


def _texts(folder: Path) -> SpanSet:
    articles = {file.stem: file.read_text("utf-8") for file in (folder / "corpora").glob("*.md")}
    questions = []
    for row in _lines(folder / "questions.jsonl"):
        article = row["corpus_id"]
        spans = [
            Span(
                article=article,
                part=articles[article],
                start=reference["start_index"],
                end=reference["end_index"],
            )
            for reference in row["references"]
        ]
        questions.append(Question(text=row["question"], alternatives=[spans], answers=()))
    return SpanSet(name=folder.name, articles=articles, questions=questions)


def _paragraphs(folder: Path) -> SpanSet:
    titles: dict[str, list[str]] = {}
    article_of: dict[str, tuple[str, str]] = {}  # paragraph id -> article and text
    for row in _lines(folder / "corpus.jsonl"):
        titles.setdefault(row["title"], []).append(row["text"])
        article_of[row["_id"]] = (row["title"], row["text"])
    names = {title: f"article-{number}" for number, title in enumerate(titles)}
    articles = {
        names[title]: "\n\n".join([title.replace("_", " "), *texts])
        for title, texts in titles.items()
    }
    placed = {key: (names[title], text) for key, (title, text) in article_of.items()}
    gold: dict[str, list[str]] = {}
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            gold.setdefault(row["query-id"], []).append(row["corpus-id"])
    file = folder / "questions.jsonl"
    rows = _lines(file if file.exists() else folder / "queries.jsonl")
    questions = [
        _question(row, [placed[key] for key in gold[row["_id"]]])
        for row in rows
        if row["_id"] in gold
    ]
    return SpanSet(name=folder.name, articles=articles, questions=questions)


def _question(row: dict, gold: Sequence[tuple[str, str]]) -> Question:
    text = row.get("question") or row["text"]
    if not row.get("answers"):
        whole = [Span(article=a, part=part, start=0, end=BEGINNING) for a, part in gold]
        return Question(text=text, alternatives=[whole], answers=())
    [(article, part)] = gold
    spans = [
        Span(
            article=article,
            part=part,
            start=answer["answer_start"],
            end=answer["answer_start"] + len(answer["text"]),
        )
        for answer in row["answers"]
    ]
    return Question(
        text=text,
        alternatives=[[span] for span in spans],
        answers=sorted({span.text for span in spans}),
    )


def _lines(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]

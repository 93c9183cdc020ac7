"""Read the labelled sets, each row with the source by which training and tests are kept apart."""

import hashlib
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from kreuzberg import extract_file_sync

DEFAULT = Path(__file__).parents[2] / "shared" / "data"

# Departments of the handbook and corpora that no example of `screen` comes from.
TEST_DEPARTMENTS = ("legal", "security", "finance", "people-talent")
VALIDATION_DEPARTMENTS = ("marketing", "sales")
TRAIN_CORPORA = ("squad_v2", "tau2_banking", "xquad_en", "xquad_es", "xquad_de", "xquad_ru")
VALIDATION_CORPORA = ("hotpotqa_100", "xquad_zh")
TEST_CORPORA = ("scifact", "piaf_fr", "xquad_ar")

_PARAGRAPHS = 700  # characters of a handbook passage, about


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A text that people labelled."""

    text: str
    is_positive: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question about a passage; `answer` is a run of it, or None where it holds none."""

    question: str
    passage: str
    answer: tuple[int, int] | None
    article: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A sentence beside the passage that may support it."""

    sentence: str
    passage: str
    is_supported: bool
    source: str


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Read JSON lines."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def is_test_article(title: str) -> bool:
    """Tell whether an article is kept for the test; three in ten are."""
    return hashlib.sha256(title.encode()).digest()[0] % 10 < 3


def source_of(corpus: str) -> str:
    """Name whose articles a set has: XQuAD is a part of SQuAD, in other languages."""
    return "squad" if corpus.startswith(("squad", "xquad")) else corpus


def is_read_in_training(corpus: str, title: str) -> bool:
    """Tell whether the reader is trained on questions to an article of a set."""
    return source_of(corpus) in {"squad", "piaf_fr"} and not is_test_article(title)


# --- instructions to the model ---------------------------------------------------------------


def direct(data: Path, part: str) -> list[Labelled]:
    """Read attacks on the model and harmless prompts; `part` is train or test."""
    found = rows(data / "guards" / f"injection_{part}.jsonl")
    return [
        Labelled(text=row["text"], is_positive=bool(row["label"]), source=row["source"])
        for row in found
    ]


def lookalikes(data: Path) -> list[Labelled]:
    """Read harmless prompts that look like attacks; those of XSTest that are not for training."""
    trained = {row.text.strip().lower() for row in direct(data, "train")}
    notinject = [row["text"] for row in rows(data / "guards/notinject/examples.jsonl")]
    xstest = [
        row["prompt"]
        for row in rows(data / "guards/xstest/prompts.jsonl")
        if row["label"] == "safe" and row["prompt"].strip().lower() not in trained
    ]
    return [Labelled(text=text, is_positive=False, source="notinject") for text in notinject] + [
        Labelled(text=text, is_positive=False, source="xstest") for text in xstest
    ]


def requests(data: Path) -> list[str]:
    """Read what people asked an assistant to do."""
    path = data / "grounding/halueval_qa_part/general_human_labelled.jsonl"
    asked = (row["user_query"].removesuffix("No input").strip() for row in rows(path))
    return [text for text in asked if 10 < len(text) < 300]


# --- passages, and attacks to hide in them ---------------------------------------------------


def attacks(data: Path, part: str, kind: str) -> list[str]:
    """Read BIPIA's attacks of a part (train, test) and a kind (text, code)."""
    return [row.text for row in attack_rows(data, part, kind)]


def attack_rows(data: Path, part: str, kind: str) -> list[Labelled]:
    """Read the same, with the category of each as its source."""
    return [
        Labelled(text=row["attack"], is_positive=True, source=row["category"])
        for row in rows(data / "guards/bipia/attacks.jsonl")
        if row["split"] == part and row["kind"] == kind
    ]


def contexts(data: Path, part: str, kind: str) -> list[str]:
    """Read BIPIA's contexts of a part (train, test) and a kind (email, table, code)."""
    found = rows(data / f"guards/bipia/contexts/{kind}_{part}.jsonl")
    if kind == "code":
        return ["\n".join([*row["error"], *row["code"], *row["context"]]) for row in found]
    return [row["context"] for row in found]


def passages(data: Path, corpus: str) -> list[str]:
    """Read the passages of a retrieval set; of SQuAD only articles that are for training."""
    folder = data / ("languages" if corpus.startswith(("xquad", "piaf")) else "retrieval") / corpus
    return [
        row["text"]
        for row in rows(folder / "corpus.jsonl")
        if corpus != "squad_v2" or not is_test_article(row["title"])
    ]


TRAIN, VALIDATION, TEST = "train", "validation", "test"


def handbook(data: Path, part: str) -> list[str]:
    """Read passages of the handbook; departments are for the test, for validation or training."""
    root = data / "documents/company_handbook/content"
    found: list[str] = []
    for path in sorted(root.rglob("*.md")):
        if _part_of(path.relative_to(root)) == part:
            found += _joined(path.read_text(encoding="utf-8", errors="replace"))
    return found


def _part_of(page: Path) -> str:
    if not set(page.parts).isdisjoint(TEST_DEPARTMENTS):
        return TEST
    return TRAIN if set(page.parts).isdisjoint(VALIDATION_DEPARTMENTS) else VALIDATION


def frequent_questions(data: Path) -> list[dict[str, Any]]:
    """Read a page of questions with their answers: `name` and `content`."""
    return list(rows(data / "documents/workplace_roles/faq.jsonl"))


def policies(data: Path) -> list[str]:
    """Read passages of a small company's policies and of its issues."""
    folder = data / "documents/workplace_roles"
    texts = [row["content"] for row in rows(folder / "documents.jsonl")]
    texts += [row["text"] for row in rows(folder / "github_internal.jsonl")]
    return [piece for text in texts for piece in _joined(text)]


def sample() -> list[str]:
    """Read passages of the corpus that ships as a sample, each led by the name of its document.

    They are as documents of a company are, in three languages; nothing is trained on them.
    """
    root = files("roadworthy.sample") / "files"
    paths = sorted(p for p in Path(str(root)).rglob("*") if p.is_file() and p.suffix != ".jsonl")
    found = []
    for path in paths:
        title = path.stem.replace("-", " ").capitalize()
        text = extract_file_sync(str(path)).content
        found += [f"{title}\n{piece}" for piece in _joined(text)]
    return found


def long_texts(data: Path) -> dict[str, list[str]]:
    """Read passages of five long texts, by the name of the text."""
    folder = data / "retrieval/chunking_eval/corpora"
    return {p.stem: _joined(p.read_text(encoding="utf-8")) for p in sorted(folder.glob("*.md"))}


def _joined(text: str) -> list[str]:
    """Join paragraphs to passages."""
    found, current = [], ""
    for paragraph in re.split(r"\n\s*\n", text):
        for piece in _cut(paragraph.strip()):
            if current and len(current) + len(piece) > _PARAGRAPHS:
                found.append(current)
                current = ""
            current = f"{current}\n\n{piece}" if current else piece
    return [each for each in [*found, current] if len(each) > 80]


def _cut(paragraph: str) -> list[str]:
    if len(paragraph) <= 2 * _PARAGRAPHS:
        return [paragraph]
    sentences = re.split(r"(?<=[.!?\n]) ", paragraph)
    pieces = [""]
    for sentence in sentences:
        if len(pieces[-1]) > _PARAGRAPHS:
            pieces.append("")
        pieces[-1] = f"{pieces[-1]} {sentence}".strip()[: 3 * _PARAGRAPHS]
    return pieces


# --- hate ------------------------------------------------------------------------------------

TEST_FUNCTIONS = frozenset(
    {
        "derog_impl_h",
        "negate_pos_h",
        "phrase_question_h",
        "ref_subs_sent_h",
        "slur_h",
        "spell_leet_h",
        "spell_space_del_h",
        "threat_norm_h",
        "counter_quote_nh",
        "ident_pos_nh",
        "negate_neg_nh",
        "profanity_nh",
        "slur_homonym_nh",
        "target_indiv_nh",
    }
)


def hate(data: Path, *, test: bool) -> list[Labelled]:
    """Read HateCheck's cases, of the functions for the test or of all others."""
    return [
        Labelled(
            text=row["test_case"].strip(),
            is_positive=row["label_gold"] == "hateful",
            source=row["functionality"],
        )
        for row in rows(data / "guards/hatecheck/cases.jsonl")
        if (row["functionality"] in TEST_FUNCTIONS) == test
    ]


# --- questions and statements about a passage ------------------------------------------------


def squad(data: Path, *, test: bool) -> list[Question]:
    """Read SQuAD v2, of the articles for the test or of all others."""
    folder = data / "retrieval/squad_v2"
    texts = {row["_id"]: row["text"] for row in rows(folder / "corpus.jsonl")}
    return [
        Question(
            question=row["question"].strip(),
            passage=texts[row["paragraph_id"]],
            answer=_run(row["answers"]),
            article=row["title"],
        )
        for row in rows(folder / "questions.jsonl")
        if is_test_article(row["title"]) == test
    ]


def answerable(data: Path, name: str) -> list[Question]:
    """Read a set whose questions all have an answer, of the articles that are not for the test."""
    folder = data / "languages" / name
    passages = {row["_id"]: row for row in rows(folder / "corpus.jsonl")}
    _, *lines = (folder / "qrels" / "test.tsv").read_text("utf-8").splitlines()
    asked_of = {
        question: passages[key] for question, key, _ in (line.split("\t") for line in lines)
    }
    return [
        Question(
            question=row["text"].strip(),
            passage=passage["text"],
            answer=_run(row["answers"]),
            article=passage["title"],
        )
        for row in rows(folder / "queries.jsonl")
        if is_read_in_training(name, (passage := asked_of[row["_id"]])["title"])
    ]


def _run(answers: list[dict[str, Any]]) -> tuple[int, int] | None:
    if not answers:
        return None
    start, text = answers[0]["answer_start"], answers[0]["text"]
    return start, start + len(text)


# Replies of T5 and the two smaller conversations are the test; a fact of theirs is not trained on.
def begin(data: Path, *, test: bool) -> list[Statement]:
    """Read replies whose support people judged, of the sources for the test or of all others."""
    found = list(rows(data / "grounding/begin/examples.jsonl"))
    held_out = {row["knowledge"] for row in found if _is_test_reply(row)}
    return [
        Statement(
            sentence=row["response"],
            passage=row["knowledge"],
            is_supported=row["begin_label"] == "Fully attributable",
            source=f"{row['data_source']}-{row['model_name']}",
        )
        for row in found
        if (_is_test_reply(row) if test else row["knowledge"] not in held_out)
    ]


def _is_test_reply(row: dict[str, Any]) -> bool:
    return row["data_source"] != "wow" or row["model_name"] == "t5"


def entailment(data: Path, part: str) -> list[Statement]:
    """Read e-SNLI; `part` is dev or test. What is neutral or contradicted is not supported."""
    return [
        Statement(
            sentence=row["hypothesis"].strip(),
            passage=row["premise"].strip(),
            is_supported=row["label"] == "entailment",
            source="esnli",
        )
        for row in rows(data / "grounding/esnli/pairs.jsonl")
        if row["split"] == part
    ]


def chosen(texts: list[Any], most: int, rng: random.Random) -> list[Any]:
    """Draw at most `most`, without repetition."""
    return list(texts) if len(texts) <= most else rng.sample(texts, most)

"""How well the language of questions, of pieces of them, and of runs of text is told."""

import json
import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.datasets import RetrievalSet
from benchmarks.peer import run_peer
from roadworthy.core.ranking_metrics import mean
from roadworthy.corpus.languages import detect, detect_passage

RUN = 80  # characters of a run of text
PEER_PATIENCE_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A labelled text, and what two detectors say."""

    kind: str
    language: str
    ours: str
    peers: str | None  # None: it did not run


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How well one detector tells the labelled languages; "und" is no answer.

    Precision counts every text that was given one of these labels, recall every text that has it.
    """

    precision: float | None
    recall: float | None
    wrong: float | None  # share of all that got another language


def tell(sets: Mapping[str, RetrievalSet], *, most: int) -> tuple[list[Told], dict[str, object]]:
    """Tell the language of questions, of pieces of them, and of runs of text."""
    labelled = [
        (kind, language, text)
        for language, data in sets.items()
        for kind, texts in _kinds(language, data).items()
        for text in random.Random(4).sample(texts, min(most, len(texts)))  # noqa: S311
    ]
    texts = [text for _, _, text in labelled]
    detect("warm")
    began = time.perf_counter()
    ours = [_ours(kind, text) for kind, _, text in labelled]
    ours_us = (time.perf_counter() - began) / max(1, len(texts)) * 1e6
    peers, peer_us = _peer(texts)
    told = [
        Told(kind=kind, language=language, ours=own, peers=peers[number] if peers else None)
        for number, ((kind, language, _), own) in enumerate(zip(labelled, ours, strict=True))
    ]
    return told, {"ours_us": round(ours_us, 1), "lingua_us": peer_us}


def _kinds(language: str, data: RetrievalSet) -> dict[str, list[str]]:
    """Give whole questions, three words of each, and runs out of the middle of paragraphs."""
    chance = random.Random(6)  # noqa: S311
    questions = list(data.questions.values())
    long = [text for text in data.documents.values() if len(text) > 2 * RUN]
    starts = [chance.randrange(RUN, len(text) - RUN + 1) for text in long]
    return {
        "question": questions,
        "three words": [_three_words(each, language) for each in questions],
        f"{RUN} characters": [text[at : at + RUN] for text, at in zip(long, starts, strict=True)],
    }


def _three_words(question: str, language: str) -> str:
    # Chinese puts no spaces; a word has about two characters.
    return question[:6] if language == "zh" else " ".join(question.split()[:3])


def _ours(kind: str, text: str) -> str:
    # Of a run of text the product asks whether it is surely of another language than its document.
    return detect_passage(text, document="und") if kind.endswith("characters") else detect(text)


def _peer(texts: Sequence[str]) -> tuple[list[str] | None, float | None]:
    try:
        said = run_peer(
            "lingua",
            "lingua_detect.py",
            told="".join(f"{json.dumps(text)}\n" for text in texts),
            timeout_s=PEER_PATIENCE_S,
        )
    except (subprocess.SubprocessError, OSError) as error:
        print(f"lingua did not run: {error}")
        return None, None
    answer = json.loads(said)
    return answer["languages"], round(answer["seconds"] / max(1, len(texts)) * 1e6, 1)


def _figures(pairs: Iterable[tuple[str, str | None]], labels: set[str]) -> Figures:
    counts = Counter(pairs)
    total = sum(counts.values())
    if not total or any(said is None for _, said in counts):
        return Figures(precision=None, recall=None, wrong=None)
    right = sum(count for (truth, said), count in counts.items() if truth == said)
    named = sum(count for (_, said), count in counts.items() if said in labels)
    wrong = sum(count for (truth, said), count in counts.items() if said not in {truth, "und"})
    return Figures(
        precision=round(right / named, 4) if named else None,
        recall=round(right / total, 4),
        wrong=round(wrong / total, 4),
    )


def judged(told: Sequence[Told]) -> dict[str, dict[str, Figures]]:
    """Judge both detectors on each kind of text."""
    labels = {each.language for each in told}
    found: dict[str, dict[str, Figures]] = {}
    for kind in dict.fromkeys(each.kind for each in told):
        of_kind = [each for each in told if each.kind == kind]
        found[kind] = {
            "ours": _figures(((each.language, each.ours) for each in of_kind), labels),
            "lingua": _figures(((each.language, each.peers) for each in of_kind), labels),
        }
    return found


def recall_by_language(told: Sequence[Told]) -> dict[str, dict[str, float | None]]:
    """Give the recall of our detector by language and kind."""
    right: dict[str, dict[str, list[float]]] = {}
    for each in told:
        of_language = right.setdefault(each.language, {})
        of_language.setdefault(each.kind, []).append(float(each.ours == each.language))
    return {
        language: {kind: mean(values) for kind, values in row.items()}
        for language, row in right.items()
    }

"""What the figures are measured on: sources, contexts and attacks that nothing was trained on."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training import sets
from training.screening import HELD_OUT
from training.sets import Question, Statement, chosen

_ATTACKS_A_CONTEXT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A text, whether it is what a guard looks for, and where it comes from."""

    text: str
    is_positive: bool
    source: str


def direct_cases(data: Path) -> list[Case]:
    """Give attacks of people, and prompts that are none, of sources not trained on.

    `deepset` is the exception: other rows of it were trained on, so it is told apart.
    """
    rows = [
        *sets.direct(data, "test"),
        *(row for row in sets.direct(data, "train") if row.source in HELD_OUT),
    ]
    return [Case(text=row.text, is_positive=row.is_positive, source=row.source) for row in rows]


def lookalike_cases(data: Path) -> list[Case]:
    """Give harmless questions in the words of attacks."""
    return [
        Case(text=row.text, is_positive=False, source=row.source) for row in sets.lookalikes(data)
    ]


def passage_cases(data: Path, *, most: int = 150) -> list[Case]:
    """Give passages of contexts and corpora not trained on, clean and with an attack hidden.

    The attacks are BIPIA's test part: of other categories than those trained on, all but one.
    """
    rng = random.Random(11)
    text_attacks = sets.attacks(data, "test", "text")
    code_attacks = sets.attacks(data, "test", "code")
    found: list[Case] = []
    for kind in ("email", "table", "code"):
        attacks = code_attacks if kind == "code" else text_attacks
        texts = sets.contexts(data, "test", kind)
        found += _with_attacks(f"bipia_{kind}", texts, attacks, _ATTACKS_A_CONTEXT, rng)
    for source, texts in _corpora(data).items():
        found += _with_attacks(source, chosen(texts, most, rng), text_attacks, 1, rng)
    return found


def _corpora(data: Path) -> dict[str, list[str]]:
    found = {name: sets.passages(data, name) for name in sets.TEST_CORPORA}
    found["handbook"] = sets.handbook(data, sets.TEST)
    texts = sets.long_texts(data)
    found["chatlogs"] = texts.pop("chatlogs")  # what people ask of an assistant: like attacks
    found["long_texts"] = [text for each in texts.values() for text in each]
    return found


def _with_attacks(
    source: str, texts: Sequence[str], attacks: Sequence[str], each: int, rng: random.Random
) -> list[Case]:
    clean = [Case(text=text, is_positive=False, source=source) for text in texts]
    poisoned = [
        Case(text=_hidden(text, rng.choice(attacks), rng), is_positive=True, source=source)
        for text in texts
        for _ in range(each)
    ]
    return clean + poisoned


def _hidden(text: str, attack: str, rng: random.Random) -> str:
    """Put an attack at the start, after a line or sentence in the middle, or at the end."""
    ends = [at for at in range(1, len(text)) if text[at] in "\n " and text[at - 1] in ".!?\n|。"]
    place = rng.choice(("start", "middle", "end"))
    at = {"start": 0, "middle": rng.choice(ends or [0]), "end": len(text)}[place]
    return f"{text[:at].rstrip()}\n{attack}\n{text[at:].lstrip()}".strip()


def hate_cases(data: Path) -> list[Case]:
    """Give HateCheck's functions that were not trained on."""
    return [
        Case(text=row.text, is_positive=row.is_positive, source=row.source)
        for row in sets.hate(data, test=True)
    ]


def statements(data: Path, *, most: int = 1500) -> list[Statement]:
    """Give sentences beside passages, of models and conversations not trained on."""
    rng = random.Random(12)
    return [*sets.begin(data, test=True), *chosen(sets.entailment(data, "test"), most, rng)]


def questions(data: Path) -> list[Question]:
    """Give questions about passages of articles not trained on."""
    return sets.squad(data, test=True)

"""Examples of what people type: attacks on the model, and harmless questions and requests."""

import random
import re
from collections.abc import Sequence
from pathlib import Path

from training import lookalikes, sets
from training.examples import QUERY, Example
from training.hiding import window
from training.phrases import (
    ABOUT_ATTACKS,
    TO_PEOPLE,
    attack_on_model,
    long_request,
    lookalike,
    part_to_play,
)
from training.sets import chosen

INJECTION = "injection"

# Sources that nothing is trained on: they say how the classifier does on what it never met.
HELD_OUT = frozenset({"piguard_valid"})

# Sources of one row in two or more by which prompts are told to play a part. deepset calls that an
# attack and WildGuard does not; a part to play is none as long as no rule is to be broken.
_PLAYED = re.compile(r"\b(act as|pretend|imagine you|you are (a|an|now)|role)\b", re.IGNORECASE)

WILDGUARD = "wildguard_benign"  # harmless prompts in risky words; its test part is not read here

_JINJA = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_JOINTS = ("\n", " ", "\n\n", " ")


def examples(data: Path, *, seed: int = 1) -> list[Example]:
    """Write all examples for training."""
    rng = random.Random(seed)
    asked = sets.requests(data)
    rng.shuffle(asked)
    questions = _questions(data, rng)
    return [
        *_labelled(data, rng),
        *_made(rng, asked),
        *(_harmless(text, "requests") for text in asked[:2500]),
        *(_harmless(text, "questions") for text in chosen(questions, 1200, rng)),
    ]


def long_prompts(data: Path, *, seed: int = 3) -> list[Example]:
    """Write long prompts, harmless and not: without them a classifier goes by length."""
    rng = random.Random(seed)
    asked = sets.requests(data)
    texts = sets.passages(data, "tau2_banking") + sets.handbook(data, sets.TRAIN)
    found = [
        question_of(row.text[:1200], {INJECTION: False}, row.source)
        for row in sets.direct(data, "train")
        if row.source == WILDGUARD
    ]
    for _ in range(350):
        text = long_request(rng, asked, window(rng.choice(texts), rng))
        found.append(_harmless(text, "made long requests"))
        if rng.random() < 0.5:
            joined = [text, attack_on_model(rng, asked)]
            rng.shuffle(joined)
            found.append(question_of("\n".join(joined), {INJECTION: True}, "made attacks"))
    for _ in range(600):
        text = part_to_play(rng)
        if rng.random() < 0.3:
            text = f"{text} {rng.choice(asked)}"
        found.append(_harmless(text, "made parts"))
    return found


def in_words_of_attacks(data: Path, *, seed: int = 4) -> list[Example]:
    """Write more harmless texts that only sound like attacks."""
    rng = random.Random(seed)
    found = [
        _harmless(lookalikes.written(lookalikes.TRAINED, rng), "look-alikes") for _ in range(900)
    ]
    quoted = chosen(lookalikes.of_documents(data, sets.TRAIN), 1300, rng)
    return found + [_harmless(text, "sentences") for text in quoted]


def checks(data: Path, *, seed: int = 5) -> list[Example]:
    """Write such texts of templates and departments that are not trained on."""
    rng = random.Random(seed)
    found = [lookalikes.written(lookalikes.CHECKED, rng) for _ in range(300)]
    quoted = chosen(lookalikes.of_documents(data, sets.VALIDATION), 150, rng)
    return [
        *(_harmless(text, "look-alikes, other templates") for text in found),
        *(_harmless(text, "sentences, other departments") for text in quoted),
    ]


def is_check(example: Example) -> bool:
    """Tell whether a question is kept for calibration; one in ten is. Passages have their own."""
    return (
        INJECTION in example.labels and random.Random("".join(example.pieces)[:120]).random() < 0.1
    )


def question_of(text: str, labels: dict[str, bool], source: str) -> Example:
    """Write an example of what somebody asks."""
    return Example(pieces=(QUERY + text.strip(),), labels=labels, source=source)


def _harmless(text: str, source: str) -> Example:
    return question_of(text, {INJECTION: False}, source)


def _questions(data: Path, rng: random.Random) -> list[str]:
    found = [row.question for row in chosen(sets.squad(data, test=False), 600, rng)]
    for language in ("es", "de", "ru", "zh"):
        path = data / f"languages/xquad_{language}/queries.jsonl"
        found += chosen([row["text"] for row in sets.rows(path)], 250, rng)
    return found


def _labelled(data: Path, rng: random.Random) -> list[Example]:
    found = []
    for row in sets.direct(data, "train"):
        if row.source in HELD_OUT or row.source == WILDGUARD:
            continue
        text = _JINJA.sub("", row.text).strip()
        is_unsure = row.source == "deepset" and row.is_positive and _PLAYED.search(text)
        labels = {} if is_unsure else {INJECTION: row.is_positive}
        example = question_of(text[:1200], labels, row.source)
        found += [example] * (1 if row.source == "pyrit_templates" else 2)
        if row.source == "pyrit_templates" and len(text) > 400:
            start = rng.randrange(len(text) - 300)
            found.append(question_of(text[start : start + 300], {INJECTION: True}, row.source))
    return found


def _made(rng: random.Random, asked: Sequence[str]) -> list[Example]:
    found = []
    for _ in range(1600):
        attack = attack_on_model(rng, asked)
        if rng.random() < 0.4:
            attack = f"{rng.choice(asked)}{rng.choice(_JOINTS)}{attack}"
        found.append(question_of(attack, {INJECTION: True}, "made attacks"))
    for _ in range(2000):
        text = lookalike(rng)
        if rng.random() < 0.25:
            text = f"{text} {rng.choice(asked)}"
        elif rng.random() < 0.15:
            text = f"{rng.choice(TO_PEOPLE)} {text}"
        found.append(_harmless(text, "made look-alikes"))
    found += [_harmless(rng.choice(ABOUT_ATTACKS), "made look-alikes") for _ in range(60)]
    return found

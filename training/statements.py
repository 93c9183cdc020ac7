"""Write sentences about a passage of which it is known whether the passage says so."""

import random
import re
from collections.abc import Sequence

from training.sets import Statement

_NUMBER = re.compile(r"\d[\d.,]*")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}(?: [A-Z][a-z]+)*")
_SENTENCE = re.compile(r"(?<=[.!?]) +")


def made(passages: Sequence[str], most: int, rng: random.Random) -> list[Statement]:
    """Write sentences of a passage as they are, with another number or name, and of others.

    An answer of quoted sentences with one wrong figure is what a check must not let through.
    """
    found: list[Statement] = []
    while len(found) < most:
        passage = rng.choice(passages)
        sentences = _SENTENCE.split(passage)
        sentence = rng.choice(sentences)
        wrong = _changed(sentence, passage, rng)
        if len(sentence) < 30 or wrong is None:
            continue
        # The beginning or end of a passage may be missing, never the sentence itself.
        shown = _around(sentences, sentences.index(sentence), rng)
        found += [_stated(sentence, shown, said=True), _stated(wrong, shown, said=False)]
        other = rng.choice(_SENTENCE.split(rng.choice(passages)))
        if other not in passage and rng.random() < 0.3:
            found.append(_stated(other, shown, said=False))
    return found


def _stated(sentence: str, passage: str, *, said: bool) -> Statement:
    return Statement(sentence=sentence, passage=passage, is_supported=said, source="made")


def _around(sentences: Sequence[str], at: int, rng: random.Random) -> str:
    first, last = max(0, at - rng.randint(0, 2)), at + rng.randint(1, 3)
    return " ".join(sentences[first:last])


def _changed(sentence: str, passage: str, rng: random.Random) -> str | None:
    """Put another number or name of the passage in the place of one of the sentence."""
    for pattern in rng.sample((_NUMBER, _NAME), 2):
        there = list(pattern.finditer(sentence))
        others = {found.group() for found in pattern.finditer(passage)}
        others -= {found.group() for found in there}
        if there and others:
            gone = rng.choice(there)
            new = rng.choice(sorted(others))
            return sentence[: gone.start()] + new + sentence[gone.end() :]
    return None

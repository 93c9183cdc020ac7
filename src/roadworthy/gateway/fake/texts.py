"""What a fake model says, and its vectors: by the words of the call alone."""

import hashlib
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray

from roadworthy.gateway.fake.behaviour import Behaviour

FIXED = "This is what a fake model says. It has read nothing, and it says so every time."
REFUSED = "NOT IN THE DOCUMENTS"
MOST_QUOTED = 3  # passages
LONGEST_QUOTE = 200  # characters
# A numbered passage of a prompt: its lead, and the line below if there is one.
PASSAGE = re.compile(r"^\[(\d+)\] (.*)(?:\n(?!\[|\s)(.+))?", re.MULTILINE)
SENTENCE_END = re.compile(r"(?<=[.!?])\s")
TOKEN = re.compile(r"\S+\s*")
WORD = re.compile(r"\w+")


def said(behaviour: Behaviour, message: str, *, most_tokens: int | None) -> tuple[list[str], bool]:
    """Say something to a message, in tokens (words), and tell whether it was cut off."""
    tokens = TOKEN.findall(_text(behaviour, message)) or [FIXED]
    if behaviour.tokens is not None:
        tokens = list(islice(cycle(_spaced(tokens)), behaviour.tokens))
    if most_tokens is not None and len(tokens) > most_tokens:
        return tokens[:most_tokens], True
    return tokens, False


def vectors(texts: Sequence[str], *, dimension: int) -> NDArray[np.float32]:
    """Embed texts, shape (len(texts), dimension), of length 1: alike if they share words."""
    found = np.stack([_sum(text, dimension) for text in texts])
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def _text(behaviour: Behaviour, message: str) -> str:
    match behaviour.text:
        case "fixed":
            return FIXED
        case "echo":
            return message
        case "refuse":
            return REFUSED
        case "json":
            return json.dumps({"answer": FIXED, "passages": [1]})
        case "cite":
            return _quoted(message)


def _quoted(prompt: str) -> str:
    """Quote the first sentence of the first passages of a prompt, each with its number."""
    quotes = []
    for number, lead, below in islice(PASSAGE.findall(prompt), MOST_QUOTED):
        sentence = SENTENCE_END.split((below or lead).strip())[0][:LONGEST_QUOTE]
        quotes.append(f"{sentence} [{number}]")
    return " ".join(quotes) or f"{FIXED} [1]"


def _spaced(tokens: Sequence[str]) -> list[str]:
    return [*tokens[:-1], tokens[-1].rstrip() + " "]


def _sum(text: str, dimension: int) -> NDArray[np.float32]:
    words = WORD.findall(text.lower()) or [text]
    return np.sum([_vector(word, dimension) for word in words], axis=0)


@lru_cache(20_000)
def _vector(word: str, dimension: int) -> NDArray[np.float32]:
    drawn = np.frombuffer(hashlib.shake_128(word.encode()).digest(dimension), np.int8)
    return drawn.astype(np.float32) + np.float32(0.5)  # never 0

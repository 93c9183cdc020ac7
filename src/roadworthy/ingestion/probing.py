"""Choose sentences of a document that can stand as golden probes of its corpus."""

import re
from collections.abc import Iterable
from typing import Protocol

from roadworthy.core.locales import UNDETERMINED
from roadworthy.core.sentences import sentences
from roadworthy.corpus.terms import terms

LEAST_CHARACTERS, MOST_CHARACTERS = 40, 240
LEAST_TERMS = 5  # distinct ones; a list of names asks nothing
LOOKED_AT = 4_000  # characters of one language: a sentence is wanted, not the best of all
TABLE = re.compile(r"[|\n\t]")
TRIED = 8  # sentences of one language


class Spoken(Protocol):
    """A passage, as far as it matters here."""

    @property
    def language(self) -> str: ...  # noqa: D102 - as it says

    @property
    def text(self) -> str: ...  # noqa: D102


def probe_sentences(passages: Iterable[Spoken]) -> dict[str, str]:
    """Choose one telling sentence in each language.

    Args:
        passages: in the order of the document.

    Returns:
        By language, the sentence with the most distinct terms among the first that will do; a
        language without any is left out.
    """
    begun: dict[str, str] = {}
    for passage in passages:
        before = begun.get(passage.language, "")
        if passage.language != UNDETERMINED and len(before) < LOOKED_AT:
            begun[passage.language] = f"{before}\n\n{passage.text}"
    chosen = {language: _telling(text[:LOOKED_AT], language) for language, text in begun.items()}
    return {language: sentence for language, sentence in chosen.items() if sentence}


def _telling(text: str, language: str) -> str:
    said = (text[start:end] for start, end in sentences(text))
    fit = [each for each in said if _is_prose(each)][:TRIED]
    counted = [(len(set(terms(each, language=language))), each) for each in fit]
    return max((each for each in counted if each[0] >= LEAST_TERMS), default=(0, ""))[1]


def _is_prose(sentence: str) -> bool:
    letters = sum(c.isalpha() or c.isspace() for c in sentence)
    return (
        # Chinese says as much in a third of the characters.
        (LEAST_CHARACTERS if sentence.isascii() else LEAST_CHARACTERS // 3)
        <= len(sentence)
        <= MOST_CHARACTERS
        and letters > 0.8 * len(sentence)
        and not TABLE.search(sentence)
    )

"""Tell whether two questions ask for the same thing, where their vectors nearly agree anyway.

No cosine does: a question with another number, another name or a "not" is nearer to the first than
most paraphrases (docs/decisions/0017). So it is the words that decide, and in doubt they differ.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from roadworthy.answering.wordings import OTHER, WORDINGS, Wordings
from roadworthy.corpus.terms import stop_words_of

SIGNS = str.maketrans("\u2019\u2018\u02bc`\u00b4\u2212\u2013\u2010\u2011", "'''''----")
WORD = r"\.?[^\W_]+(?:[.,/:-][^\W_]+)*(?:\+\+|#)?"
# A minus, or a mark that is neither a word nor ordinary punctuation: %, $, +, =, ...
PUNCTUATION = r".,;:!?'\"()\[\]\u00bf\u00a1\u00ab\u00bb\u201c\u201d\u201e\u2026-"
MARK = rf"(?<![\w-])-(?=\s?\.?\d)|[^\w\s{PUNCTUATION}]"
WORD_OR_MARK = re.compile(f"{WORD}|{MARK}")
ENDS_SENTENCE = re.compile(r"(?:^|[.!?:;\n])\W*$")
THOUSANDS = re.compile(r"(?<!\d)(\d{1,3}) (?=\d{3}(?!\d))")  # 5 000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    content: Sequence[tuple[str, ...]]  # words in their order, each behind those that go with it
    loose: Counter[str]  # small words that count, wherever they stand
    in_order: Sequence[Sequence[str]]  # who and what must or may, each as they follow one another
    is_opened: bool  # what it begins with might stand elsewhere


def asks_the_same(one: str, other: str, *, language: str) -> bool:
    """Say whether two questions of a language are one in other words.

    They are when they hold the same words in the same order, each with the same small words (to,
    not, all, your) before it, but for what one of them puts in front ("In Oslo, who ..."); and the
    same pronouns, auxiliaries and question words, pronouns and what must or may in the same order.
    Articles change nothing.

    Args:
        language: ISO 639-1, or "und"; of one without a table every word counts, in its place.
    """
    if one.split() == other.split():
        return True
    wordings = WORDINGS.get(language, OTHER)
    stops = stop_words_of(language) if language in WORDINGS else frozenset[str]()
    a, b = (_read(text, wordings, stops) for text in (one, other))
    if not a.content:
        return False  # "Who are they?" asks for nothing by itself
    return (a.loose, a.in_order) == (b.loose, b.in_order) and (
        a.content == b.content or _is_put_in_front(a, of=b) or _is_put_in_front(b, of=a)
    )


def _read(text: str, wordings: Wordings, stops: frozenset[str]) -> _Read:
    text = unicodedata.normalize("NFKC", text).translate(SIGNS).strip()
    anywhere = wordings.loose
    small = stops | wordings.idle | anywhere | wordings.opening
    content: list[tuple[str, ...]] = []
    loose: list[str] = []
    waiting: list[str] = []
    for word in _words(text, wordings, small):
        if word not in small:
            content.append((*waiting, word))
            waiting = []
        elif word in anywhere:
            loose.append(word)
        elif word not in wordings.idle:
            waiting.append(word)
    loose += waiting
    met = {*loose, *(word for words in content for word in words[:-1])}
    loose += _capitals(text, among=met)
    is_opened = bool(content) and not wordings.opening.isdisjoint(content[0][:-1])
    kept = (wordings.persons, wordings.modals)
    in_order = [[word for word in loose if word in group] for group in kept]
    return _Read(content=content, loose=Counter(loose), in_order=in_order, is_opened=is_opened)


def _words(text: str, wordings: Wordings, small: frozenset[str]) -> Iterator[str]:
    """Bring a text into one wording; a compound of small words ("est-il") is its parts."""
    plain = THOUSANDS.sub(r"\1", text.casefold())
    for phrase, instead in wordings.phrases:
        plain = phrase.sub(instead, plain)
    for word in WORD_OR_MARK.findall(plain):
        parts = word.split("-")
        yield from parts if small.issuperset(parts) else [word]


def _capitals(text: str, *, among: Collection[str]) -> Iterator[str]:
    """Name small words that are written as names: IT, US, May; in German Sie and Ihr."""
    for match in re.finditer(WORD, text):
        word = match[0]
        is_first = ENDS_SENTENCE.search(text[: match.start()])
        is_name = word[0].isupper() and not is_first and word != "I"
        if word.casefold() in among and (is_name or (len(word) > 1 and word.isupper())):
            yield word


def _is_put_in_front(opened: _Read, *, of: _Read) -> bool:
    """Say whether one is the other with the end, or a part from within, put in front."""
    words, others = list(opened.content), list(of.content)
    if not opened.is_opened or len(words) != len(others):
        return False
    while words and words[-1] == others[-1]:
        words.pop()
        others.pop()
    return any([*words[end:], *words[:end]] == others for end in range(1, len(words)))

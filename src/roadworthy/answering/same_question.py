"""Tell whether two questions ask for the same thing, where their vectors nearly agree anyway.

No cosine does: a question with another number, another name or a "not" is nearer to the first than
most paraphrases (docs/decisions/0017). So it is the words that decide, and in doubt they differ.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from roadworthy.answering.wordings import OTHER, WORDINGS, Phrases, Wordings
from roadworthy.core.normal_forms import normalized
from roadworthy.corpus.terms import stop_words_of

LONGEST_COMPARED = 500  # characters; a longer question is asked again only as it is written
SIGNS = str.maketrans("\u2019\u2018\u02bc`\u00b4\u2212\u2013\u2010\u2011", "'''''----")
WORD = r"\.?[^\W_]+(?:[.,/:-][^\W_]+)*(?:\+\+|#)?"
# A minus, or a mark that is neither a word nor ordinary punctuation: %, $, +, =, ...
PUNCTUATION = r".,;:!?'\"()\[\]\u00bf\u00a1\u00ab\u00bb\u201c\u201d\u201e\u2026-"
# ... or a dash between words: Monday - Friday.
MARK = rf"(?<![\w-])-(?=\s?\.?\d)|(?<=\s)-(?=\s)|[^\w\s{PUNCTUATION}]"
FEET_OR_INCHES = r"(?<![\w'\"\u201c\u201e.,/-])\d+(?:[.,/]\d+)*['\"\u201d]"  # but no "5"
WORD_OR_MARK = re.compile(f"{FEET_OR_INCHES}|{WORD}|{MARK}")
ENDS_SENTENCE = frozenset(".!?:;\n")
BLANKS = re.compile(r"[^\S\n]+")
BEFORE_A_WORD = re.compile(r"[\s'\"\u00ab\u201c\u201e]*\w")
# 5 000, but neither "2 100 ml bottles" nor "1 000 500 m² halls".
THOUSANDS = re.compile(r"(?<![\d.,])(\d{1,3})(?: 000)+(?! ?\d)")
LONGEST_UNIT = 4  # letters: Mohm, mohm
# Of characters whose plain forms would join to others: 10⁵ is not 105, nor 2½ 21⁄2.
JOINED_IF_PLAIN = ("<super>", "<sub>", "<fraction>")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    content: Sequence[tuple[str, ...]]  # words in their order, each behind those that go with it
    in_order: Sequence[Sequence[str]]  # small words by their kinds, as they follow one another
    is_opened: bool  # what it begins with might stand elsewhere


def asks_the_same(one: str, other: str, *, language: str) -> bool:
    """Say whether two questions of a language are one in other words.

    They are when they hold the same words in the same order, each with the same small words (to,
    not, all, you) before it, but for what one of them puts in front ("In Oslo, who ..."); and the
    same auxiliaries, and what must or may, each in the same order. Articles change nothing where
    they cannot be pronouns.

    Args:
        language: ISO 639-1, or "und"; of one without a table every word counts, in its place.
    """
    if one.split() == other.split():
        return True
    if one.isupper() != other.isupper():
        return False  # "WHO RUNS IT?"
    one, other = _plain(one), _plain(other)
    if max(len(one), len(other)) > LONGEST_COMPARED:
        return False
    wordings = WORDINGS.get(language, OTHER)
    stops = stop_words_of(language) if language in WORDINGS else frozenset[str]()
    a, b = (_read(text, wordings, stops) for text in (one, other))
    if not a.content:
        return False  # "Who are they?" asks for nothing by itself
    return a.in_order == b.in_order and (
        a.content == b.content or _is_put_in_front(a, of=b) or _is_put_in_front(b, of=a)
    )


def _read(text: str, wordings: Wordings, stops: frozenset[str]) -> _Read:
    small = stops | wordings.idle | wordings.pronouns | wordings.loose | wordings.opening
    content: list[tuple[str, ...]] = []
    met: list[str] = []
    waiting: list[str] = []
    alone: list[str] = []
    words = list(_words(text, wordings, small))
    for place, word in enumerate(words):
        if word not in small:
            content.append((*waiting, word))
            waiting = []
            continue
        met.append(word)
        if word in wordings.opening and not _awaits_its_verb(words[:place], wordings):
            alone += [each for each in waiting if each in wordings.pronouns]
            waiting = [each for each in waiting if each not in wordings.pronouns]
        if word not in wordings.idle | wordings.loose:
            waiting.append(word)
    is_opened = bool(content) and not wordings.opening.isdisjoint(content[0][:-1])
    in_order = [[word for word in met if word in kind] for kind in wordings.ordered]
    return _Read(content=content, in_order=[*in_order, alone + waiting], is_opened=is_opened)


def _awaits_its_verb(words: Sequence[str], wordings: Wordings) -> bool:
    """Tell "Who are you | about to inform?" from "What can I do | in Oslo?"."""
    verb, subject = ["", "", *words][-2:]
    return subject in wordings.pronouns and verb in wordings.loose


def _words(text: str, wordings: Wordings, small: frozenset[str]) -> Iterator[str]:
    """Bring a text into one wording; a compound of small words ("est-il") is its parts."""
    text = text.translate(SIGNS).strip()
    plain = THOUSANDS.sub(_in_one, _folded(text, wordings, small))
    plain = _rewritten(plain, wordings.phrases)
    if not wordings.unsure.search(plain.casefold()):
        plain = _rewritten(plain, wordings.duties)
    for word in WORD_OR_MARK.findall(plain):
        parts = word.split("-")
        yield from parts if small.issuperset(parts) else [word]


def _plain(text: str) -> str:
    """Bring characters into one form, but those that would join to another number."""
    runs = groupby(text, key=lambda c: unicodedata.decomposition(c).startswith(JOINED_IF_PLAIN))
    return "".join("".join(run) if stays else normalized("".join(run)) for stays, run in runs)


def _in_one(thousands: re.Match[str]) -> str:
    return thousands[0].replace(" ", "")


def _rewritten(text: str, phrases: Phrases) -> str:
    for phrase, instead in phrases:
        text = BLANKS.sub(" ", phrase.sub(instead, text)).strip()
    return text


def _folded(text: str, wordings: Wordings, small: frozenset[str]) -> str:
    """Write a text in small letters, but names in capitals as they are: PIN, IT, May, German Sie.

    So are numbers with their units: 5mW, 5 MW. An article that stands for a letter is a capital:
    zone A, 5 (a).
    """
    is_loud = text.isupper()
    written: list[str] = []
    before, end = "", 0
    for match in re.finditer(WORD, text):
        gap, word = text[end : match.start()], match[0]
        is_first = not written or not ENDS_SENTENCE.isdisjoint(gap)
        plain = word.lower()  # no "ss" for "ß": Maße are no Masse
        is_name = plain in small and word[0].isupper() and not is_first and word != "I"
        is_acronym = len(word) > 1 and word.isalpha() and word.isupper()
        is_measured = plain not in small and _is_measured(word, before=before, gap=gap)
        if plain in wordings.idle and _is_letter(match):
            plain = word.upper()
        elif (is_name or is_acronym or is_measured) and not is_loud:
            plain = word
        written += [gap, plain]
        before, end = word, match.end()
    return "".join([*written, text[end:]])


def _is_measured(word: str, *, before: str, gap: str) -> bool:
    """Say whether a word holds a number, or may be the unit of one that it stands behind.

    Long ones are written out: 2 Wochen, zwei Wochen.
    """
    if any(map(str.isnumeric, word)):
        return True
    is_behind_number = gap.isspace() and not any(map(str.isalpha, before))
    is_noun = len(word) > LONGEST_UNIT and word.isalpha() and word[1:].islower()
    return is_behind_number and not is_noun


def _is_letter(article: re.Match[str]) -> bool:
    """Say whether no word follows an article, or it numbers a part: flat 5 a."""
    start, end = article.span()
    before = article.string[max(0, start - 2) : start].strip()
    return not BEFORE_A_WORD.match(article.string, end) or (
        end - start == 1 and before[-1:].isdigit()
    )


def _is_put_in_front(opened: _Read, *, of: _Read) -> bool:
    """Say whether one is the other with the end put in front."""
    words, others = list(opened.content), list(of.content)
    return opened.is_opened and any(
        [*words[end:], *words[:end]] == others for end in range(1, len(words))
    )

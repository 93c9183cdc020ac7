"""Read what a person typed: words, filters such as type:pdf, "words in a row" and -exclusions.

What is no operator stays text: http://x, error:404, 10:30, std::vector, e-mail, -40 °C, 5" pipe.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce

from roadworthy.core.errors import Invalid
from roadworthy.corpus.accepting import LONGEST_FIELD, LONGEST_VALUE
from roadworthy.corpus.documents import LONGEST_NAME
from roadworthy.corpus.media_types import check_media_type
from roadworthy.corpus.routing import check_language
from roadworthy.corpus.terms import words_in_a_row
from roadworthy.retrieval.filters import LONGEST_WORDS, Filter, both

MOST_OPERATORS = 20  # of one question
METADATA = "metadata."  # leads the name of a metadata field
PHRASE, EXCLUSION = '"', "-"  # operators without a field
LONGEST_PHRASE = 300  # characters
SENTENCE_ENDS = (*".!?…。？！",)  # behind them a filter of a question is none of its words
CLOSING = " \t\n\"'”’»)]"
# What these say cannot be mistaken for words; the others' values can, unless they are quoted.
CLOSED = frozenset({"type", "after", "before", "language", "lang"})

_QUOTED = '"[^"]+"|“[^“”]+”|„[^„“”]+[“”]|«[^«»]+»'
# An operator begins a word, or stands in brackets; a quotation ends where a word may end.
_PART = re.compile(
    rf"""(?<!\S)
    (?: (?P<bracket>[(\[]?+) (?P<minus>-)? (?: (?P<field>[^\W\d_][^\s:"]*) : )?
        (?: (?P<quoted>{_QUOTED}) (?=[\s.,;:!?)\]…]|\Z) [)\]]? [,;]?
          | (?P<word>[^\s"“„«:]\S*) )
      | \S+ )""",
    re.VERBOSE,
)
_EXCLUDED = re.compile(r"[^\W\d_]\S")
_DATE = re.compile(r"(\d{4})(?:([-/])(\d{1,2})(?:\2(\d{1,2}))?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question, parted into what is looked for and where."""

    text: str  # what is embedded and analysed: without filters
    among: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """An operator in the question."""

    start: int
    end: int
    name: str  # of the field, behind a dash if there was one; or PHRASE, EXCLUSION
    value: str
    written: str
    is_clear: bool  # it is no words of a question


def read_search(typed: str) -> Query:
    """Read what is searched for: every operator holds, wherever it stands.

    The words of a phrase are looked for as well.

    Raises:
        Invalid: a filter says what cannot be, two exclude each other, there are too many, or
            nothing is left to look for.
    """
    operators = list(_parts(typed))
    if len(operators) > MOST_OPERATORS:
        raise Invalid(f"A question has at most {MOST_OPERATORS} filters; leave some out.")
    among = _joined(operators)
    if among.at_odds:
        raise Invalid(f"No document is {' and '.join(among.at_odds)}; leave all but one out.")
    text = _left(typed, operators)
    if operators and not text:
        raise Invalid(f"Say what to look for, beside {operators[0].written}.")
    return Query(text=text, among=among)


def read_question(typed: str) -> Query:
    """Read what is asked: what clearly is a filter holds, and all else is text; none is refused.

    A filter is clear at the beginning, or at the end behind a whole sentence, with its field in
    small letters and a value that can be meant; in quotation marks, unless the field is one of
    `CLOSED`. Of 27,398 questions that people asked, 1.1 % hold a quotation and .02 % a word behind
    a dash: a title or a name, not a wish to see nothing else. None holds a filter.
    """
    operators = _outer(typed)
    text = _left(typed, operators)
    if not text or len(operators) > MOST_OPERATORS:
        return Query(text=typed)
    return Query(text=text, among=_joined(operators))


def _parts(typed: str) -> Iterator[_Part]:
    for found in _PART.finditer(typed):
        name, value = _operator(found)
        if name:
            start, end = found.span()
            written = found[0].removeprefix(found["bracket"])
            yield _Part(
                start=start,
                end=end,
                name=name,
                value=value,
                written=written,
                is_clear=bool(found["field"])
                and written.startswith(name)
                and (name in CLOSED or bool(found["quoted"])),
            )


def _operator(found: re.Match[str]) -> tuple[str, str]:
    """Name the operator and what it says; nothing for text."""
    minus, field_name = found["minus"] or "", found["field"] or ""
    name = field_name if field_name.startswith(METADATA) else field_name.lower()
    if not field_name:
        return _of_words(found)
    if name not in FIELDS and not (name.startswith(METADATA) and name != METADATA):
        return "", ""
    value = found["quoted"][1:-1].strip() if found["quoted"] else found["word"].rstrip(",;.!?)]")
    is_link = value.startswith("//") or (found["bracket"] and re.search(r"[()[\]]", value))
    return (minus + name, value) if value and not is_link else ("", "")


def _of_words(found: re.Match[str]) -> tuple[str, str]:
    """Name a phrase or an exclusion; -40, -x and --all are none."""
    quoted, minus = found["quoted"], found["minus"]
    value = quoted[1:-1].strip() if quoted else (found["word"] or "").rstrip(",;.!?)]")
    if not (quoted or (minus and _EXCLUDED.match(value))) or not words_in_a_row(value):
        return "", ""
    return (EXCLUSION if minus else PHRASE), value


def _outer(typed: str) -> list[_Part]:
    """Keep the clear filters that nothing but filters stands before, or behind."""
    parts = [part for part in _parts(typed) if part.is_clear and _can_be_meant(part)]
    first, last = 0, len(parts)
    at = 0
    while first < last and not typed[at : parts[first].start].strip():
        at, first = parts[first].end, first + 1
    at = len(typed)
    while last > first and not typed[parts[last - 1].end : at].strip():
        at, last = parts[last - 1].start, last - 1
    is_apart = typed[:at].rstrip(CLOSING).endswith(SENTENCE_ENDS)
    return parts[:first] + (parts[last:] if is_apart else [])


def _can_be_meant(part: _Part) -> bool:
    try:
        _filter(part)
    except Invalid:
        return False
    return True


def _left(typed: str, operators: Sequence[_Part]) -> str:
    """Give the text without its operators; the very text if there are none."""
    kept, at = [], 0
    for part in operators:
        kept += [typed[at : part.start], part.value if part.name == PHRASE else ""]
        at = part.end
    return " ".join("".join([*kept, typed[at:]]).split()) if at else typed


def _joined(operators: Sequence[_Part]) -> Filter:
    return reduce(both, map(_filter, operators), Filter())


def _filter(part: _Part) -> Filter:
    if part.name == PHRASE:
        return Filter(phrases=(_bounded(part.value, part, longest=LONGEST_PHRASE),))
    if part.name == EXCLUSION:
        return Filter(without=(_bounded(part.value, part, longest=LONGEST_PHRASE),))
    if part.name.startswith("-"):
        raise Invalid(f"{part.written[:60]} excludes documents; filters only say which to look in.")
    if part.name.startswith(METADATA):
        key = _bounded(part.name.removeprefix(METADATA), part, longest=LONGEST_FIELD)
        return Filter(metadata={key: _bounded(part.value, part, longest=LONGEST_VALUE)})
    return FIELDS[part.name](part)


def _bounded(value: str, part: _Part, *, longest: int) -> str:
    if len(value) > longest:
        raise Invalid(f"{part.written[:40]}... is too long; it has at most {longest} characters.")
    return value


def _words(part: _Part) -> tuple[str]:
    if not re.search(r"\w", part.value):
        raise Invalid(f"{part.written[:60]} names no word.")
    return (_bounded(part.value, part, longest=LONGEST_WORDS),)


def _date(part: _Part) -> date:
    found = _DATE.fullmatch(part.value)
    try:
        if found:
            return date(int(found[1]), int(found[3] or 1), int(found[4] or 1))
    except ValueError:  # the 30th of February
        pass
    raise Invalid(
        f"{part.value[:40]!r} is no date; write {part.name}:2024-01-31, {part.name}:2024-01 or "
        f"{part.name}:2024; {_as_words(part)}"
    )


def _checked(part: _Part, check: Callable[[str], str]) -> str:
    try:
        return check(part.value)
    except Invalid as error:
        raise Invalid(f"{error.message.rstrip('.')}; {_as_words(part)}") from error


def _as_words(part: _Part) -> str:
    return f'in quotation marks, "{part.written[:60]}" are words.'


# What each field says of documents.
FIELDS: Mapping[str, Callable[[_Part], Filter]] = {
    "type": lambda part: Filter(media_type=_checked(part, check_media_type)),
    "after": lambda part: Filter(after=_date(part)),
    "before": lambda part: Filter(before=_date(part)),
    "title": lambda part: Filter(title=_words(part)),
    "author": lambda part: Filter(author=_words(part)),
    "language": lambda part: Filter(language=_checked(part, check_language)),
    "lang": lambda part: Filter(language=_checked(part, check_language)),
    "name": lambda part: Filter(name=_bounded(part.value, part, longest=LONGEST_NAME)),
}

"""What is looked at: documents, found by indexes that row-level security leaves open, and words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import LiteralString

from psycopg.types.json import Jsonb

Value = str | int | float | bool

LONGEST_WORDS = 150  # characters, of a title or an author that is looked for

# Conditions on any table with a document_id, whose parameters are those of `asked`.
AMONG = """
   AND document_id IN (
       SELECT id FROM document
        WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
"""
LANGUAGE = " AND language = %(language)s"
MEDIA_TYPE = " AND media_type = %(media_type)s"
# Compared as bytes, which is the order of that index whatever the database's own is.
NAME = """
          AND name COLLATE "C" >= %(name)s AND name COLLATE "C" <= %(last_name)s
"""
AFTER = " AND dated_at >= %(after)s"
BEFORE = " AND dated_at < %(before)s"
# Each condition on a field has a place; a document must be found at every place.
FIELDS = """
   AND document_id IN (
       WITH wanted AS MATERIALIZED (
           SELECT row_number() OVER () AS place, key, first, last
             FROM (SELECT 'metadata.' || key, field_value(value), field_value(value)
                     FROM jsonb_each(%(metadata)s)
                   UNION ALL
                   SELECT key, left(field_words(told), 200),
                          nullif(left(field_words(told), 200), '') || %(end)s
                     FROM unnest(%(keys)s::text[], %(words)s::text[]) AS named (key, told)
                  ) AS named (key, first, last))
       SELECT field.document_id
         FROM wanted JOIN document_field AS field
                       ON field.key = wanted.key
                      AND field.value BETWEEN wanted.first AND wanted.last
        WHERE field.tenant_id = %(tenant_id)s AND field.corpus_id = %(corpus_id)s
"""
SEVERAL = """
        GROUP BY field.document_id
       HAVING count(DISTINCT wanted.place) = (SELECT count(*) FROM wanted)
"""
NOTHING = " AND false"
END = "\U0010ffff"  # behind whatever begins alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which passages to look at, most of it by their documents. Every condition must hold.

    A document's date is what its file says, changed before made; of one that says none, when it
    last changed here. Days begin at midnight UTC.
    """

    metadata: Mapping[str, Value] | None = None  # a number is as its digits
    language: str | None = None
    media_type: str | None = None
    name: str | None = None  # the beginning of the document's name, such as a folder
    after: date | None = None  # that day, or later
    before: date | None = None  # before that day
    title: tuple[str, ...] = ()  # words in a row, whatever their case and accents
    author: tuple[str, ...] = ()  # the same, in one author's name
    phrases: tuple[str, ...] = ()  # words that the passage holds in a row (retrieval/wording.py)
    without: tuple[str, ...] = ()  # words that it does not hold in a row
    at_odds: tuple[str, ...] = ()  # conditions that exclude each other: nothing passes

    @property
    def conditions(self) -> tuple[str, ...]:
        """Write the conditions as they may be typed."""
        told: list[tuple[str, Value | date | None]] = [
            ("type", self.media_type),
            ("language", self.language),
            ("name", self.name),
            ("after", self.after),
            ("before", self.before),
            *(("title", words) for words in self.title),
            *(("author", words) for words in self.author),
            *((f"metadata.{key}", value) for key, value in (self.metadata or {}).items()),
        ]
        held = (_condition(name, value) for name, value in told if value is not None)
        wanted = (f'"{words}"' for words in self.phrases)
        unwanted = (f'-"{words}"' if " " in words else f"-{words}" for words in self.without)
        return tuple(dict.fromkeys([*held, *wanted, *unwanted, *self.at_odds]))


def both(one: Filter, other: Filter) -> Filter:
    """Join two filters: what both say must hold, and nothing passes where that cannot be."""
    names = sorted((each.name for each in (one, other) if each.name is not None), key=len)
    ones, others = one.metadata or {}, other.metadata or {}
    alternatives: list[tuple[str, Value | None, Value | None]] = [
        ("language", one.language, other.language),
        ("type", one.media_type, other.media_type),
        *((f"metadata.{key}", ones[key], others[key]) for key in ones.keys() & others.keys()),
    ]
    if len(names) == 2 and not names[1].startswith(names[0]):
        alternatives.append(("name", names[0], names[1]))
    at_odds = [
        _condition(what, value)
        for what, first, second in alternatives
        if first is not None and second is not None and _digits(first) != _digits(second)
        for value in (first, second)
    ]
    return Filter(
        metadata={**others, **ones},
        language=one.language or other.language,
        media_type=one.media_type or other.media_type,
        name=names[-1] if names else None,
        after=max((each.after for each in (one, other) if each.after), default=None),
        before=min((each.before for each in (one, other) if each.before), default=None),
        title=(*one.title, *other.title),
        author=(*one.author, *other.author),
        phrases=(*one.phrases, *other.phrases),
        without=(*one.without, *other.without),
        at_odds=(*one.at_odds, *other.at_odds, *at_odds),
    )


def _condition(name: str, value: Value | date) -> str:
    told = str(value) if isinstance(value, date) else _digits(value)
    return f'{name}:"{told}"' if any(each.isspace() for each in told) else f"{name}:{told}"


def _digits(value: Value) -> str:
    """Write a value as fields are compared: 7, 7.0 and "7" are one."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else f"{(Decimal(str(value)) + 0).normalize():f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where is looked: in a corpus of a tenant, among some documents."""

    tenant_id: int
    corpus_id: int
    among: Filter

    @property
    def condition(self) -> LiteralString:
        """Give the SQL that rows of a document have to fulfil beyond being of the corpus."""
        return NOTHING if self.among.at_odds else self._of_documents + self._of_fields

    @property
    def asked(self) -> dict[str, object]:
        """Give the parameters of the condition, and the corpus."""
        among = self.among
        return {
            "tenant_id": self.tenant_id,
            "corpus_id": self.corpus_id,
            "metadata": Jsonb(dict(among.metadata or {})),
            "language": among.language,
            "media_type": among.media_type,
            "name": among.name,
            "last_name": None if among.name is None else among.name + END,
            "after": among.after and _midnight(among.after),
            "before": among.before and _midnight(among.before),
            "keys": ["title"] * len(among.title) + ["author"] * len(among.author),
            "words": [*among.title, *among.author],
            "end": END,
        }

    @property
    def _of_documents(self) -> LiteralString:
        among = self.among
        conditions: list[LiteralString] = [
            LANGUAGE if among.language is not None else "",
            MEDIA_TYPE if among.media_type is not None else "",
            NAME if among.name is not None else "",
            AFTER if among.after is not None else "",
            BEFORE if among.before is not None else "",
        ]
        return AMONG + "".join(conditions) + ")" if any(conditions) else ""

    @property
    def _of_fields(self) -> LiteralString:
        among = self.among
        count = len(among.metadata or {}) + len(among.title) + len(among.author)
        several: LiteralString = SEVERAL if count > 1 else ""
        return FIELDS + several + ")" if count else ""


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)

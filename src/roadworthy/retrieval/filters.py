"""Which documents are looked in, found by indexes that row-level security leaves open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import LiteralString, TypeVar

from psycopg.types.json import Jsonb

from roadworthy.core.errors import Invalid

T = TypeVar("T")

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
END = "\U0010ffff"  # behind whatever begins alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which documents to look in. Every condition that is given must hold.

    A document's date is what its file says, changed before made; of one that says none, when it
    last changed here. Days begin at midnight UTC.
    """

    metadata: Mapping[str, str | int | float | bool] | None = None  # a number is as its digits
    language: str | None = None
    media_type: str | None = None
    name: str | None = None  # the beginning of the document's name, such as a folder
    after: date | None = None  # that day, or later
    before: date | None = None  # before that day
    title: tuple[str, ...] = ()  # words in a row, whatever their case and accents
    author: tuple[str, ...] = ()  # the same, in one author's name


def both(one: Filter, other: Filter) -> Filter:
    """Join two filters: what both say must hold.

    Raises:
        Invalid: they say different things of what a document has only one of.
    """
    fields = dict(other.metadata or {})
    for key, value in (one.metadata or {}).items():
        fields[key] = _one(value, fields.get(key), what=f"metadata.{key}") or value
    return Filter(
        metadata=fields,
        language=_one(one.language, other.language, what="language"),
        media_type=_one(one.media_type, other.media_type, what="type"),
        name=_one(one.name, other.name, what="name"),
        after=_one(one.after, other.after, what="after"),
        before=_one(one.before, other.before, what="before"),
        title=(*one.title, *other.title),
        author=(*one.author, *other.author),
    )


def _one(one: T | None, other: T | None, *, what: str) -> T | None:
    if one is not None and other is not None and one != other:
        raise Invalid(f"Two different values are given for {what}; keep one of them.")
    return other if one is None else one


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where is looked: in a corpus of a tenant, among some documents."""

    tenant_id: int
    corpus_id: int
    among: Filter

    @property
    def condition(self) -> LiteralString:
        """Give the SQL that rows of a document have to fulfil beyond being of the corpus."""
        return self._of_documents + self._of_fields

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

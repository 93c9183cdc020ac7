"""Which documents are looked in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString

from psycopg.types.json import Jsonb

# A condition on any table with a document_id, whose parameters are those of `asked`.
AMONG = """
   AND document_id IN (
       SELECT id FROM document
        WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s
          AND metadata @> %(metadata)s
          AND (%(language)s::text IS NULL OR language = %(language)s)
          AND (%(media_type)s::text IS NULL OR media_type = %(media_type)s)
          AND (%(name)s::text IS NULL OR starts_with(name, %(name)s)))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which documents to look in. Every condition that is given must hold."""

    metadata: Mapping[str, str | int | float | bool] | None = None
    language: str | None = None
    media_type: str | None = None
    name: str | None = None  # the beginning of the document's name, such as a folder

    @property
    def is_empty(self) -> bool:
        """Say whether every document passes."""
        return not self.metadata and not (self.language or self.media_type or self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where is looked: in a corpus of a tenant, among some documents."""

    tenant_id: int
    corpus_id: int
    among: Filter

    @property
    def condition(self) -> LiteralString:
        """Give the SQL that rows of a document have to fulfil beyond being of the corpus."""
        return "" if self.among.is_empty else AMONG

    @property
    def asked(self) -> dict[str, object]:
        """Give the parameters of the condition, and the corpus."""
        return {
            "tenant_id": self.tenant_id,
            "corpus_id": self.corpus_id,
            "metadata": Jsonb(dict(self.among.metadata or {})),
            "language": self.among.language,
            "media_type": self.among.media_type,
            "name": self.among.name,
        }

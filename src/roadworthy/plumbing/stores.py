"""Which tables hold the text of documents, or what is derived from it.

Each room names its own in a constant STORES, and bootstrap puts them together: what is on that
list is counted in receipts, and a table that belongs there and is missing fails a test.
"""

from dataclasses import dataclass
from typing import LiteralString


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A table that has to forget a document when it is deleted.

    Its rows go with their document by a foreign key, or by a statement. Both statements are given
    the tenant as %(tenant_id)s and documents as %(ids)s, and give a number of rows.
    Invariant: exactly one of count and forget is given.
    """

    name: str  # the table, as receipts tell it
    count: LiteralString | None = None  # what will go with these documents
    forget: LiteralString | None = None  # takes what is left when they are gone

    def __post_init__(self) -> None:
        """Hold the invariant."""
        assert (self.count is None) != (self.forget is None), self.name


STORES = (
    Store(
        name="job",
        count="""
SELECT count(*) FROM job WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)
""",
    ),
)

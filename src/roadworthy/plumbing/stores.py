"""Which tables hold the text of documents, or what is derived from it.

Each room names its own in a constant STORES, and bootstrap puts them together: what is on that
list is counted in receipts, and a table that belongs there and is missing fails a test.
"""

from dataclasses import dataclass
from typing import LiteralString


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A table that forgets a document when it is deleted.

    Its rows go with their document, by a foreign key or by a trigger.
    """

    name: str  # the table, as receipts tell it
    # How many rows will go: given the tenant as %(tenant_id)s and documents as %(ids)s.
    count: LiteralString


STORES = (
    Store(
        name="job",
        count="""
SELECT count(*) FROM job WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)
""",
    ),
)

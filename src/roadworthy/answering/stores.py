"""The table of this room that holds the text of documents."""

from roadworthy.plumbing.stores import Store

STORES = (
    Store(
        name="kept_answer",
        count="""
SELECT count(*) FROM kept_answer WHERE tenant_id = %(tenant_id)s AND documents && %(ids)s::uuid[]
""",
    ),
)

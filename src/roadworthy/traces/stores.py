"""The tables of this room that hold the text of documents."""

from roadworthy.plumbing.stores import Store

# An answer is made from all of its hits, cited or not. Its trace stays, with ids and without text.
STORES = (
    Store(
        name="trace_answer",
        count="SELECT count_answers(%(ids)s)",
    ),
    # Goes with its trace_answer.
    Store(
        name="cached_answer",
        count="SELECT count_cached_answers(%(ids)s)",
    ),
)

"""No table can hold the text of documents without being told to forget it."""

import psycopg
import pytest

from roadworthy.bootstrap import STORES
from roadworthy.plumbing.stores import Store

# Types that can hold text, or what is made from it; and columns that point at documents.
SUSPECTS = """
SELECT c.relname, a.attname
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                      JOIN pg_namespace n ON n.oid = c.relnamespace
                      JOIN pg_type t ON t.oid = a.atttypid
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'm') AND a.attnum > 0
   AND NOT a.attisdropped
   AND (t.typname IN ('text', 'varchar', 'bpchar', 'bytea', 'json', 'jsonb', 'xml', 'tsvector',
                      'vector', 'halfvec', 'sparsevec', '_text', '_varchar', '_bytea', '_jsonb')
        OR a.attname IN ('document_id', 'revision_id', 'passage_id'))
"""
# Tables with such columns that hold no text of documents, and nothing that is derived from it.
HOLD_NONE = {
    "acl": "a hash of who may read",
    "acl_grant": "names of users and groups; a deleted person's go",
    "api_key": "a hash of the key; a deleted person's go",
    "corpus": "its name",
    "corpus_route": "settings of a corpus",
    "corpus_space": "settings of a corpus",
    "deletion_receipt": "ids and counts",
    "embedding_space": "probe texts that we ship",
    "legal_hold": "the reason that its placer wrote; goes with the document",
    "live_release": "a name",
    "principal": "names of users and groups; a deleted person's go",
    "release": "what an operator wrote",
    "schema_migration": "names of files",
    "tenant": "its name",
    "trace": "what was asked, which is the asker's; its problem goes with trace_answer",
    "trace_hit": "ids and scores",
    "withdrawn_document": "ids of what is being deleted",
}


# Deleting a document takes whatever points at it by a key that says so, over any number of steps.
GOING_ALONG = """
WITH RECURSIVE going AS (
    SELECT 'document'::regclass AS relation
    UNION
    SELECT conrelid::regclass FROM pg_constraint JOIN going ON confrelid = relation
     WHERE contype = 'f' AND confdeltype = 'c')
SELECT relation::text FROM going
"""
OTHERWISE = {
    "passage_count": "sums, which it is taken out of",
    "trace_answer": "by a trigger of document: a trace is made from many",
}
MEND = """{table} may hold the text of documents, or what is made from it (column {columns}), and no
deletion tells it to forget. If it does: name it in the STORES of the room that owns it (such as
corpus/stores.py) with a `count` where its rows go with their document by a foreign key ON DELETE
CASCADE, or with a `forget` that takes them; a new room's STORES belong in bootstrap.STORES. A row
that tells of a second document (its name in a reason) needs a `forget` for that one, too. If it
does not: say why in HOLD_NONE of this test."""


def unlisted(url) -> dict[str, str]:
    """Tell of each table that is on no list what is to be done."""
    with psycopg.connect(url) as conn:
        suspects = conn.execute(SUSPECTS).fetchall()
    known = {store.name for store in STORES} | HOLD_NONE.keys()
    columns: dict[str, list[str]] = {}
    for table, column in suspects:
        if table not in known:
            columns.setdefault(table, []).append(column)
    return {
        table: MEND.format(table=table, columns=", ".join(names))
        for table, names in columns.items()
    }


def test_every_table_that_may_hold_text_is_a_store_or_says_why_not(urls):
    found = unlisted(urls.owner)
    assert found == {}, "\n\n".join(found.values())


def staying(url, stores) -> set[str]:
    """Name the stores whose rows are only counted, and do not go with their document."""
    with psycopg.connect(url) as conn:
        going = {name for (name,) in conn.execute(GOING_ALONG)}
    return {store.name for store in stores if store.count} - going - OTHERWISE.keys()


def test_a_store_that_is_only_counted_goes_with_its_document(urls):
    assert staying(urls.owner, STORES) == set()


@pytest.mark.parametrize(("rule", "stays"), [("ON DELETE CASCADE", False), ("", True)])
def test_a_store_that_would_stay_is_noticed(urls, rule, stays):
    with psycopg.connect(urls.owner) as conn:
        conn.execute(
            "CREATE TABLE remark (tenant_id integer, revision_id uuid,"
            f" FOREIGN KEY (tenant_id, revision_id) REFERENCES revision {rule})"
        )
        conn.commit()
        try:
            found = staying(urls.owner, [Store(name="remark", count="SELECT 0")])
        finally:
            conn.execute("DROP TABLE remark")
            conn.commit()
    assert found == ({"remark"} if stays else set())


@pytest.mark.parametrize(
    "columns",
    ["note text", "content bytea", "vector halfvec", "facts jsonb", "document_id uuid"],
)
def test_a_new_table_is_noticed(urls, columns):
    with psycopg.connect(urls.owner, autocommit=True) as conn:
        conn.execute(f"CREATE TABLE evaluation_item (tenant_id integer, {columns})")
        try:
            told = unlisted(urls.owner)["evaluation_item"]
        finally:
            conn.execute("DROP TABLE evaluation_item")
    assert told.startswith("evaluation_item may hold")
    assert f"(column {columns.split()[0]})" in told


def test_the_list_names_tables_that_exist(urls):
    with psycopg.connect(urls.owner) as conn:
        tables = {name for (name,) in conn.execute("SELECT relname FROM pg_class")}
    assert {store.name for store in STORES} | HOLD_NONE.keys() <= tables


STATISTICS = """
SELECT c.relname || '.' || a.attname
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                      JOIN pg_type t ON t.oid = a.atttypid
 WHERE c.relname = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped
   AND a.attstattarget IS DISTINCT FROM 0
   AND t.typname IN ('text', 'bytea', 'jsonb', 'halfvec', '_text')
"""
# Columns whose words are ours, or are not of documents.
PLAIN = {
    "document.language",
    "document.language_told",
    "document.media_type",
    "document.owner",
    "document.state",
    "job.kind",
    "job.problem_kind",
    "job.stage",
    "job.state",
    "passage.analysis",
    "passage.language",
    "passage_count.analysis",
    "passage_count.language",
    "review.decided_by",
    "review.decision",
    "review.overruled",
    "revision.state",
    "trace.degraded",
    "trace.language",
    "trace.outcome",
    "trace.pseudonym",
    "trace.release_hash",
    "trace.release_name",
    "trace.stages",
    "trace.surface",
    "verdict.check_name",
    "verdict.outcome",
}


def test_no_statistics_are_kept_of_what_stores_hold(urls):
    with psycopg.connect(urls.owner) as conn:
        rows = conn.execute(STATISTICS, [[*(store.name for store in STORES), "trace"]])
        kept = {name for (name,) in rows} - PLAIN
    assert kept == set(), (
        f"The planner's statistics of {sorted(kept)} would be a copy that outlives the row: in a "
        "migration, ALTER COLUMN ... SET STATISTICS 0; or name it in PLAIN."
    )


# Columns that name a person, and how his name goes.
PEOPLE = {
    "api_key.user_id": "its row is deleted",
    "deletion_receipt.requested_by": "forget_name",
    "document.owner": "its row is deleted",
    "legal_hold.lifted_by": "forget_name",
    "legal_hold.placed_by": "forget_name",
    "legal_hold.user_id": "goes with the person, once it is lifted",
    "principal.user_id": "its row is deleted",
    "review.decided_by": "forget_name",
}
NAMES = """
SELECT c.relname || '.' || a.attname
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                      JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT a.attisdropped
   AND (a.attname IN ('owner', 'user_id') OR a.attname ~ '_by$')
"""


def test_every_column_that_names_a_person_is_known(urls):
    with psycopg.connect(urls.owner) as conn:
        found = {name for (name,) in conn.execute(NAMES)}
    assert found == PEOPLE.keys(), (
        "When a person is deleted his name must go from these columns: delete the rows in "
        "deletion/leaving.py, or add the column to forget_name in retention.sql; then name it here."
    )

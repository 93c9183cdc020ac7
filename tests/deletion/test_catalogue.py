"""No table can hold the text of documents without being told to forget it."""

import psycopg
import pytest

from roadworthy.bootstrap import STORES
from roadworthy.plumbing.stores import Store

COLUMNS = """
SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END,
       a.attname
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                      JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
   AND c.relkind IN ('r', 'p', 'm', 'f') AND NOT c.relispartition
   AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY c.relname, a.attnum
"""
# What the columns of all other tables hold: no text of documents, and nothing derived from it.
HOLD_NONE = {
    "acl": "tenant_id id grants_hash",
    "acl_grant": "tenant_id acl_id subject clearance",  # a deleted person's go
    "api_key": "tenant_id id user_id key_hash may_ingest created_at expires_at revoked_at",
    # Names of releases, sums, ids: what an operator is about to do.
    "approval": "tenant_id id operation subject asked_by asked_at granted_by granted_at used_at",
    "budget": "tenant_id scope name period soft_usd hard_usd soft_tokens hard_tokens set_at",
    "corpus": "tenant_id id name space_id created_at text_search policy",
    "corpus_route": "tenant_id corpus_id language space_id text_search",
    "corpus_space": "tenant_id corpus_id language space_id is_whole created_at",
    "deletion_receipt": "tenant_id id scope subject requested_by requested_at documents attachments"
    " stores erased_at finished_at",
    "embedding_place": "tenant_id state indexed changed_at",
    "embedding_space": "id name model revision dimension normalised query_prefix passage_prefix"
    " languages probe_texts probe_vectors created_at",  # probe texts that we ship
    "experiment": "tenant_id id corpus_id kind measure questions tried chosen basis"
    " made_by made_at",
    "installation": "is_only stage created_at",
    "pseudonym_key": "is_only mark created_at",
    # The question is the asker's; what problems say is not kept.
    "kept_question": "tenant_id id user_id asked state attempts waits run_at lease leased_until"
    " problem_kind created_at finished_at claimed_at",
    "legal_hold": "tenant_id id document_id user_id corpus_id reason placed_by placed_at lifted_by"
    " lifted_at",  # goes with the document
    "live_release": "tenant_id name changed_at",
    "principal": "tenant_id user_id groups clearance updated_at",
    "release": "tenant_id name hash content created_at",  # what an operator wrote
    "spending": "tenant_id day release kind name times ms calls input_tokens output_tokens"
    " cost_usd unpriced",  # sums, by names of releases, stages and outcomes, and ids of keys
    "schema_migration": "name checksum applied_at",
    "tenant": "id name created_at content_mark",  # a mark is drawn, not made from anything
    # The question is the asker's; the problem goes with trace_answer.
    "trace": "tenant_id id pseudonym surface release_name release_hash question searched_for"
    " language outcome problem stages reading verdicts input_tokens output_tokens degraded"
    " started_at ended_at cached_from key_id avoided",
    "trace_hit": "tenant_id trace_id rank document_id passage_id score keyword_score vector_score"
    " cited",
    # Where the asker wants to be told; it is forgotten when he was.
    "webhook": "tenant_id question_id url origin state attempts run_at lease claimed_at",
    "withdrawn_document": "tenant_id document_id corpus_id deletion_id",
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
    "cached_answer": "with the trace_answer that it is",
    "passage_count": "sums, which it is taken out of",
    "posting_gone": "cleared before a receipt is finished (corpus/clearing.py)",
    "posting_segment": "rows of many, which it is taken out of before a receipt is finished",
    "kept_answer": "by a trigger of document: it is made from many",
    "trace_answer": "by a trigger of document: a trace is made from many",
}
MEND = """{table} may hold the text of documents, or what is made from it (column {columns}), and no
deletion tells it to forget. If it does: name it in the STORES of the room that owns it (such as
corpus/stores.py), and let its rows go with their document by a foreign key ON DELETE CASCADE, or by
a trigger; a new room's STORES belong in bootstrap.STORES. A row that tells of a second document
(its name in a reason) needs a trigger for that one, too. If it does not: name the column in
HOLD_NONE of this test."""


def unlisted(url) -> dict[str, str]:
    """Tell of each table that is on no list what is to be done."""
    with psycopg.connect(url) as conn:
        found = conn.execute(COLUMNS).fetchall()
    stores = {store.name for store in STORES}
    columns: dict[str, list[str]] = {}
    for table, column in found:
        if table not in stores and column not in HOLD_NONE.get(table, "").split():
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


@pytest.mark.parametrize("kind", ["text", "real[]", "halfvec", "json[]", "name", "acl", "uuid"])
@pytest.mark.parametrize("table", ["evaluation_item", "elsewhere.item"])
def test_a_new_table_is_noticed(urls, table, kind):
    with psycopg.connect(urls.owner) as conn:
        conn.execute("CREATE SCHEMA elsewhere")
        conn.execute(f"CREATE TABLE {table} (of_it {kind})")
        conn.commit()
        try:
            told = unlisted(urls.owner)[table]
        finally:
            conn.execute(f"DROP TABLE {table}")
            conn.execute("DROP SCHEMA elsewhere")
            conn.commit()
    assert told.startswith(f"{table} may hold")
    assert "(column of_it)" in told


@pytest.mark.parametrize("table", ["corpus", "trace_hit"])
def test_a_new_column_is_noticed(urls, table):
    with psycopg.connect(urls.owner, autocommit=True) as conn:
        conn.execute(f"ALTER TABLE {table} ADD COLUMN excerpt text")
        try:
            told = unlisted(urls.owner)
        finally:
            conn.execute(f"ALTER TABLE {table} DROP COLUMN excerpt")
    assert told.keys() == {table}
    assert "(column excerpt)" in told[table]


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
   AND t.typname NOT IN ('int2', 'int4', 'int8', 'bool', 'uuid', 'timestamptz')
"""
# Columns whose words are ours, or are not of documents.
PLAIN = {
    "document.language",
    "document.language_told",
    "document.media_type",
    "document.owner",
    "document.page_confidence",
    "document.state",
    "cached_answer.cited",
    "cached_answer.cost_usd",
    "cached_answer.language",
    "cached_answer.made_from",
    "cached_answer.numbers",
    "cached_answer.release_hash",
    "job.kind",
    "job.problem_kind",
    "job.stage",
    "job.state",
    "passage.analysis",
    "passage.language",
    "passage_count.analysis",
    "passage_count.language",
    "passage_score.version",
    "review.decided_by",
    "review.decision",
    "review.overruled",
    "revision.state",
    "trace.avoided",
    "trace.degraded",
    "trace.language",
    "trace.outcome",
    "trace.pseudonym",
    "trace.reading",
    "trace.release_hash",
    "trace.release_name",
    "trace.stages",
    "trace.surface",
    "trace.verdicts",
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
    "approval.asked_by": "forget_name",
    "approval.granted_by": "forget_name",
    "api_key.user_id": "its row is deleted",
    "deletion_receipt.requested_by": "forget_name",
    "document.owner": "its row is deleted",
    "experiment.made_by": "forget_name",
    "kept_question.user_id": "goes with the person, and his answers with it",
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
        "deletion/leaving.py, or add the column to forget_name in retention_traces.sql; then name "
        "it here."
    )

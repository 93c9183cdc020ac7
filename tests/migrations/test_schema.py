"""sql/schema.sql is what the migrations lead to, and can be read and loaded as it stands."""

import psycopg
import pytest

from roadworthy.plumbing.migrations import SCHEMA_HEADER, schema_dump, sql_folder

MEND = "run: python -m roadworthy.plumbing.migrations --write-schema"


@pytest.fixture(scope="module")
def readable() -> str:
    path = sql_folder() / "schema.sql"
    assert path.exists(), MEND
    return path.read_text("utf-8")


def test_the_readable_schema_is_the_migrated_one(fresh_database, readable):
    assert readable == SCHEMA_HEADER + schema_dump(fresh_database), MEND


def test_loading_it_makes_the_same_schema_as_migrating(fresh_database, empty_database, readable):
    with psycopg.connect(empty_database) as conn:
        conn.execute(readable.encode())
    assert schema_dump(empty_database) == schema_dump(fresh_database)


def test_the_dump_sees_what_changes(fresh_database):
    before = schema_dump(fresh_database)
    with psycopg.connect(fresh_database) as conn:
        conn.execute("CREATE TABLE brand_new (word text); COMMENT ON TABLE brand_new IS 'yes'")
    after = schema_dump(fresh_database)
    assert "brand_new" not in before
    assert "COMMENT ON TABLE public.brand_new" in after


def test_the_dump_holds_the_extension_and_nothing_that_differs_by_run(fresh_database):
    dump = schema_dump(fresh_database)
    assert "CREATE EXTENSION IF NOT EXISTS vector" in dump
    assert dump == schema_dump(fresh_database)
    assert "restrict" not in dump.splitlines()[0]
    assert "Dumped" not in dump

"""A database goes forward only: each file once, whole or not at all, and never a changed one."""

import threading
from pathlib import Path

import psycopg
import pytest

from roadworthy.core.errors import Busy, Invalid, Unavailable
from roadworthy.plumbing.migrations import migrate, pending, read_migrations

FIRST, SECOND = "0001_create_things.sql", "0002_add_colour.sql"
VIEW = "repeatable/view.sql"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations and a repeatable file."""
    write(tmp_path, FIRST, "CREATE TABLE thing (id integer);")
    write(tmp_path, SECOND, "ALTER TABLE thing ADD colour text; INSERT INTO thing VALUES (1, '%');")
    write(tmp_path, VIEW, "CREATE OR REPLACE VIEW one AS SELECT 1 AS number;")
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    path = folder / (name if "/" in name else f"migrations/{name}")
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def run(url: str, folder: Path) -> list[str]:
    return migrate(url, progress=lambda _name: None, folder=folder)


def rows(url: str, query: str) -> list[tuple]:
    with psycopg.connect(url) as conn:
        return conn.execute(query.encode()).fetchall()


def test_all_is_applied_in_order_once(empty_database, folder):
    told: list[str] = []
    assert pending(empty_database, folder=folder) == [FIRST, SECOND, VIEW]
    assert migrate(empty_database, progress=told.append, folder=folder) == [FIRST, SECOND, VIEW]
    assert told == [FIRST, SECOND, VIEW]
    assert pending(empty_database, folder=folder) == run(empty_database, folder) == []
    assert rows(empty_database, "SELECT id, colour FROM thing") == [(1, "%")]


def test_what_was_applied_is_recorded_with_its_time(empty_database, folder):
    run(empty_database, folder)
    recorded = "SELECT name, length(checksum), applied_at > now() - interval '1 minute'"
    assert rows(empty_database, f"{recorded} FROM schema_migration ORDER BY name") == [
        (name, 64, True) for name in (FIRST, SECOND, VIEW)
    ]


def test_a_changed_repeatable_file_runs_again_after_the_numbered(empty_database, folder):
    run(empty_database, folder)
    write(folder, VIEW, "CREATE OR REPLACE VIEW one AS SELECT 2 AS number;")
    write(folder, "0003_drop_thing.sql", "DROP TABLE thing;")
    assert run(empty_database, folder) == ["0003_drop_thing.sql", VIEW]
    assert rows(empty_database, "SELECT number FROM one") == [(2,)]


def test_what_a_migration_makes_anew_gets_its_policies_again(empty_database, folder):
    run(empty_database, folder)
    write(folder, "0003_drop_view.sql", "DROP VIEW one;")
    write(folder, "0004_break_thing.sql", "SELECT no_such_function();")
    with pytest.raises(Invalid, match="0004"):
        run(empty_database, folder)  # ends between the two
    (folder / "migrations" / "0004_break_thing.sql").unlink()
    assert run(empty_database, folder) == [VIEW]
    assert rows(empty_database, "SELECT number FROM one") == [(1,)]


@pytest.mark.parametrize("ask", [run, lambda url, folder: pending(url, folder=folder)])
def test_a_changed_applied_file_is_named(empty_database, folder, ask):
    run(empty_database, folder)
    write(folder, FIRST, "CREATE TABLE thing (id bigint);")
    with pytest.raises(Invalid, match=FIRST):
        ask(empty_database, folder)


def test_a_failing_file_leaves_nothing_and_keeps_those_before_it(empty_database, folder):
    write(folder, "0003_break_thing.sql", "CREATE TABLE half (); SELECT no_such_function();")
    with pytest.raises(Invalid, match=r"0003_break_thing.sql is wrong: .*no_such_function"):
        run(empty_database, folder)
    assert rows(empty_database, "SELECT to_regclass('half')") == [(None,)]
    assert pending(empty_database, folder=folder) == ["0003_break_thing.sql", VIEW]


def test_a_database_newer_than_this_version_is_left_alone(empty_database, folder):
    run(empty_database, folder)
    (folder / "migrations" / SECOND).unlink()
    with pytest.raises(Invalid, match=f"the database has {SECOND}"):
        run(empty_database, folder)


def test_a_file_that_comes_between_applied_ones_is_refused(empty_database, folder):
    write(folder, "0113_add_size.sql", "ALTER TABLE thing ADD size integer;")
    run(empty_database, folder)
    write(folder, "0112_add_weight.sql", "ALTER TABLE thing ADD weight integer;")
    with pytest.raises(Invalid, match=r"0112_add_weight.sql comes too late.* after 0113"):
        run(empty_database, folder)


def test_one_that_landed_late_before_numbers_were_kept_in_order_is_applied(empty_database, folder):
    write(folder, "0110_add_size.sql", "ALTER TABLE thing ADD size integer;")
    run(empty_database, folder)
    write(folder, "0105_add_weight.sql", "ALTER TABLE thing ADD weight integer;")
    assert run(empty_database, folder) == ["0105_add_weight.sql", VIEW]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("0002_add_size.sql", "has the number of 0002_add_colour", id="twice"),
        pytest.param("3_add_size.sql", "misnamed", id="short-number"),
        pytest.param("0003_AddSize.sql", "misnamed", id="capitals"),
    ],
)
def test_numbers_are_there_once_and_names_have_one_form(folder, name, message):
    write(folder, name, "SELECT 1;")
    with pytest.raises(Invalid, match=message):
        read_migrations(folder)


def test_numbers_may_have_gaps(empty_database, folder):
    write(folder, "0009_drop_thing.sql", "DROP TABLE thing;")
    run(empty_database, folder)
    write(folder, "0012_create_other.sql", "CREATE TABLE other (id integer);")
    assert run(empty_database, folder) == ["0012_create_other.sql", VIEW]


def test_a_slow_statement_is_stopped_and_nothing_kept(empty_database, folder):
    slow = "-- Waits.\n-- statement_timeout: 50ms\nCREATE TABLE half (); SELECT pg_sleep(1);"
    write(folder, "0003_wait_long.sql", slow)
    with pytest.raises(Invalid, match="took more than 50ms"):
        run(empty_database, folder)
    assert rows(empty_database, "SELECT to_regclass('half')") == [(None,)]


def test_statements_have_five_seconds_unless_a_header_says_more(folder):
    write(folder, "0003_fill_things.sql", "-- statement_timeout: 60s\nSELECT 1;")
    write(folder, "0004_tell_late.sql", "SELECT 1;\n-- statement_timeout: 60s\n")
    timeouts = [migration.statement_timeout for migration in read_migrations(folder)]
    assert timeouts == ["5s", "5s", "60s", "5s", "5s"]


def test_a_lock_that_others_hold_is_given_up(empty_database, folder):
    run(empty_database, folder)
    write(folder, "0003_add_size.sql", "ALTER TABLE thing ADD size integer;")
    with psycopg.connect(empty_database) as holder:
        holder.execute("SELECT id FROM thing")
        with pytest.raises(Busy, match=r"0003_add_size.sql waited 4s for a lock"):
            run(empty_database, folder)
    assert run(empty_database, folder) == ["0003_add_size.sql", VIEW]


def test_of_two_at_once_one_works_and_the_other_finds_it_done(empty_database, folder):
    write(folder, "0003_take_time.sql", "SELECT pg_sleep(0.3);")
    done: list[list[str]] = []
    both = [
        threading.Thread(target=lambda: done.append(run(empty_database, folder))) for _ in range(2)
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(map(len, done)) == [0, 4]


def test_a_database_that_is_down_is_unavailable(folder):
    with pytest.raises(Unavailable, match="does not answer"):
        run("postgresql://nobody@127.0.0.1:1/none", folder)

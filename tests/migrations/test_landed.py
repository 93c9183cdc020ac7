"""Migrations land in the order of their numbers, and none changes after that."""

import shutil

import psycopg
import pytest

from roadworthy.core.errors import Invalid
from roadworthy.plumbing.landed_migrations import extended
from roadworthy.plumbing.migrations import migrate, read_migrations, sql_folder, write_landed

MEND = "run: python -m roadworthy.plumbing.migrations --write-schema"
FIRST, SECOND = {"0001_make.sql": "a"}, {"0003_mend.sql": "b"}
COLUMNS = """
SELECT table_name || '.' || column_name FROM information_schema.columns
 WHERE table_schema = 'public' ORDER BY 1
"""
# Landed after 0110, which many a database had by then.
LATE = ("0095", "0096", "0100", "0105", "0106")


@pytest.fixture
def landed() -> list[str]:
    return extended(extended([], FIRST), FIRST | SECOND)


def test_all_have_landed_in_their_order(tmp_path):
    committed = (sql_folder() / "migrations.sum").read_text("utf-8")
    written = tmp_path / "migrations.sum"
    written.write_text(committed)
    write_landed(written, folder=sql_folder())
    assert written.read_text("utf-8") == committed, MEND
    names = [m.name for m in read_migrations(sql_folder()) if m.number is not None]
    assert [line.split()[0] for line in committed.splitlines()] == names


def test_a_new_one_comes_last(landed):
    assert extended(landed, FIRST | SECOND) == landed
    assert extended(landed, FIRST | SECOND | {"0004_more.sql": "c"})[:-1] == landed


def test_a_late_one_is_refused(landed):
    with pytest.raises(Invalid, match=r"0002_late.sql comes too late: number it after 0003"):
        extended(landed, FIRST | SECOND | {"0002_late.sql": "c"})


def test_a_late_one_that_is_put_in_its_place_by_hand_is_noticed(landed):
    all_three = FIRST | {"0002_late.sql": "c"} | SECOND
    between = extended([], all_three)[1]
    with pytest.raises(Invalid, match=r"0003_mend.sql is not what landed"):
        extended([landed[0], between, landed[1]], all_three)


@pytest.mark.parametrize("now", [SECOND, {"0001_make.sql": "z"} | SECOND])
def test_what_landed_neither_goes_nor_changes(landed, now):
    with pytest.raises(Invalid, match=r"0001_make.sql is not what landed"):
        extended(landed, now)


def test_a_database_from_between_gets_what_landed_late(empty_database, fresh_database, tmp_path):
    numbered = tmp_path / "migrations"
    numbered.mkdir()
    for path in (sql_folder() / "migrations").glob("*.sql"):
        if not path.name.startswith(LATE) and path.name < "0111":
            shutil.copy(path, numbered)
    migrate(empty_database, progress=lambda _: None, folder=tmp_path)
    assert len(migrate(empty_database, progress=lambda _: None)) > len(LATE)
    columns = []
    for url in (empty_database, fresh_database):
        with psycopg.connect(url) as conn:
            columns.append(conn.execute(COLUMNS).fetchall())
    assert columns[0] == columns[1]

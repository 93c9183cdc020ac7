"""Look for a word in every place where it could be left."""

from pathlib import Path

import psycopg
from psycopg import sql

TABLES = """
SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
 WHERE n.nspname = 'public' AND relkind IN ('r', 'p', 'm') ORDER BY relname
"""
# A bytea is shown in hexadecimal, or as text with its backslashes where it is ASCII.
IN_TABLE = "SELECT count(*) FROM {} AS each WHERE each::text ILIKE {}"
IN_STATISTICS = "SELECT count(*) FROM pg_stats AS each WHERE each::text ILIKE %s"


def tables_that_hold(superuser_url: str, word: str) -> set[str]:
    """Name the tables with a row that holds `word`, whatever the column; statistics included."""
    pattern = sql.Literal(f"%{word}%")
    with psycopg.connect(superuser_url, autocommit=True) as conn:
        conn.execute("SET bytea_output = 'escape'")
        found = set()
        for (name,) in conn.execute(TABLES).fetchall():
            query = sql.SQL(IN_TABLE).format(sql.Identifier(name), pattern)
            if conn.execute(query).fetchone() != (0,):
                found.add(name)
        conn.execute("ANALYZE")
        if conn.execute(IN_STATISTICS, [f"%{word}%"]).fetchone() != (0,):
            found.add("pg_stats")
    return found


def files_that_hold(folder: Path, word: str) -> list[Path]:
    """Name the files below `folder` that hold `word`."""
    sought = word.encode()
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file() and sought in path.read_bytes():
                found.append(path)
        except FileNotFoundError:  # a spool file that was brought to the database
            continue
    return found

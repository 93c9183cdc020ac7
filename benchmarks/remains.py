"""Look for words in every place where they could be left."""

from collections.abc import Iterable
from pathlib import Path

import psycopg
from psycopg import sql

TABLES = """
SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
 WHERE n.nspname = 'public' AND relkind IN ('r', 'p', 'm') ORDER BY relname
"""
# A bytea is shown as text with backslashes where it is ASCII.
IN_TABLE = "SELECT count(*) FROM {} AS each WHERE each::text ~* {}"
IN_STATISTICS = "SELECT count(*) FROM pg_stats AS each WHERE each::text ~* %s"


def tables_that_hold(superuser_url: str, *words: str) -> set[str]:
    """Name the tables with a row that holds one of `words` (letters, digits), whatever the column.

    The planner's statistics are looked through, too, as `pg_stats`.
    """
    pattern = "|".join(words)
    with psycopg.connect(superuser_url, autocommit=True) as conn:
        conn.execute("SET bytea_output = 'escape'")
        found = set()
        for (name,) in conn.execute(TABLES).fetchall():
            query = sql.SQL(IN_TABLE).format(sql.Identifier(name), sql.Literal(pattern))
            if conn.execute(query).fetchone() != (0,):
                found.add(name)
        conn.execute("ANALYZE")
        if conn.execute(IN_STATISTICS, [pattern]).fetchone() != (0,):
            found.add("pg_stats")
    return found


def files_that_hold(files: Iterable[Path], words: Iterable[str]) -> list[Path]:
    """Name the files that hold one of `words`."""
    sought = [word.encode() for word in words]
    found = []
    for path in files:
        try:
            content = path.read_bytes()
        except (FileNotFoundError, IsADirectoryError):  # a spool file goes at any moment
            continue
        if any(word in content for word in sought):
            found.append(path)
    return found

"""Take deleted rows out of the files of their tables."""

import time
from collections.abc import Iterable
from typing import LiteralString

from psycopg import Connection, sql

from roadworthy.core.errors import Busy

POLL_S = 0.2

NEXT: LiteralString = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
# As PostgreSQL finds what a table must keep: for who writes in any database, since each snapshot
# counts him; and for who reads in this one, replicas that send feedback by a sender (which is of no
# database) or a slot among them. Who merely vacuums keeps nothing.
OLDER: LiteralString = """
    SELECT 'process ' || pid
      FROM pg_stat_activity
     WHERE pid <> pg_backend_pid()
       AND (age(backend_xid) > age(%(next)s::xid8::xid)
            OR age(backend_xmin) > age(%(next)s::xid8::xid)
               AND (datname = current_database() OR datname IS NULL)
               AND pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum))
     UNION ALL
    SELECT 'prepared transaction ' || gid
      FROM pg_prepared_xacts
     WHERE age(transaction) > age(%(next)s::xid8::xid)
     UNION ALL
    SELECT 'replication slot ' || slot_name
      FROM pg_replication_slots
     WHERE age(xmin) > age(%(next)s::xid8::xid) AND wal_status IS DISTINCT FROM 'lost'
"""


def purge(conn: Connection, tables: Iterable[str], *, patience_s: float) -> None:
    """Write tables anew, once no transaction is left that is open now.

    PostgreSQL keeps a deleted row, also in a table that is written anew, while a transaction is
    open that began before its deletion.

    Args:
        conn: of the owner of the tables, in autocommit.

    Raises:
        Busy: one of them is still open after `patience_s`; nothing was written.
    """
    _wait_for_older(conn, patience_s=patience_s)
    for name in tables:
        conn.execute(sql.SQL("VACUUM (FULL, ANALYZE) {}").format(sql.Identifier(name)))


def _wait_for_older(conn: Connection, *, patience_s: float) -> None:
    until = time.monotonic() + patience_s
    [(following,)] = conn.execute(NEXT).fetchall()
    while older := [who for (who,) in conn.execute(OLDER, {"next": following})]:
        if time.monotonic() > until:
            raise Busy(
                f"A transaction is open that is older than this purge ({', '.join(older)}), so "
                "deleted rows would stay; end it, or purge again later."
            )
        time.sleep(POLL_S)

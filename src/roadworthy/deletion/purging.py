"""Take deleted rows out of the files of their tables."""

import time
from collections.abc import Iterable
from typing import LiteralString

from psycopg import Connection, sql

from roadworthy.core.errors import Busy

POLL_S = 0.2

NEXT_TRANSACTION: LiteralString = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
# A replica that sends feedback keeps rows through its sender (of no database) or its slot. What
# merely vacuums keeps none.
OLDER_READERS: LiteralString = """
    SELECT 'process ' || pid
      FROM pg_stat_activity
     WHERE pid <> pg_backend_pid() AND (datname = current_database() OR datname IS NULL)
       AND age(backend_xmin) > age(%(next)s::xid8::xid)
       AND pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum)
     UNION ALL
    SELECT 'replication slot ' || slot_name
      FROM pg_replication_slots
     WHERE age(xmin) > age(%(next)s::xid8::xid)
"""


def purge(conn: Connection, tables: Iterable[str], *, patience_s: float) -> None:
    """Write tables anew, once nobody is left who may still read what was deleted before.

    PostgreSQL keeps a deleted row, also in a table that is written anew, while a transaction is
    open that began before its deletion.

    Args:
        conn: of the owner of the tables, in autocommit.

    Raises:
        Busy: such a transaction is still open after `patience_s`; nothing was written.
    """
    _wait_for_older_readers(conn, patience_s=patience_s)
    for name in tables:
        conn.execute(sql.SQL("VACUUM (FULL, ANALYZE) {}").format(sql.Identifier(name)))


def _wait_for_older_readers(conn: Connection, *, patience_s: float) -> None:
    until = time.monotonic() + patience_s
    [(next_transaction,)] = conn.execute(NEXT_TRANSACTION).fetchall()
    while older := [who for (who,) in conn.execute(OLDER_READERS, {"next": next_transaction})]:
        if time.monotonic() > until:
            raise Busy(
                f"A transaction is open that may read what was deleted ({', '.join(older)}), so "
                "its rows would stay; end it, or purge again later."
            )
        time.sleep(POLL_S)

"""Checks of the replica: is it one of our database, and does it follow?"""

import re
import time

import psycopg
from psycopg.rows import scalar_row

from roadworthy.bootstrap import DatabaseUrls
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.plumbing.migrations import sql_folder

CONNECT_S = 5
FOLLOWS_WITHIN_S, LOOK_EVERY_S = 5.0, 0.1

# The same on a server and on whatever was copied from it.
IDENTITY = """
SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database())
  FROM pg_control_system()
"""
MARKED = """
SELECT tgname || ' on ' || tgrelid::regclass::text FROM pg_trigger
 WHERE tgname IN ('mark_new', 'mark_old') AND tgenabled <> 'D'
"""
MADE = re.compile(
    r"^CREATE CONSTRAINT TRIGGER (mark_\w+) AFTER .*? ON public\.(\w+) ", re.MULTILINE
)
WRITTEN = "SELECT pg_current_wal_lsn()"
REPLAYED = """
SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() >= %(lsn)s::pg_lsn END
"""


def check_replica(urls: DatabaseUrls, app: psycopg.Connection) -> list[Check]:
    """Check that it may be read; one that does not answer is no fault, for nobody waits for it.

    Args:
        app: to the primary, as the app role.
    """
    if urls.read is None:
        return []
    try:
        with psycopg.connect(urls.read, connect_timeout=CONNECT_S, autocommit=True) as read:
            theirs, info = read.execute(IDENTITY).fetchone(), read.info
            where = f"{info.dbname} at {info.host}:{info.port}"
    except psycopg.OperationalError:
        return [fine("replica", "It does not answer; until it does, searches read the primary.")]
    if theirs != app.execute(IDENTITY).fetchone():
        return [
            wrong(
                "replica",
                f"database_read_url leads to {where}, which is no replica of the database of "
                "database_app_url.",
                "Name a streaming replica of it in database_read_url, or leave that empty.",
            )
        ]
    return [_marked(app)]


def _marked(app: psycopg.Connection) -> Check:
    """Check that whatever changes is marked: what is read on the replica is trusted by that."""
    made = {f"{name} on {table}" for name, table in MADE.findall(_schema())}
    with app.cursor(row_factory=scalar_row) as cursor:
        missing = made - set(cursor.execute(MARKED).fetchall())
    if missing:
        return wrong(
            "replica",
            f"The database lacks triggers that mark changes: {', '.join(sorted(missing))}.",
            "Run `roadworthy migrate`; until then leave database_read_url empty.",
        )
    return fine("replica", "It is one of this database.")


def check_replication(urls: DatabaseUrls, *, within_s: float = FOLLOWS_WITHIN_S) -> list[Check]:
    """Check that it answers, and has soon what the primary has written by now."""
    if urls.read is None:
        return []
    try:
        with (
            psycopg.connect(urls.app, connect_timeout=CONNECT_S, autocommit=True) as app,
            psycopg.connect(urls.read, connect_timeout=CONNECT_S, autocommit=True) as read,
        ):
            [[lsn]] = app.execute(WRITTEN).fetchall()
            return [_follows(read, lsn, within_s=within_s)]
    except psycopg.OperationalError as error:
        said = (error.diag.message_primary or str(error)).strip().splitlines()[-1].rstrip(".")
        return [
            wrong(
                "replication",
                f"The replica does not answer: {said}.",
                "Searches read the primary meanwhile. Check that it runs, and database_read_url.",
            )
        ]


def _follows(read: psycopg.Connection, lsn: str, *, within_s: float) -> Check:
    began = time.monotonic()
    while True:
        [[has_it]] = read.execute(REPLAYED, {"lsn": lsn}).fetchall()
        took_s = time.monotonic() - began
        if has_it is None:
            return wrong(
                "replication",
                "The server of database_read_url follows no primary; it was promoted, perhaps.",
                "Searches that it has nothing new for go on; name a replica that follows.",
            )
        if has_it:
            return fine(
                "replication", f"The replica has what the primary wrote, {took_s:.1f} s on."
            )
        if took_s > within_s:
            return wrong(
                "replication",
                f"The replica lacks what the primary wrote {within_s:g} s ago.",
                "Searches of tenants that changed read the primary meanwhile. See the replica's "
                "log; a long query there or a slow disk holds it up.",
            )
        time.sleep(LOOK_EVERY_S)


def _schema() -> str:
    return (sql_folder() / "schema.sql").read_text("utf-8")

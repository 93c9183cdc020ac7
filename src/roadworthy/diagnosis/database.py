"""Checks of the database: version, extension, migrations, and who may do what.

All are read as the service roles themselves, for what counts is what they see and may do.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg

from roadworthy.bootstrap import APP_ROLE, WORKER_ROLE, DatabaseUrls
from roadworthy.core.clock import now
from roadworthy.core.errors import Invalid, RoadworthyError
from roadworthy.diagnosis.permissions import check_policies, check_role, check_rows, check_tables
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.diagnosis.replica import check_replica
from roadworthy.plumbing.migrations import pending
from roadworthy.traces.pseudonyms import OTHER_KEY, OTHER_KEY_MEND, Pseudonyms
from roadworthy.traces.pseudonyms import READ as READ_MARK

LEAST_SERVER, LEAST_VECTOR = 16, (0, 8)
# The worker must find work before it knows whose it is, and a receipt whose tenant is gone.
OPEN_TO_WORKER = (
    "job",
    "tenant",
    "deletion_receipt",
    "withdrawn_document",
    "kept_question",
    "webhook",
)
MOST_SKEW = timedelta(seconds=5)
# Two URLs of one server differ in names; its start and the number of a database do not.
IDENTITY = """
SELECT oid, pg_postmaster_start_time() FROM pg_database WHERE datname = current_database()
"""
STAGE = "SELECT stage FROM installation"
CLOCK = "SELECT clock_timestamp(), (SELECT max(applied_at) FROM schema_migration)"
VECTOR = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"


def check_database(
    urls: DatabaseUrls,
    *,
    stage: str = "",
    pseudonyms: Pseudonyms | None = None,
    clock: Callable[[], datetime] = now,
) -> list[Check]:
    """Check the database as the roles that use it; when it does not answer, that alone is told.

    Args:
        stage: by the settings; "": of none.
        pseudonyms: of this installation; None: not looked at.
    """
    try:
        with psycopg.connect(urls.app, connect_timeout=5, autocommit=True) as app:
            checks = [_server(app), _vector(app), _migrations(urls)]
            if not all(check.ok for check in checks):
                return checks  # what follows would fail for that reason
            checks += [_stage(app, stage), _clock(app, clock)]
            checks += [_pseudonyms(app, pseudonyms)] if pseudonyms else []
            checks += check_replica(urls, app)
            return checks + _permissions(app, urls)
    except psycopg.OperationalError as error:
        return [_unreachable(error)]
    except psycopg.Error as error:
        said = error.diag.message_primary or type(error).__name__
        return [wrong("database", f"The database refuses: {said}.", "Run `roadworthy migrate`.")]


def _permissions(app: psycopg.Connection, urls: DatabaseUrls) -> list[Check]:
    with psycopg.connect(urls.worker, connect_timeout=5, autocommit=True) as worker:
        return [
            _one_database(app, worker),
            check_role(app, role=APP_ROLE, not_role=WORKER_ROLE, setting="database_app_url"),
            check_role(worker, role=WORKER_ROLE, not_role=APP_ROLE, setting="database_worker_url"),
            check_tables(app),
            check_policies(app),
            check_rows(app, role=APP_ROLE, open_tables=()),
            check_rows(worker, role=WORKER_ROLE, open_tables=OPEN_TO_WORKER),
        ]


def _one_database(app: psycopg.Connection, worker: psycopg.Connection) -> Check:
    ours, theirs = (conn.execute(IDENTITY).fetchone() for conn in (app, worker))
    if ours == theirs:
        return fine("one database", "API and worker use the same.")
    return wrong(
        "one database",
        f"database_app_url leads to {app.info.dbname} at {app.info.host}:{app.info.port}, "
        f"database_worker_url to {worker.info.dbname} at {worker.info.host}:{worker.info.port}.",
        "Name one database in both: what the worker prepares is never found in another.",
    )


def _unreachable(error: psycopg.OperationalError) -> Check:
    said = error.diag.message_primary or str(error).strip().splitlines()[-1]
    return wrong(
        "database",
        f"The database cannot be reached as its service roles: {said.rstrip('.')}.",
        "Check that it runs and its URL; `roadworthy migrate` makes the roles.",
    )


def _server(conn: psycopg.Connection) -> Check:
    version = conn.info.server_version // 10_000
    if version < LEAST_SERVER:
        return wrong(
            "database",
            f"The database is PostgreSQL {version}.",
            f"Use PostgreSQL {LEAST_SERVER} or newer.",
        )
    return fine("database", f"PostgreSQL {version} answers.")


def _vector(conn: psycopg.Connection) -> Check:
    found = conn.execute(VECTOR).fetchone()
    least = ".".join(map(str, LEAST_VECTOR))
    if found is None:
        return wrong(
            "pgvector",
            "The database has no extension vector.",
            f"Install pgvector {least} or newer there and run CREATE EXTENSION vector.",
        )
    if tuple(int(part) for part in found[0].split(".")[:2]) < LEAST_VECTOR:
        return wrong(
            "pgvector",
            f"The database has pgvector {found[0]}.",
            f"Install {least} or newer and run ALTER EXTENSION vector UPDATE.",
        )
    return fine("pgvector", f"pgvector {found[0]} is there.")


def _stage(conn: psycopg.Connection, stage: str) -> Check:
    found = conn.execute(STAGE).fetchone()
    stored = found[0] if found else ""
    if stored == stage:
        said = f"of the stage {stage!r}" if stage else "of no stage, like these settings"
        return fine("stage", f"The database is {said}.")
    if not stored:
        return wrong(
            "stage",
            f"The setting stage (ROADWORTHY_STAGE) is {stage!r}, but the database is of none yet.",
            "Run `roadworthy migrate`, which records it.",
        )
    return wrong(
        "stage",
        f"The database is of the stage {stored!r}, but the setting stage (ROADWORTHY_STAGE) is "
        f"{stage!r}.",
        "Correct database_url or stage; a copy made on purpose is taken over by `roadworthy "
        "migrate --adopt`.",
    )


def _pseudonyms(conn: psycopg.Connection, pseudonyms: Pseudonyms) -> Check:
    found = conn.execute(READ_MARK).fetchone()
    if found and found[0] != pseudonyms.mark:
        return wrong("pseudonyms", OTHER_KEY, OTHER_KEY_MEND)
    return fine("pseudonyms", "Traces name people by the key that this installation has.")


def _clock(conn: psycopg.Connection, clock: Callable[[], datetime]) -> Check:
    """Compare this machine's clock with the database's, and with what was done before."""
    before = clock()
    [[theirs, migrated_at]] = conn.execute(CLOCK).fetchall()
    ours = before + (clock() - before) / 2
    if abs(ours - theirs) > MOST_SKEW:
        seconds = (ours - theirs).total_seconds()
        return wrong(
            "clock",
            f"The clock of this machine is {abs(seconds):.0f} s "
            f"{'ahead of' if seconds > 0 else 'behind'} the database's.",
            "Have both follow a time server: keys would expire, and jobs be taken over, at the "
            "wrong time.",
        )
    if migrated_at - ours > MOST_SKEW:
        return wrong(
            "clock",
            f"By this clock the database was migrated in the future, at {migrated_at}: it was set "
            "back.",
            "Set the clock right, by a time server.",
        )
    return fine("clock", "The clocks of this machine and of the database agree.")


def _migrations(urls: DatabaseUrls) -> Check:
    try:
        missing = pending(urls.owner or urls.app)
    except Invalid as error:
        return wrong("migrations", f"The schema is not ours: {error.message}.", "See the sentence.")
    except RoadworthyError as error:
        return wrong("migrations", f"{error.message}.", "Check database_url.")
    if missing:
        return wrong(
            "migrations",
            f"The database lacks {len(missing)} migrations, from {missing[0]} on.",
            "Run `roadworthy migrate`.",
        )
    return fine("migrations", "All migrations are applied and unchanged.")

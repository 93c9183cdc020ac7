"""Checks of the database: version, extension, migrations, and who may do what.

All are read as the service roles themselves, for what counts is what they see and may do.
"""

import psycopg

from roadworthy.bootstrap import APP_ROLE, WORKER_ROLE, DatabaseUrls
from roadworthy.core.errors import Invalid, RoadworthyError
from roadworthy.diagnosis.permissions import check_policies, check_role, check_rows, check_tables
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.plumbing.migrations import pending

LEAST_SERVER, LEAST_VECTOR = 16, (0, 8)
# The worker must find work before it knows whose it is, and a receipt whose tenant is gone.
OPEN_TO_WORKER = ("job", "tenant", "deletion_receipt", "withdrawn_document")
VECTOR = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"


def check_database(urls: DatabaseUrls) -> list[Check]:
    """Check the database as the roles that use it; when it does not answer, that alone is told."""
    try:
        with psycopg.connect(urls.app, connect_timeout=5, autocommit=True) as app:
            checks = [_server(app), _vector(app), _migrations(urls)]
            if not all(check.ok for check in checks):
                return checks  # what follows would fail for that reason
            return checks + _permissions(app, urls)
    except psycopg.OperationalError as error:
        return [_unreachable(error)]
    except psycopg.Error as error:
        said = error.diag.message_primary or type(error).__name__
        return [wrong("database", f"The database refuses: {said}.", "Run `roadworthy migrate`.")]


def _permissions(app: psycopg.Connection, urls: DatabaseUrls) -> list[Check]:
    with psycopg.connect(urls.worker, connect_timeout=5, autocommit=True) as worker:
        return [
            check_role(app, role=APP_ROLE, not_role=WORKER_ROLE),
            check_role(worker, role=WORKER_ROLE, not_role=APP_ROLE),
            check_tables(app),
            check_policies(app),
            check_rows(app, role=APP_ROLE, open_tables=()),
            check_rows(worker, role=WORKER_ROLE, open_tables=OPEN_TO_WORKER),
        ]


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

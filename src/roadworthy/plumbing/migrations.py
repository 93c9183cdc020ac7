"""Bring a database to this version's schema: forward only, each step once, never half.

`sql/migrations/NNNN_verb_noun.sql` run once each, in order, each in a transaction of its own.
`sql/repeatable/*.sql` (functions, policies, grants) run after them, and whenever their text
changes, so they are written to be run again. A file may begin with the comment
`-- statement_timeout: 60s`.
"""

import argparse
import hashlib
import importlib.resources
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from roadworthy.core.errors import Busy, Invalid, RoadworthyError, Unavailable
from roadworthy.plumbing.embedded_postgres import EmbeddedPostgres
from roadworthy.plumbing.landed_migrations import extended
from roadworthy.plumbing.postgres_programs import binaries

FILE_NAME = re.compile(r"(?P<number>\d{4})_[a-z0-9]+(?:_[a-z0-9]+)*\.sql")
TIMEOUT_HEADER = re.compile(r"(?m)\A(?:--.*\n)*?-- statement_timeout: (\d+(?:ms|s|min))$")
# A migration that waits for a lock makes everybody queue behind it: give up early and loudly.
LOCK_TIMEOUT, STATEMENT_TIMEOUT = "4s", "5s"
# Up to here numbers have landed in no order; none needs what has a higher one.
LAST_OUT_OF_ORDER = 110
WAIT_FOR_OTHERS = "60s"
LOCK_KEY = int.from_bytes(hashlib.sha256(b"roadworthy migrations").digest()[:8], signed=True)

CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name        text        PRIMARY KEY,
    checksum    text        NOT NULL,
    applied_at  timestamptz NOT NULL
)
"""
APPLIED = "SELECT name, checksum FROM schema_migration ORDER BY name"
RECORD = """
INSERT INTO schema_migration (name, checksum, applied_at)
VALUES (%(name)s, %(checksum)s, %(applied_at)s)
    ON CONFLICT (name) DO UPDATE
   SET checksum = excluded.checksum, applied_at = excluded.applied_at
"""
# What a migration makes anew has no policies yet, also if nothing comes after it this time.
RUN_AGAIN = "DELETE FROM schema_migration WHERE name LIKE 'repeatable/%'"
SCHEMA_HEADER = (
    "-- The schema that the migrations lead to. Generated; do not edit:\n"
    "-- python -m roadworthy.plumbing.migrations --write-schema\n\n"
)
# What pg_dump says about itself or repeats, and what only a superuser may run.
DUMP_NOISE = re.compile(
    r"""(?mx)
    ^--\n--\ .*\n--\n+                      # a title over each object
    | ^--\ (?:Dumped\ (?:from|by)|PostgreSQL\ database\ dump).*\n
    | ^\\(?:un)?restrict\ .*\n
    | ^SET\ (?!check_function_bodies)[a-z_]+\ =\ .*;\n
    | ^COMMENT\ ON\ EXTENSION\ .*;\n
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file. Invariant: a repeatable one has no number."""

    name: str  # as recorded: 0001_create_tenants.sql, repeatable/permissions.sql
    number: int | None
    text: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statement_timeout(self) -> str:
        """How long one of its statements may take, as PostgreSQL writes it."""
        header = TIMEOUT_HEADER.search(self.text)
        return header[1] if header else STATEMENT_TIMEOUT


def migrate(url: str, *, progress: Callable[[str], None], folder: Path | None = None) -> list[str]:
    """Apply what is pending, in order, telling `progress` each name before it runs.

    Several processes may call this at once: one works, the others wait and find nothing to do.

    Args:
        url: of the role that is to own the tables.
        folder: holds `migrations` and `repeatable`; the product's own by default.

    Returns:
        The names applied, in order; none if the schema was up to date.

    Raises:
        Invalid: an applied file has changed, a number is there twice, the database is newer
            than this version, or a file's SQL is wrong.
        Busy: a lock was not to be had in time; nothing of that file is applied.
        Unavailable: the database does not answer.
    """
    migrations = read_migrations(folder or sql_folder())
    with _connection(url) as conn:
        _take_turns(conn)
        conn.execute(CREATE_TABLE)
        due = _due(migrations, _applied(conn))
        for migration in due:
            progress(migration.name)
            _apply(conn, migration)
    return [migration.name for migration in due]


def pending(url: str, *, folder: Path | None = None) -> list[str]:
    """Name what migrate() would apply, in order.

    Raises:
        Invalid: migrate() would refuse, for the same reasons.
        Unavailable: the database does not answer.
    """
    migrations = read_migrations(folder or sql_folder())
    with _connection(url) as conn:
        known = conn.execute("SELECT to_regclass('schema_migration') IS NOT NULL").fetchone()
        applied = _applied(conn) if known == (True,) else {}
    return [migration.name for migration in _due(migrations, applied)]


def sql_folder() -> Path:
    """Find the product's SQL: inside the installed package, or in the repository beside it."""
    installed = Path(str(importlib.resources.files("roadworthy.plumbing"))) / "sql"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "sql"


def read_migrations(folder: Path) -> list[Migration]:
    """Read all files of a folder in the order in which they run.

    Raises:
        Invalid: a file is misnamed, or two have one number.
    """
    numbered = [_numbered(path) for path in sorted((folder / "migrations").glob("*.sql"))]
    for before, migration in pairwise(numbered):
        if migration.number == before.number:
            raise Invalid(f"{migration.name} has the number of {before.name}: rename it")
    repeatable = [
        Migration(name=f"repeatable/{path.name}", number=None, text=path.read_text("utf-8"))
        for path in sorted((folder / "repeatable").glob("*.sql"))
    ]
    return numbered + repeatable


def _numbered(path: Path) -> Migration:
    match = FILE_NAME.fullmatch(path.name)
    if match is None:
        raise Invalid(f"{path.name} is misnamed: call it NNNN_verb_noun.sql, in lower case")
    return Migration(name=path.name, number=int(match["number"]), text=path.read_text("utf-8"))


def _due(migrations: Sequence[Migration], applied: dict[str, str]) -> list[Migration]:
    """Decide what is to run, given the checksums of what has run."""
    numbered = [m for m in migrations if m.number is not None]
    newest = max((m.number or 0 for m in numbered if m.name in applied), default=0)
    for name in sorted(applied.keys() - {m.name for m in migrations}):
        if not name.startswith("repeatable/"):
            raise Invalid(f"the database has {name}, unknown here: install the version it is from")
    for migration in numbered:
        if migration.name not in applied:
            if LAST_OUT_OF_ORDER < (migration.number or 0) < newest:
                raise Invalid(f"{migration.name} comes too late: number it after {newest:04}")
        elif applied[migration.name] != migration.checksum:
            raise Invalid(f"{migration.name} has changed since it was applied: restore it")
    is_behind = any(migration.name not in applied for migration in numbered)
    return [
        m
        for m in migrations
        if applied.get(m.name) != m.checksum or (is_behind and m.number is None)
    ]


@contextmanager
def _connection(url: str) -> Iterator[psycopg.Connection]:
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as conn:
            yield conn
    except psycopg.OperationalError as error:
        raise Unavailable("the database does not answer: check that it runs and its url") from error
    except psycopg.ProgrammingError as error:
        raise Invalid(f"the database refuses: {_reason(error)}") from error


def _take_turns(conn: psycopg.Connection) -> None:
    """Wait for other processes that migrate; the lock goes with the connection."""
    _set(conn, "lock_timeout", WAIT_FOR_OTHERS)
    try:
        conn.execute("SELECT pg_advisory_lock(%(key)s)", {"key": LOCK_KEY})
    except psycopg.errors.LockNotAvailable as error:
        raise Busy("another process is migrating: try again when it is done") from error


def _applied(conn: psycopg.Connection) -> dict[str, str]:
    return dict(conn.execute(APPLIED).fetchall())


def _apply(conn: psycopg.Connection, migration: Migration) -> None:
    applied = {"name": migration.name, "checksum": migration.checksum}
    try:
        with conn.transaction():
            _set(conn, "LOCAL lock_timeout", LOCK_TIMEOUT)
            _set(conn, "LOCAL statement_timeout", migration.statement_timeout)
            conn.execute(migration.text.encode())
            if migration.number is not None:
                conn.execute(RUN_AGAIN)
            conn.execute(RECORD, applied | {"applied_at": datetime.now(UTC)})
    except psycopg.Error as error:
        raise _failure(migration, error) from error


def _failure(migration: Migration, error: psycopg.Error) -> RoadworthyError:
    name = migration.name
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return Busy(f"{name} waited {LOCK_TIMEOUT} for a lock: try again at a quieter moment")
    if isinstance(error, psycopg.errors.QueryCanceled):
        return Invalid(
            f"{name} took more than {migration.statement_timeout}: move rows in a job, or give it"
            " a `-- statement_timeout:` header"
        )
    if isinstance(error, psycopg.OperationalError):
        return Unavailable(f"the database went away during {name}: run it again")
    return Invalid(f"{name} is wrong: {_reason(error)}")


def _reason(error: psycopg.Error) -> str:
    return error.diag.message_primary or type(error).__name__


def _set(conn: psycopg.Connection, parameter: str, value: str) -> None:
    words = [
        sql.SQL(word) if word == "LOCAL" else sql.Identifier(word) for word in parameter.split()
    ]
    conn.execute(sql.SQL("SET {} = {}").format(sql.SQL(" ").join(words), sql.Literal(value)))


def schema_dump(url: str) -> str:
    """Write the schema of a database as SQL that makes the same schema in an empty one.

    Two databases have the same schema if and only if their dumps are equal.

    Raises:
        Unavailable: the database does not answer.
    """
    parts = conninfo_to_dict(url)
    password = str(parts.pop("password", ""))
    argv = [str(binaries() / "pg_dump"), "--schema-only", "--no-owner", "--no-statistics"]
    argv.append(f"--dbname={make_conninfo('', **parts)}")
    environment = {"PGPASSWORD": password, "LC_ALL": "C"}  # argv would show it to every user
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise Unavailable(f"the schema cannot be read: {done.stderr.strip()}")
    return re.sub(r"\n{3,}", "\n\n", DUMP_NOISE.sub("", done.stdout)).strip() + "\n"


def write_landed(path: Path, *, folder: Path) -> None:
    """Add the new migrations of a folder to the list of those that have landed.

    Raises:
        Invalid: a new number is not the highest, or what landed is no longer what it was.
    """
    checksums = {m.name: m.checksum for m in read_migrations(folder) if m.number is not None}
    lines = extended(path.read_text("utf-8").splitlines(), checksums)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def write_schema(path: Path) -> None:
    """Rebuild the readable schema from the migrations, on a scratch server."""
    with (
        tempfile.TemporaryDirectory(prefix="roadworthy-schema-") as home,
        EmbeddedPostgres(Path(home)).running() as url,
    ):
        migrate(url, progress=_say)
        path.write_text(SCHEMA_HEADER + schema_dump(url), "utf-8")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m roadworthy.plumbing.migrations")
    parser.add_argument("--write-schema", action="store_true", required=True)
    parser.parse_args()
    write_landed(sql_folder() / "migrations.sum", folder=sql_folder())
    write_schema(sql_folder() / "schema.sql")


if __name__ == "__main__":
    _main()

"""A real PostgreSQL for tests: one server a session, one fresh migrated database a test.

A test's database is cloned from a template that is migrated once for each state of sql/ and kept
for the next session. The server lives under .home/ in the repository, or in a temporary folder
where the account that it runs as cannot reach the repository.
"""

import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from roadworthy.core.errors import Unavailable
from roadworthy.plumbing.embedded_postgres import EmbeddedPostgres
from roadworthy.plumbing.migrations import migrate, read_migrations, sql_folder
from roadworthy.plumbing.postgres_data import OWNER

KEPT_HOME = Path(__file__).parents[1] / ".home" / "test-postgres"
KEPT_TEMPLATES = 3  # sessions on other states of sql/ may run beside this one
TEMPLATE, TEST = "template_roadworthy_", "test_"
LOCK_KEY = 7265_6164  # any number of our own: sessions make and drop templates one at a time
# Test data may be lost with the machine; disk flushes would be most of the time.
SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}

OUR_TEMPLATES = """
SELECT datname FROM pg_database WHERE datname LIKE %(pattern)s AND datistemplate ORDER BY oid DESC
"""
MEET = """
CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE SQLSTATE '40P01' USING MESSAGE = 'deadlock detected'; END $$
"""
OUR_TESTS = "SELECT datname FROM pg_database WHERE datname LIKE %(pattern)s"


@dataclass(slots=True, kw_only=True)
class Cluster:
    """A running server and the template of the schema as it is now."""

    server: EmbeddedPostgres
    template: str = ""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def fresh_database(self, *, migrated: bool = True) -> Iterator[str]:
        """Make a database for a block; yields the owner's url. Dropped even while in use.

        Not migrated, it is empty but for what each database of the server has.
        """
        name = f"{TEST}{os.getpid()}_{next(self._numbers)}"
        with self._superuser() as conn:
            _create(conn, name, template=self.template if migrated else "template1")
        try:
            yield self.owner_url(name)
        finally:
            with self._superuser() as conn:
                _drop(conn, name)

    def owner_url(self, database: str) -> str:
        """Where the owner role connects to one database."""
        return self.server.url.rpartition("/")[0] + f"/{database}"

    def superuser_url_of(self, url: str) -> str:
        """Where the superuser connects to the database of a url."""
        return self.server.superuser_url(database_name(url))

    def make_template(self) -> None:
        """Migrate a template for this state of sql/, unless an earlier session has."""
        name = f"{TEMPLATE}{_sql_checksum()}"
        with self._superuser() as conn:
            conn.execute("SELECT pg_advisory_lock(%(key)s)", {"key": LOCK_KEY})
            made = [row[0] for row in conn.execute(OUR_TEMPLATES, {"pattern": f"{TEMPLATE}%"})]
            if name not in made:
                self._migrate_template(conn, name)
            for old in [one for one in made if one != name][KEPT_TEMPLATES - 1 :]:
                conn.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(_quoted(old)))
                _drop(conn, old)
            _drop_left_by_dead(conn)
        self.template = name

    def _migrate_template(self, conn: psycopg.Connection, name: str) -> None:
        _drop(conn, name)  # half made by a session that was killed
        _create(conn, name, template="template1")
        migrate(self.owner_url(name), progress=lambda _name: None)
        # Marked last: a template is complete. Nobody may connect, for a clone needs it idle.
        mark = "ALTER DATABASE {} IS_TEMPLATE true ALLOW_CONNECTIONS false"
        conn.execute(sql.SQL(mark).format(_quoted(name)))

    def _superuser(self) -> psycopg.Connection:
        return psycopg.connect(self.server.superuser_url(), autocommit=True)


@contextmanager
def running_server() -> Iterator[EmbeddedPostgres]:
    """Run the kept server, or one in a temporary folder where the kept one cannot run."""
    kept = EmbeddedPostgres(KEPT_HOME, settings=SETTINGS)
    try:
        kept.start()
    except Unavailable:
        home = Path(tempfile.mkdtemp(prefix="roadworthy-test-postgres-"))
        try:
            temporary = EmbeddedPostgres(home, settings=SETTINGS)
            with temporary.running():
                yield temporary
        finally:
            shutil.rmtree(home)
        return
    try:
        yield kept
    finally:
        kept.release()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """The server of this test session, with the template made."""
    with running_server() as server:
        cluster = Cluster(server=server)
        cluster.make_template()
        yield cluster


@pytest.fixture
def fresh_database(postgres_cluster: Cluster) -> Iterator[str]:
    """The owner's url of a migrated database that is this test's own."""
    with postgres_cluster.fresh_database() as url:
        yield url


@pytest.fixture
def empty_database(postgres_cluster: Cluster) -> Iterator[str]:
    """The owner's url of a database that nothing was migrated into."""
    with postgres_cluster.fresh_database(migrated=False) as url:
        yield url


def database_name(url: str) -> str:
    """Read the name of the database that a url is about."""
    return str(conninfo_to_dict(url)["dbname"])


def _sql_checksum() -> str:
    digest = hashlib.sha256()
    for migration in read_migrations(sql_folder()):
        digest.update(f"{migration.name} {migration.checksum}\n".encode())
    return digest.hexdigest()[:16]


@contextmanager
def meeting(owner_url: str, change: str) -> Iterator[None]:
    """End each `change` of a block, such as INSERT ON trace, as if it had met another."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(MEET)
        owner.execute(f"CREATE TRIGGER meets BEFORE {change} EXECUTE FUNCTION meet()")
        try:
            yield
        finally:
            owner.execute("DROP FUNCTION meet CASCADE")


def _create(conn: psycopg.Connection, name: str, *, template: str) -> None:
    command = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY")
    conn.execute(command.format(_quoted(name), _quoted(template), _quoted(OWNER)))


def _drop(conn: psycopg.Connection, name: str) -> None:
    conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(_quoted(name)))


def _drop_left_by_dead(conn: psycopg.Connection) -> None:
    for (name,) in conn.execute(OUR_TESTS, {"pattern": rf"{TEST}%"}).fetchall():
        if not psutil.pid_exists(int(name.split("_")[1])):
            _drop(conn, name)


def _quoted(name: str) -> sql.Identifier:
    return sql.Identifier(name)

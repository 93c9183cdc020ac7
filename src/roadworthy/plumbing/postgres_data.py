"""The data folder of the embedded PostgreSQL, with its roles and passwords: there when complete."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from roadworthy.core.errors import Unavailable
from roadworthy.plumbing.postgres_programs import VERSION, Account, run

OWNER, DATABASE, SUPERUSER = "roadworthy_owner", "roadworthy", "postgres"
FIRST_USER_OID = "16384"
TOLD_LINES = 8

# "reject" for sockets: a method that wants a password there too would make initdb ask for one.
INITDB = (
    "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
    "--builtin-locale=PG_UNICODE_FAST", "--auth-local=reject", "--auth-host=scram-sha-256",
    f"--username={SUPERUSER}", "--no-instructions", "--no-sync",
)  # fmt: skip
# Run in template1: this server is ours alone, and each database on it has the extension.
CREATE_DATABASE = f"""
ALTER ROLE {SUPERUSER} PASSWORD '{{superuser_password}}';

CREATE ROLE {OWNER} LOGIN NOSUPERUSER CREATEROLE PASSWORD '{{owner_password}}';

CREATE EXTENSION vector;

CREATE DATABASE {DATABASE} OWNER {OWNER};

"""


def data_of(home: Path) -> Path:
    """Name the data folder of a home, there or not."""
    return home / "postgres"


def create(home: Path, programs: Path, account: Account | None) -> None:
    """Make the data folder aside and move it into place once it is complete.

    Raises:
        Unavailable: one of the programs failed; the message has its words.
    """
    for left in home.glob("postgres.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    staged = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=home))
    if account is not None:
        os.chown(staged, account.uid, account.gid)
    where = f"--pgdata={staged}"
    _checked([programs / "initdb", where, *INITDB], account)
    # Without a postmaster, ids go on in the range of built-in objects, which pg_dump omits.
    _checked([programs / "pg_resetwal", where, f"--next-oid={FIRST_USER_OID}"], account)
    single = [programs / "postgres", "--single", "-j", "-D", staged]
    single += ["-c", "exit_on_error=on", "-c", "fsync=off", "template1"]
    create_database = CREATE_DATABASE.format(
        superuser_password=_secret(home / "postgres.superuser.password"),
        owner_password=_secret(home / "postgres.password"),
    )
    _checked(single, account, stdin=create_database)
    # All of it was written without flushing; now once, before it counts as there.
    _checked([programs / "initdb", where, "--sync-only"], account)
    staged.rename(data_of(home))


def require_complete(home: Path) -> None:
    """Check that what lies in the home is ours to serve.

    Raises:
        Unavailable: it was made by another version, or a password is gone.
    """
    data = data_of(home)
    version = (data / "PG_VERSION").read_text().strip()
    if version != VERSION:
        raise Unavailable(
            f"{data} was made by PostgreSQL {version}: dump it with that version and"
            f" load it into a new home, for this release runs {VERSION}"
        )
    for name in ("postgres.password", "postgres.superuser.password"):
        if not (home / name).exists():
            raise Unavailable(f"{home / name} is gone: restore it from a backup")


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole, readable by us alone."""
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(name).rename(path)


def _checked(argv: Sequence[str | Path], account: Account | None, *, stdin: str = "") -> None:
    done = run(argv, account, stdin=stdin, errors=subprocess.PIPE)
    if done.returncode != 0:
        words = " / ".join(done.stderr.strip().splitlines()[-TOLD_LINES:])
        raise Unavailable(f"could not create the database; {Path(argv[0]).name} says: {words}")


def _secret(path: Path) -> str:
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text()

"""Where releases are kept, and which one is live for a tenant."""

import re
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Invalid, Missing
from roadworthy.plumbing.database import Connection, WorkerConnection
from roadworthy.releases.records import Release, read_stored

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")

ADD = """
INSERT INTO release (tenant_id, name, hash, content, created_at)
VALUES (%(tenant_id)s, %(name)s, %(hash)s, %(content)s, %(now)s)
ON CONFLICT (tenant_id, name) DO NOTHING
"""
FIND = """
SELECT release.name, hash, content, created_at, live_release.name IS NOT NULL AS is_live
  FROM release LEFT JOIN live_release ON live_release.tenant_id = release.tenant_id
                                     AND live_release.name = release.name
 WHERE release.tenant_id = %(tenant_id)s
   AND CASE WHEN %(name)s::text IS NULL THEN live_release.name IS NOT NULL
            ELSE release.name = %(name)s END
"""
LIST = """
SELECT release.name, hash, content, created_at, live_release.name IS NOT NULL AS is_live
  FROM release LEFT JOIN live_release ON live_release.tenant_id = release.tenant_id
                                     AND live_release.name = release.name
 WHERE release.tenant_id = %(tenant_id)s
 ORDER BY release.created_at, release.name
"""
MAKE_LIVE = """
INSERT INTO live_release (tenant_id, name, changed_at)
VALUES (%(tenant_id)s, %(name)s, %(now)s)
ON CONFLICT (tenant_id) DO UPDATE SET name = excluded.name, changed_at = excluded.changed_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRelease:
    """A release under its name."""

    name: str
    hash: str
    content: str
    created_at: datetime
    is_live: bool

    @property
    def release(self) -> Release:
        """Read what it says."""
        return read_stored(self.content)


def check_name(name: str) -> None:
    """Refuse what no release can be called.

    Raises:
        Invalid: it is not of small letters, digits, dots, hyphens and underscores.
    """
    if not NAME.fullmatch(name):
        raise Invalid(
            "A release's name has up to 63 small letters, digits, dots, hyphens and underscores, "
            "and begins with a letter or digit."
        )


async def add_release(
    conn: WorkerConnection, *, tenant_id: int, name: str, release: Release
) -> StoredRelease:
    """Store a release; the same one again changes nothing.

    Raises:
        Invalid: a release cannot have that name.
        Conflict: another release has this name; releases never change.
    """
    check_name(name)
    values = {"tenant_id": tenant_id, "name": name, "now": now()}
    content = {"hash": release.hash, "content": release.canonical}
    await conn.execute(ADD, values | content)
    stored = await find_release(conn, tenant_id=tenant_id, name=name)
    if stored.hash != release.hash:
        raise Conflict(
            f"There is another release {name!r}; a release never changes, choose a name."
        )
    return stored


async def find_release(
    conn: Connection, *, tenant_id: int, name: str | None = None
) -> StoredRelease:
    """Look a release up; without a name, the live one.

    Raises:
        Missing: there is none of that name, or none is live.
    """
    async with conn.cursor(row_factory=class_row(StoredRelease)) as cursor:
        await cursor.execute(FIND, {"tenant_id": tenant_id, "name": name})
        found = await cursor.fetchone()
    if found is None:
        what = f"no release {name!r}" if name else "no live release"
        raise Missing(f"There is {what}; `roadworthy release list` shows those that exist.")
    return found


async def list_releases(conn: Connection, *, tenant_id: int) -> list[StoredRelease]:
    """List the releases of a tenant, oldest first."""
    async with conn.cursor(row_factory=class_row(StoredRelease)) as cursor:
        return await (await cursor.execute(LIST, {"tenant_id": tenant_id})).fetchall()


async def make_live(conn: WorkerConnection, *, tenant_id: int, name: str) -> None:
    """Let a release answer from the next question on.

    Raises:
        Missing: there is none of that name.
    """
    await find_release(conn, tenant_id=tenant_id, name=name)
    await conn.execute(MAKE_LIVE, {"tenant_id": tenant_id, "name": name, "now": now()})

"""ACL classes: the sets of grants that documents share.

A grant admits a subject (a user, a group, everyone) of at least some clearance. Documents with
the same grants share one class, so that a row carries one integer and PostgreSQL can decide by an
index whether somebody may see it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from psycopg.rows import scalar_row

from roadworthy.core.errors import Invalid
from roadworthy.core.identity import EVERYONE, Principal
from roadworthy.core.names import check_name
from roadworthy.plumbing.database import Connection

FIND_ACL = "SELECT id FROM acl WHERE tenant_id = %(tenant_id)s AND grants_hash = %(grants_hash)s"
ADD_ACL = """
INSERT INTO acl (tenant_id, grants_hash) VALUES (%(tenant_id)s, %(grants_hash)s)
ON CONFLICT (tenant_id, grants_hash) DO NOTHING
RETURNING id
"""
ADD_GRANTS = """
INSERT INTO acl_grant (tenant_id, acl_id, subject, clearance)
SELECT %(tenant_id)s, %(acl_id)s, subject, %(clearance)s
  FROM unnest(%(subjects)s::text[]) AS subject
"""
MOST_CLEARANCE = 1000
MOST_SUBJECTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may read a document: any of these subjects, with at least this clearance."""

    subjects: frozenset[str]  # "user:ana", "group:legal", "group:everyone"
    clearance: int

    def admits(self, principal: Principal) -> bool:
        """Say whether `principal` may read; PostgreSQL decides by the same rule."""
        return self.clearance <= principal.clearance and not self.subjects.isdisjoint(
            principal.subjects
        )


def access(*, groups: Iterable[str] = (), users: Iterable[str] = (), clearance: int = 0) -> Access:
    """Describe an audience; without any group or user it is everyone in the tenant.

    Raises:
        Invalid: a name is empty or too long, there are too many, or the clearance is negative.
    """
    subjects = {f"group:{check_name(group, what='group')}" for group in groups}
    subjects |= {f"user:{check_name(user, what='user')}" for user in users}
    if len(subjects) > MOST_SUBJECTS:
        raise Invalid(f"At most {MOST_SUBJECTS} groups and users may be named; use a group.")
    check_clearance(clearance)
    return Access(subjects=frozenset(subjects or {f"group:{EVERYONE}"}), clearance=clearance)


def check_clearance(clearance: int) -> None:
    """Refuse a clearance that nobody could have.

    Raises:
        Invalid: it is not in 0..1000.
    """
    if not 0 <= clearance <= MOST_CLEARANCE:
        raise Invalid(f"The clearance is a number from 0 to {MOST_CLEARANCE}.")


async def ensure_acl(conn: Connection, wanted: Access, *, tenant_id: int) -> int:
    """Find the class of an audience, or make it in this transaction; returns its id."""
    asked = {"tenant_id": tenant_id, "grants_hash": _hash(wanted)}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        found = await (await cursor.execute(FIND_ACL, asked)).fetchone()
        if found is not None:
            return found
        added = await (await cursor.execute(ADD_ACL, asked)).fetchone()
        if added is None:  # somebody made it meanwhile, and has committed
            [found] = await (await cursor.execute(FIND_ACL, asked)).fetchall()
            return found
        await cursor.execute(
            ADD_GRANTS,
            {
                "tenant_id": tenant_id,
                "acl_id": added,
                "subjects": sorted(wanted.subjects),
                "clearance": wanted.clearance,
            },
        )
        return added


def _hash(wanted: Access) -> bytes:
    canonical = json.dumps([sorted(wanted.subjects), wanted.clearance], ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).digest()

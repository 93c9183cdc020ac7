"""Tenants, their people, and the keys by which a person is known."""

import hashlib
import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Invalid, Missing
from roadworthy.core.identity import EVERYONE, Principal
from roadworthy.core.ids import new_id
from roadworthy.core.names import check_name
from roadworthy.corpus.access import check_clearance
from roadworthy.plumbing.database import Connection, WorkerConnection

KEY_PREFIX = "rw_"
LONGEST_VALIDITY = timedelta(days=3650)
TENANT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
LONGEST_KEY = 200
NOBODY = frozenset({"operator", "(deleted)"})  # whom receipts and holds call so

FIND_TENANT = "SELECT id FROM tenant WHERE name = %(name)s"
ADD_TENANT = """
INSERT INTO tenant (name, created_at) VALUES (%(name)s, %(now)s)
ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING id
"""
PUT_PRINCIPAL = """
INSERT INTO principal (tenant_id, user_id, groups, clearance, updated_at)
VALUES (%(tenant_id)s, %(user_id)s, %(groups)s, %(clearance)s, %(now)s)
ON CONFLICT (tenant_id, user_id) DO UPDATE
   SET groups = excluded.groups, clearance = excluded.clearance, updated_at = excluded.updated_at
"""
FIND_PRINCIPAL = """
SELECT tenant_id, user_id, groups, clearance
  FROM principal
 WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
"""
ADD_KEY = """
INSERT INTO api_key (tenant_id, id, user_id, key_hash, may_ingest, created_at, expires_at)
VALUES (%(tenant_id)s, %(id)s, %(user_id)s, %(key_hash)s, %(may_ingest)s, %(now)s, %(expires_at)s)
"""
LIST_KEYS = """
SELECT id, user_id, may_ingest, created_at, expires_at, revoked_at
  FROM api_key
 WHERE tenant_id = %(tenant_id)s
 ORDER BY created_at, id
"""
REVOKE_KEY = """
UPDATE api_key SET revoked_at = coalesce(revoked_at, %(now)s)
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s
RETURNING id
"""
# As holder_of_key has it.
IS_VALID = """
SELECT EXISTS (SELECT FROM api_key
                WHERE tenant_id = %(tenant_id)s AND id = %(id)s
                  AND revoked_at IS NULL AND expires_at > %(now)s)
"""
FIND_HOLDER = """
SELECT tenant_id, user_id, groups, clearance, may_ingest, key_id
  FROM holder_of_key(%(key_hash)s, %(now)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is known of a key; the key itself is shown once and never stored."""

    id: uuid.UUID
    user_id: str
    may_ingest: bool
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The holder of a valid key."""

    principal: Principal
    key_id: uuid.UUID
    may_ingest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _PrincipalRow:
    tenant_id: int
    user_id: str
    groups: list[str]
    clearance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _HolderRow:
    tenant_id: int
    user_id: str
    groups: list[str]
    clearance: int
    may_ingest: bool
    key_id: uuid.UUID


async def tenant_id(conn: WorkerConnection, name: str) -> int:
    """Find a tenant by name.

    Raises:
        Missing: there is none of that name.
    """
    async with conn.cursor(row_factory=scalar_row) as cursor:
        found = await (await cursor.execute(FIND_TENANT, {"name": name})).fetchone()
    if found is None:
        raise Missing(
            f"There is no tenant {name!r}; `roadworthy key create --tenant {name}` makes one."
        )
    return found


async def ensure_tenant(conn: WorkerConnection, name: str) -> int:
    """Find a tenant by name, or make it.

    Raises:
        Invalid: a tenant cannot have that name.
    """
    if not TENANT_NAME.fullmatch(name):
        raise Invalid(
            "A tenant's name has up to 63 small letters, digits and hyphens, no hyphen first."
        )
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(ADD_TENANT, {"name": name, "now": now()})
        [found] = await cursor.fetchall()
        return found


async def put_principal(conn: WorkerConnection, principal: Principal) -> None:
    """Write a person's groups and clearance; they hold from the next transaction on.

    Raises:
        Invalid: a name or the clearance is none that a person can have.
    """
    if EVERYONE in principal.groups:
        raise Invalid(f"Everybody is in the group {EVERYONE!r} already; leave it out.")
    check_name(principal.user_id, what="user")
    if principal.user_id in NOBODY:
        raise Invalid(f"{principal.user_id} is nobody's name, and nobody may be called so.")
    for group in principal.groups:
        check_name(group, what="group")
    check_clearance(principal.clearance)
    await conn.execute(
        PUT_PRINCIPAL,
        {
            "tenant_id": principal.tenant_id,
            "user_id": principal.user_id,
            "groups": sorted(principal.groups),
            "clearance": principal.clearance,
            "now": now(),
        },
    )


async def find_principal(conn: Connection, *, tenant_id: int, user_id: str) -> Principal:
    """Look a person up.

    Raises:
        Missing: the tenant has nobody of that name.
    """
    async with conn.cursor(row_factory=class_row(_PrincipalRow)) as cursor:
        await cursor.execute(FIND_PRINCIPAL, {"tenant_id": tenant_id, "user_id": user_id})
        row = await cursor.fetchone()
    if row is None:
        raise Missing(
            f"There is no user {user_id!r}; `roadworthy key create --user {user_id}` makes one."
        )
    return Principal(
        tenant_id=row.tenant_id,
        user_id=row.user_id,
        groups=frozenset(row.groups),
        clearance=row.clearance,
    )


async def create_key(
    conn: WorkerConnection, principal: Principal, *, valid_for: timedelta, may_ingest: bool
) -> tuple[uuid.UUID, str]:
    """Make a key for a person; returns its id and the key, which is shown only now.

    Raises:
        Invalid: the time is none, or more than ten years.
        Missing: nobody of that name is in the tenant.
    """
    if not timedelta(0) < valid_for <= LONGEST_VALIDITY:
        raise Invalid(f"A key is valid for 1 to {LONGEST_VALIDITY.days} days.")
    await find_principal(conn, tenant_id=principal.tenant_id, user_id=principal.user_id)
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    key_id = new_id()
    await conn.execute(
        ADD_KEY,
        {
            "tenant_id": principal.tenant_id,
            "id": key_id,
            "user_id": principal.user_id,
            "key_hash": _hash(key),
            "may_ingest": may_ingest,
            "now": now(),
            "expires_at": now() + valid_for,
        },
    )
    return key_id, key


async def list_keys(conn: WorkerConnection, *, tenant_id: int) -> list[ApiKey]:
    """List the keys of a tenant, oldest first; the revoked and expired ones too."""
    async with conn.cursor(row_factory=class_row(ApiKey)) as cursor:
        return await (await cursor.execute(LIST_KEYS, {"tenant_id": tenant_id})).fetchall()


async def revoke_key(conn: WorkerConnection, *, tenant_id: int, key_id: uuid.UUID) -> None:
    """Make a key useless from the next call on.

    Raises:
        Missing: the tenant has no such key.
    """
    revoked = await conn.execute(REVOKE_KEY, {"tenant_id": tenant_id, "id": key_id, "now": now()})
    if await revoked.fetchone() is None:
        raise Missing(f"There is no key {key_id}; `roadworthy key list` shows the ids.")


async def is_valid_key(conn: WorkerConnection, *, tenant_id: int, key_id: uuid.UUID) -> bool:
    """Tell whether a key still admits its holder: it is neither revoked nor expired."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        asked = {"tenant_id": tenant_id, "id": key_id, "now": now()}
        return bool(await (await cursor.execute(IS_VALID, asked)).fetchone())


async def identify(conn: Connection, key: str) -> Caller | None:
    """Find who holds `key`; None when it is unknown, revoked or expired.

    Nothing is cached: a revoked key, a left group and a lowered clearance hold at once.
    """
    if not key or len(key) > LONGEST_KEY:
        return None
    async with conn.cursor(row_factory=class_row(_HolderRow)) as cursor:
        await cursor.execute(FIND_HOLDER, {"key_hash": _hash(key), "now": now()})
        row = await cursor.fetchone()
    if row is None:
        return None
    principal = Principal(
        tenant_id=row.tenant_id,
        user_id=row.user_id,
        groups=frozenset(row.groups),
        clearance=row.clearance,
    )
    return Caller(principal=principal, key_id=row.key_id, may_ingest=row.may_ingest)


def _hash(key: str) -> bytes:
    # A plain hash serves: the key is 32 random bytes, so there is nothing to guess.
    return hashlib.sha256(key.encode()).digest()

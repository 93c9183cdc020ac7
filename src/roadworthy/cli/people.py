"""Whom a command is about, when it is said, and when it can only be one."""

from roadworthy.core.errors import Invalid, Missing
from roadworthy.core.identity import Principal
from roadworthy.corpus.directory import tenant_names, user_ids
from roadworthy.corpus.people import ensure_tenant, find_principal, tenant_id
from roadworthy.plumbing.database import Database, WorkerConnection
from roadworthy.releases import BUILT_IN, add_release, list_releases, make_live
from roadworthy.releases.records import DEFAULT

FIRST_TENANT = "main"
LISTED = 10


async def found_tenant(conn: WorkerConnection, name: str | None) -> tuple[int, str]:
    """Find a tenant by name; without one, the only one.

    Raises:
        Missing: there is none of that name, or none at all.
        Invalid: there are several and none is named.
    """
    if name is None:
        names = await tenant_names(conn)
        if not names:
            raise Missing(
                "There is no tenant yet; `roadworthy ingest` or `roadworthy key create` makes one."
            )
        if len(names) > 1 and FIRST_TENANT not in names:
            raise Invalid(f"There are several tenants; name one by --tenant: {_listed(names)}.")
        name = FIRST_TENANT if FIRST_TENANT in names else names[0]
    return await tenant_id(conn, name), name


async def found_principal(conn: WorkerConnection, *, tenant_id: int, user: str | None) -> Principal:
    """Find a person by name; without one, the only one of the tenant.

    Raises:
        Missing: there is nobody of that name, or nobody at all.
        Invalid: there are several and none is named.
    """
    if user is None:
        names = await user_ids(conn, tenant_id=tenant_id)
        if not names:
            raise Missing("There is nobody yet; `roadworthy key create --user NAME` adds a person.")
        if len(names) > 1:
            raise Invalid(
                "An answer depends on who asks; say it by --as, "
                f"for instance --as {names[0]}; there are {_listed(names)}."
            )
        user = names[0]
    return await find_principal(conn, tenant_id=tenant_id, user_id=user)


async def made_tenant(database: Database, name: str | None) -> tuple[int, str]:
    """Find a tenant, or make it with the releases that it can answer by at once."""
    async with database.as_worker() as conn:
        if name is None and await tenant_names(conn, limit=1):
            found, name = await found_tenant(conn, None)
        else:
            name = name or FIRST_TENANT
            found = await ensure_tenant(conn, name)
    async with database.as_worker(found) as conn:
        stored = await list_releases(conn, tenant_id=found)
        if not stored:
            for release, content in BUILT_IN.items():
                await add_release(conn, tenant_id=found, name=release, release=content)
        if not any(release.is_live for release in stored):
            await make_live(conn, tenant_id=found, name=DEFAULT)
    return found, name


def _listed(names: list[str]) -> str:
    return ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")

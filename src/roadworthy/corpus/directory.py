"""Who is there: the tenants of this installation, and the people of one."""

from psycopg.rows import scalar_row

from roadworthy.plumbing.database import WorkerConnection

LIST_TENANT_IDS = "SELECT id FROM tenant ORDER BY id"
LIST_TENANTS = "SELECT name FROM tenant ORDER BY name LIMIT %(limit)s"
LIST_ALL = "SELECT id, name FROM tenant ORDER BY id"
LIST_PEOPLE = """
SELECT user_id FROM principal WHERE tenant_id = %(tenant_id)s ORDER BY user_id LIMIT %(limit)s
"""


async def tenant_names(conn: WorkerConnection, *, limit: int = 100) -> list[str]:
    """List the names of tenants, in the order of the alphabet."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        return await (await cursor.execute(LIST_TENANTS, {"limit": limit})).fetchall()


async def tenant_ids(conn: WorkerConnection) -> list[int]:
    """List all tenants."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        return await (await cursor.execute(LIST_TENANT_IDS)).fetchall()


async def tenants(conn: WorkerConnection) -> list[tuple[int, str]]:
    """List all tenants, each by its id and its name, oldest first."""
    return await (await conn.execute(LIST_ALL)).fetchall()


async def user_ids(conn: WorkerConnection, *, tenant_id: int, limit: int = 100) -> list[str]:
    """List the people of a tenant, in the order of the alphabet."""
    asked = {"tenant_id": tenant_id, "limit": limit}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        return await (await cursor.execute(LIST_PEOPLE, asked)).fetchall()

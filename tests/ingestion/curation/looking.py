"""What is stored of a document after it was curated."""

from roadworthy.corpus.documents import find_document
from roadworthy.corpus.verdicts import list_verdicts


async def shown(world, document_id):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await find_document(conn, tenant_id=world.tenant_id, document_id=document_id)


async def state(world, document_id):
    return (await shown(world, document_id)).state


async def verdict(world, document_id, check="near_duplicates"):
    async with world.database.as_worker(world.tenant_id) as conn:
        found = await list_verdicts(conn, tenant_id=world.tenant_id, document_id=document_id)
    return next(each for each in found if each.check == check)


async def passages(world, document_id):
    return await count(world, "passage", document_id)


async def count(world, table, document_id):
    """Count the rows of a document in a table."""
    async with world.database.as_worker(world.tenant_id) as conn:
        counted = await conn.execute(
            f"SELECT count(*) FROM {table} WHERE document_id = %s",
            (document_id,),
        )
        return (await counted.fetchone())[0]

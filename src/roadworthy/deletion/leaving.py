"""What a person and a tenant leave behind besides documents, and how it goes."""

import graphlib
from collections.abc import Mapping
from typing import LiteralString

from psycopg import sql
from psycopg.rows import scalar_row

from roadworthy.plumbing.database import WorkerConnection

TRACES_AT_ONCE = 500

# What a key spent and may spend bears its id.
FORGET_KEYS = """
WITH gone AS (
    SELECT id::text AS name FROM api_key
     WHERE tenant_id = %(tenant_id)s AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
), sums AS (
    DELETE FROM spending
     WHERE tenant_id = %(tenant_id)s AND kind = 'key' AND name IN (SELECT name FROM gone))
DELETE FROM budget
 WHERE tenant_id = %(tenant_id)s AND scope = 'key' AND name IN (SELECT name FROM gone)
"""
REVOKE_KEYS = """
DELETE FROM api_key
 WHERE tenant_id = %(tenant_id)s AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
"""
FORGET_TRACES = "SELECT forget_traces_of(%(pseudonym)s, %(most)s)"
DROP_TRACES = "SELECT drop_traces(%(most)s)"
# Whoever gets the same user id one day must not read what was meant for this person. A class
# that has lost a grant is no longer the class of its hash.
CLOSE_CLASSES = """
UPDATE acl SET grants_hash = sha256(convert_to('without ' || id::text, 'UTF8'))
 WHERE tenant_id = %(tenant_id)s
   AND id IN (SELECT acl_id FROM acl_grant
               WHERE tenant_id = %(tenant_id)s AND subject = %(subject)s)
"""
DROP_GRANTS = """
DELETE FROM acl_grant WHERE tenant_id = %(tenant_id)s AND subject = %(subject)s
"""
FORGET_NAME = "SELECT forget_name(%(user_id)s)"
DROP_PRINCIPAL = """
DELETE FROM principal WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
"""
# Tables of ours with such a column that this role may delete from; receipts stay.
TABLES_WITH = """
SELECT c.relname
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                      JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE a.attname = %(column)s AND c.relkind IN ('r', 'p') AND n.nspname = 'public'
   AND has_table_privilege(c.oid, 'DELETE')
 ORDER BY c.relname
"""
REFERENCES = """
SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'
"""
DROP_TENANT = "DELETE FROM tenant WHERE id = %(tenant_id)s"
DROP_CORPUS = "DELETE FROM corpus WHERE tenant_id = %(tenant_id)s AND id = %(corpus_id)s"


async def revoke_keys(conn: WorkerConnection, *, tenant_id: int, user_id: str | None) -> int:
    """Delete the keys of a person, or of everybody: no call of theirs is answered any more."""
    asked = {"tenant_id": tenant_id, "user_id": user_id}
    await conn.execute(FORGET_KEYS, asked)
    revoked = await conn.execute(REVOKE_KEYS, asked)
    return revoked.rowcount


async def forget_traces(conn: WorkerConnection, *, pseudonym: str) -> int:
    """Make some traces of a person nobody's, and empty; returns how many, 0 in the end."""
    return await _number(conn, FORGET_TRACES, {"pseudonym": pseudonym, "most": TRACES_AT_ONCE})


async def drop_traces(conn: WorkerConnection) -> int:
    """Delete some traces of a tenant that is being deleted; returns how many, 0 in the end."""
    return await _number(conn, DROP_TRACES, {"most": TRACES_AT_ONCE})


async def drop_person(conn: WorkerConnection, *, tenant_id: int, user_id: str) -> dict[str, int]:
    """Delete a person, whatever was granted to him by name, and his name from what is kept.

    Returns: the rows that went, by table.
    """
    asked = {"tenant_id": tenant_id, "user_id": user_id, "subject": f"user:{user_id}"}
    await conn.execute(CLOSE_CLASSES, asked)
    grants = await conn.execute(DROP_GRANTS, asked)
    await conn.execute(FORGET_NAME, asked)
    people = await conn.execute(DROP_PRINCIPAL, asked)
    return {"acl_grant": grants.rowcount, "principal": people.rowcount}


async def drop_corpus(conn: WorkerConnection, *, tenant_id: int, corpus_id: int) -> dict[str, int]:
    """Delete a corpus without documents, and what is set for it; returns the rows by table."""
    asked = {"tenant_id": tenant_id, "corpus_id": corpus_id}
    gone = await _empty(conn, "corpus_id", asked)
    return gone | {"corpus": (await conn.execute(DROP_CORPUS, asked)).rowcount}


async def drop_tenant(conn: WorkerConnection, *, tenant_id: int) -> dict[str, int]:
    """Delete a tenant without documents and traces, and all of its rows but receipts."""
    asked = {"tenant_id": tenant_id}
    gone = await _empty(conn, "tenant_id", asked)
    return gone | {"tenant": (await conn.execute(DROP_TENANT, asked)).rowcount}


async def _empty(conn: WorkerConnection, column: str, asked: Mapping[str, int]) -> dict[str, int]:
    """Delete the tenant's rows of a scope from every table that has such a column.

    The catalogue names the tables, so that one that is added later is not forgotten.
    """
    async with conn.cursor(row_factory=scalar_row) as cursor:
        names = await (await cursor.execute(TABLES_WITH, {"column": column})).fetchall()
    pointing = await (await conn.execute(REFERENCES)).fetchall()
    before: dict[str, set[str]] = {name: set() for name in names}
    for pointer, pointed in pointing:
        if pointer in before and pointed in before and pointer != pointed:
            before[pointed].add(pointer)
    gone = {}
    for name in graphlib.TopologicalSorter(before).static_order():
        statement = sql.SQL("DELETE FROM {} WHERE tenant_id = %(tenant_id)s AND {} = {}").format(
            sql.Identifier(name), sql.Identifier(column), sql.Placeholder(column)
        )
        if count := (await conn.execute(statement, asked)).rowcount:
            gone[name] = count
    return gone


async def _number(conn: WorkerConnection, query: LiteralString, asked: Mapping[str, object]) -> int:
    async with conn.cursor(row_factory=scalar_row) as cursor:
        [number] = await (await cursor.execute(query, asked)).fetchall()
        return number

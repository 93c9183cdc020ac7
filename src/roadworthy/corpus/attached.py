"""Documents that came attached to another: they are shared with it, and go with it."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg
from psycopg.rows import class_row, scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Missing, Refused
from roadworthy.core.ids import new_id
from roadworthy.corpus.counts import count_out
from roadworthy.corpus.documents import LONGEST_NAME
from roadworthy.plumbing.database import Connection, WorkerConnection
from roadworthy.plumbing.transactions import guarded

LOCK_PARENT = """
SELECT name FROM document WHERE tenant_id = %(tenant_id)s AND id = %(id)s FOR UPDATE
"""
# In one order, always after the parent.
LOCK_ATTACHED = """
SELECT id FROM document
 WHERE tenant_id = %(tenant_id)s AND parent_id = %(id)s
 ORDER BY id
   FOR UPDATE
"""
FIND_ATTACHED = """
SELECT document.id, document.name,
       (SELECT content_hash FROM revision
         WHERE revision.tenant_id = document.tenant_id AND document_id = document.id
           AND revision.state <> 'failed'
         ORDER BY created_at DESC LIMIT 1) AS content_hash
  FROM document
 WHERE tenant_id = %(tenant_id)s AND parent_id = %(id)s
"""
ADD_DOCUMENT = """
INSERT INTO document (tenant_id, id, parent_id, corpus_id, acl_id, owner, source_path, metadata,
                      language_told, name, title, media_type, language, version, state, created_at,
                      updated_at)
SELECT tenant_id, %(child)s, id, corpus_id, acl_id, owner, source_path, metadata, language_told,
       %(name)s, %(title)s, %(media_type)s, 'und', 0, 'pending', %(now)s, %(now)s
  FROM document
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s
    ON CONFLICT (tenant_id, corpus_id, name, acl_id) DO NOTHING
"""
ADD_REVISION = """
INSERT INTO revision (tenant_id, id, document_id, corpus_id, acl_id, content_hash, content, state,
                      is_attached, created_at)
SELECT tenant_id, %(revision_id)s, id, corpus_id, acl_id, %(content_hash)s, %(content)s, 'pending',
       true, %(now)s
  FROM document
 WHERE tenant_id = %(tenant_id)s AND id = %(child)s
"""
# What a person says of a mail holds for what is attached to it.
DESCRIBE = """
UPDATE document AS attached
   SET metadata = parent.metadata, source_path = parent.source_path,
       language_told = parent.language_told
  FROM document AS parent
 WHERE parent.tenant_id = %(tenant_id)s AND parent.id = %(id)s
   AND attached.tenant_id = parent.tenant_id AND attached.parent_id = parent.id
"""
JOBS = """
SELECT document.name, job.id AS job_id
  FROM document JOIN job ON job.tenant_id = document.tenant_id AND job.document_id = document.id
 WHERE document.tenant_id = %(tenant_id)s AND parent_id = ANY (%(ids)s) AND job.kind = %(kind)s
 ORDER BY document.name, job.id
"""
DELETE = "DELETE FROM document WHERE tenant_id = %(tenant_id)s AND id = %(id)s"


class AttachedFile(Protocol):
    """A file that came in another."""

    @property
    def name(self) -> str:
        """Its name within the other."""
        ...

    @property
    def media_type(self) -> str:
        """What the other says that it is."""
        ...

    @property
    def content(self) -> bytes:
        """Its bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """What is to be read now, and what could not be filed because its name is taken."""

    to_read: Sequence[tuple[uuid.UUID, uuid.UUID]]  # document and revision
    taken: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedJob:
    """The work on an attached document."""

    name: str
    job_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attached:
    id: uuid.UUID
    name: str
    content_hash: bytes | None


async def lock_attached(
    conn: Connection, *, tenant_id: int, document_id: uuid.UUID
) -> list[uuid.UUID]:
    """Lock what is attached to a document that the caller has locked; returns their ids."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(LOCK_ATTACHED, {"tenant_id": tenant_id, "id": document_id})
        return await cursor.fetchall()


async def drop_attached(conn: Connection, *, tenant_id: int, document_id: uuid.UUID) -> None:
    """Delete what is attached to a document that the caller has locked."""
    for attached in await lock_attached(conn, tenant_id=tenant_id, document_id=document_id):
        await _delete(conn, tenant_id=tenant_id, document_id=attached)


async def attached_jobs(
    conn: Connection, document_ids: Sequence[uuid.UUID], *, tenant_id: int, kind: str
) -> list[AttachedJob]:
    """List the work on what is attached to these documents, by name."""
    asked = {"tenant_id": tenant_id, "ids": list(document_ids), "kind": kind}
    async with conn.cursor(row_factory=class_row(AttachedJob)) as cursor:
        return await (await cursor.execute(JOBS, asked)).fetchall()


async def file_attached(
    conn: WorkerConnection,
    files: Sequence[AttachedFile],
    *,
    tenant_id: int,
    document_id: uuid.UUID,
) -> Filed:
    """Make the attachments of a document these: new ones are added, others deleted.

    Each has the corpus, the owner, the readers, the metadata and the source of the document.

    Raises:
        Missing: the document was deleted meanwhile.
        Refused: one that would go is under legal hold.
    """
    asked: dict[str, object] = {"tenant_id": tenant_id, "id": document_id}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        parent = await (await cursor.execute(LOCK_PARENT, asked)).fetchone()
    if parent is None:
        raise Missing("The document was deleted meanwhile.")
    await lock_attached(conn, tenant_id=tenant_id, document_id=document_id)
    async with conn.cursor(row_factory=class_row(_Attached)) as cursor:
        before = await (await cursor.execute(FIND_ATTACHED, asked)).fetchall()
    wanted: dict[tuple[str, bytes | None], AttachedFile] = {
        (_below(parent, file.name), _digest(file)): file for file in files
    }
    for old in before:
        if wanted.pop((old.name, old.content_hash), None) is None:
            await _withdraw(conn, tenant_id=tenant_id, document_id=old.id)
    to_read, taken = list[tuple[uuid.UUID, uuid.UUID]](), list[str]()
    for (name, _), file in wanted.items():
        added = await _add(conn, asked | {"name": name}, file)
        if added is None:
            taken.append(file.name)
        else:
            to_read.append(added)
    await conn.execute(DESCRIBE, asked)
    return Filed(to_read=to_read, taken=taken)


async def _add(
    conn: WorkerConnection, asked: dict[str, object], file: AttachedFile
) -> tuple[uuid.UUID, uuid.UUID] | None:
    document_id, revision_id = new_id(), new_id()
    new = asked | {
        "child": document_id,
        "revision_id": revision_id,
        "title": file.name.rpartition("/")[2],
        "media_type": file.media_type,
        "content": file.content,
        "content_hash": _digest(file),
        "now": now(),
    }
    if (await conn.execute(ADD_DOCUMENT, new)).rowcount == 0:
        return None
    await conn.execute(ADD_REVISION, new)
    return document_id, revision_id


async def _withdraw(conn: WorkerConnection, *, tenant_id: int, document_id: uuid.UUID) -> None:
    try:
        await _delete(conn, tenant_id=tenant_id, document_id=document_id)
    except psycopg.errors.RestrictViolation as error:
        raise Refused(guarded(error)) from error  # for good, unlike a conflict


async def _delete(conn: Connection, *, tenant_id: int, document_id: uuid.UUID) -> None:
    await count_out(conn, tenant_id=tenant_id, document_id=document_id)
    await conn.execute(DELETE, {"tenant_id": tenant_id, "id": document_id})


def _below(parent: str, name: str) -> str:
    """Name an attachment below its document, as a file in a folder."""
    return f"{parent[: LONGEST_NAME - len(name) - 1]}/{name}"


def _digest(file: AttachedFile) -> bytes:
    return hashlib.sha256(file.content).digest()

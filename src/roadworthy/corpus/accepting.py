"""What is handed in becomes a document, or the next version of one."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Invalid, Missing, Refused
from roadworthy.core.ids import new_id
from roadworthy.core.names import check_name, is_text
from roadworthy.corpus.access import Access, ensure_acl
from roadworthy.corpus.attached import drop_attached
from roadworthy.corpus.documents import LONGEST_NAME, Corpus
from roadworthy.corpus.ownership import move
from roadworthy.corpus.publishing import drop_published
from roadworthy.corpus.routing import check_language
from roadworthy.corpus.telling import tell_language
from roadworthy.corpus.verdicts import QUARANTINED, count_copy
from roadworthy.plumbing.database import Connection
from roadworthy.plumbing.jobs import check_room

MOST_METADATA = 50
LONGEST_FIELD, LONGEST_VALUE = 100, 2000  # characters
LARGEST_NUMBER = 2**53 - 1  # that every reader of JSON can hold
LONGEST_SOURCE = 4000
Scalar = str | int | float | bool

STAYS = "SELECT person_stays(%(user_id)s)"
# All of that name and owner, so that whichever is chosen stays as it is read.
LOCK_NAMED = """
SELECT FROM document
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND name = %(name)s
   AND owner = %(owner)s AND parent_id IS NULL
 ORDER BY id
   FOR UPDATE
"""
FIND_BY_NAME = """
SELECT document.id, document.acl_id, newest.content_hash,
       coalesce(newest.state IN ('quarantined', 'rejected'), false) AS is_kept_back
  FROM document
  LEFT JOIN LATERAL (
       SELECT content_hash, revision.state
         FROM revision
        WHERE revision.tenant_id = document.tenant_id AND document_id = document.id
          AND revision.state <> 'failed'
        ORDER BY created_at DESC LIMIT 1) AS newest ON true
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND name = %(name)s
   AND owner = %(owner)s AND parent_id IS NULL
 ORDER BY acl_id = %(acl_id)s DESC, created_at
"""
FIND_SAME_CONTENT = """
SELECT document.id, document.acl_id, revision.content_hash,
       revision.state IN ('quarantined', 'rejected') AS is_kept_back
  FROM revision JOIN document ON document.tenant_id = revision.tenant_id
                             AND document.id = revision.document_id
 WHERE revision.tenant_id = %(tenant_id)s AND revision.corpus_id = %(corpus_id)s
   AND revision.acl_id = %(acl_id)s AND revision.content_hash = %(content_hash)s
   AND revision.state <> 'failed' AND NOT revision.is_attached
"""
ADD_DOCUMENT = """
INSERT INTO document (tenant_id, id, corpus_id, acl_id, owner, name, title, media_type, language,
                      language_told, metadata, source_path, version, state, created_at,
                      updated_at)
VALUES (%(tenant_id)s, %(id)s, %(corpus_id)s, %(acl_id)s, %(owner)s, %(name)s, %(title)s,
        %(media_type)s, 'und', %(language)s, %(metadata)s, %(source_path)s, 0, 'pending',
        %(now)s, %(now)s)
"""
RENEW_METADATA = """
UPDATE document
   SET metadata = %(metadata)s, source_path = coalesce(%(source_path)s, source_path),
       updated_at = %(now)s
 WHERE tenant_id = %(tenant_id)s AND (id = %(id)s OR parent_id = %(id)s)
   AND (metadata, source_path) IS DISTINCT FROM
       (%(metadata)s, coalesce(%(source_path)s, source_path))
"""
RENEW_DOCUMENT = """
UPDATE document
   SET metadata = %(metadata)s, source_path = coalesce(%(source_path)s, source_path),
       language_told = coalesce(%(language)s, language_told),
       updated_at = %(now)s, problem = NULL,
       state = CASE WHEN EXISTS (SELECT FROM revision
                                  WHERE revision.tenant_id = document.tenant_id
                                    AND document_id = document.id AND revision.state = 'ready')
                    THEN 'ready' ELSE 'pending' END
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s
"""
FORGET_PROBLEM = """
UPDATE document SET problem = NULL WHERE tenant_id = %(tenant_id)s AND id = %(id)s
"""
# What was accepted before and is not published yet is superseded by what comes now.
DROP_UNPUBLISHED = """
DELETE FROM revision
 WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s AND state <> 'ready'
"""
FIND_PUBLISHED = """
SELECT FROM revision
 WHERE tenant_id = %(tenant_id)s AND document_id = %(id)s AND state = 'ready'
   AND content_hash = %(content_hash)s
"""
ADD_REVISION = """
INSERT INTO revision (tenant_id, id, document_id, corpus_id, acl_id, content_hash, content, state,
                      created_at)
VALUES (%(tenant_id)s, %(revision_id)s, %(id)s, %(corpus_id)s, %(acl_id)s, %(content_hash)s,
        %(content)s, 'pending', %(now)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that somebody hands in."""

    name: str  # identity within the corpus, as a path or a URL
    content: bytes
    access: Access
    owner: str  # the user who may change or delete it
    media_type: str = "application/octet-stream"
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    source_path: str | None = None  # where it came from; None: as it was told before
    language: str | None = None  # as a person says; None: detected, or as it was told before


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of an upload.

    accepted: a job makes it searchable. unchanged: this very content is there under this name.
    updated: the same, now with other metadata or language. reshared: the same content, now with
    other readers, and with the metadata of the upload. duplicate: the same content is there under
    another name, for the same readers; it is stored once. quarantined: the same content is there,
    under whatever name, and is not searchable: it waits for a decision, or was rejected.
    """

    outcome: str
    document_id: uuid.UUID
    revision_id: uuid.UUID | None = None  # when accepted
    is_new: bool = False  # when accepted: there was no document of this name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filing:
    """An upload with its place: a corpus, and the class of its readers."""

    tenant_id: int
    corpus_id: int
    acl_id: int
    upload: Upload
    content_hash: bytes
    most_queued: int | None

    @property
    def asked(self) -> dict[str, object]:
        return {
            "tenant_id": self.tenant_id,
            "corpus_id": self.corpus_id,
            "acl_id": self.acl_id,
            "content_hash": self.content_hash,
            "name": self.upload.name,
            "owner": self.upload.owner,
            "metadata": Jsonb(dict(self.upload.metadata)),
            "source_path": self.upload.source_path,
            "language": self.upload.language and check_language(self.upload.language),
            "now": now(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    id: uuid.UUID
    acl_id: int
    content_hash: bytes | None
    is_kept_back: bool


async def accept(
    conn: Connection,
    upload: Upload,
    *,
    tenant_id: int,
    corpus: Corpus,
    by: str | None,
    most_queued: int | None = None,
) -> Receipt:
    """Store an upload in the caller's transaction; what is not new is said to be so.

    A name belongs to its owner: the same name of another owner is another document. When content
    and readers change together, the published version is withdrawn at once: it was written for
    other eyes.

    Args:
        by: the user who uploads; None for the operator, who may do so in anybody's name.
        most_queued: jobs of the tenant that may wait before it; None: as many as there are.

    Raises:
        Busy: so many wait already; nothing was stored.
        Invalid: the name, the metadata or the content cannot be stored.
        Refused: the owner is somebody else, could not read it afterwards, or was deleted.
        Conflict: somebody else has a document of this name for the same readers.
        Missing: the corpus was deleted meanwhile.
    """
    _check(upload, by=by)
    if by is not None:
        await _check_stays(conn, by)
    filing = _Filing(
        tenant_id=tenant_id,
        corpus_id=corpus.id,
        acl_id=await ensure_acl(conn, upload.access, tenant_id=tenant_id),
        upload=upload,
        content_hash=hashlib.sha256(upload.content).digest(),
        most_queued=most_queued,
    )
    await conn.execute(LOCK_NAMED, filing.asked)
    named = await _named(conn, filing)
    if named is not None and named.content_hash == filing.content_hash:
        return await _same_content(conn, named, filing)
    if named is not None:
        return await _next_version(conn, named, filing)
    same = await _same_elsewhere(conn, filing)
    if same is not None:
        await count_copy(
            conn,
            tenant_id=filing.tenant_id,
            document_id=same.id,
            content_hash=filing.content_hash,
        )
        outcome = QUARANTINED if same.is_kept_back else "duplicate"
        return Receipt(outcome=outcome, document_id=same.id)
    return await _first_version(conn, filing)


def check_metadata(metadata: Mapping[str, Scalar]) -> None:
    """Refuse metadata that cannot be stored, or is larger than what describes a document.

    Raises:
        Invalid: there are too many fields, or one is too long, too large or no text.
    """
    if len(metadata) > MOST_METADATA:
        raise Invalid(f"At most {MOST_METADATA} metadata fields may be given.")
    for name, value in metadata.items():
        check_name(name, what="metadata field", longest=LONGEST_FIELD)
        if isinstance(value, str):
            fits = len(value) <= LONGEST_VALUE and is_text(value)
        else:
            fits = abs(value) <= LARGEST_NUMBER  # false of what is no number, too
        if not fits:
            raise Invalid(
                f"The metadata field {name} is too large, or no text or number; a text has at most "
                f"{LONGEST_VALUE} characters."
            )


def _check(upload: Upload, *, by: str | None) -> None:
    check_name(upload.name, what="document", longest=LONGEST_NAME)
    if not upload.content:
        raise Invalid(f"{upload.name} is empty (0 bytes).", reason="empty")
    check_metadata(upload.metadata)
    if upload.source_path is not None:
        check_name(upload.source_path, what="source", longest=LONGEST_SOURCE)
    if by is not None and by != upload.owner:
        raise Refused("You may hand in documents in your own name alone.")


async def _check_stays(conn: Connection, user_id: str) -> None:
    """Hold whoever uploads: the key was looked at before, perhaps long ago."""
    stays = await conn.execute(STAYS, {"user_id": user_id})
    if await stays.fetchone() != (True,):
        raise Refused("You were deleted meanwhile.")


async def _named(conn: Connection, filing: _Filing) -> _Named | None:
    async with conn.cursor(row_factory=class_row(_Named)) as cursor:
        return await (await cursor.execute(FIND_BY_NAME, filing.asked)).fetchone()


async def _same_elsewhere(conn: Connection, filing: _Filing) -> _Named | None:
    async with conn.cursor(row_factory=class_row(_Named)) as cursor:
        return await (await cursor.execute(FIND_SAME_CONTENT, filing.asked)).fetchone()


async def _same_content(conn: Connection, named: _Named, filing: _Filing) -> Receipt:
    renewed = await conn.execute(RENEW_METADATA, filing.asked | {"id": named.id})
    told_anew = filing.upload.language is not None and await tell_language(
        conn,
        tenant_id=filing.tenant_id,
        document_id=named.id,
        language=filing.upload.language,
        by=None,  # the name was found as the owner's
    )
    unchanged = QUARANTINED if named.is_kept_back else "unchanged"
    outcome = "updated" if renewed.rowcount or told_anew else unchanged
    if named.acl_id != filing.acl_id:
        await _move(conn, named, filing)
        outcome = "reshared"
    return Receipt(outcome=outcome, document_id=named.id)


async def _next_version(conn: Connection, named: _Named, filing: _Filing) -> Receipt:
    asked = filing.asked | {"id": named.id}
    await conn.execute(DROP_UNPUBLISHED, asked)
    if named.acl_id != filing.acl_id:
        await drop_attached(conn, tenant_id=filing.tenant_id, document_id=named.id)
        await drop_published(conn, tenant_id=filing.tenant_id, document_id=named.id)
        await _move(conn, named, filing)
    published = await conn.execute(FIND_PUBLISHED, asked)
    if await published.fetchone() is not None:
        await conn.execute(FORGET_PROBLEM, asked)  # it was that of the version that was dropped
        return await _same_content(conn, replace(named, is_kept_back=False), filing)
    await conn.execute(RENEW_DOCUMENT, asked)
    return await _add_revision(conn, filing, document_id=named.id)


async def _move(conn: Connection, named: _Named, filing: _Filing) -> None:
    await move(conn, tenant_id=filing.tenant_id, document_id=named.id, acl_id=filing.acl_id)


async def _first_version(conn: Connection, filing: _Filing) -> Receipt:
    upload, document_id = filing.upload, new_id()
    described = {
        "id": document_id,
        "title": upload.name.rpartition("/")[2],
        "media_type": upload.media_type,
    }
    try:
        await conn.execute(ADD_DOCUMENT, filing.asked | described)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Refused(
            "You may only upload what you can read afterwards: name yourself or one of your "
            "groups, and a clearance that you have."
        ) from error
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(
            f"There is a document {upload.name!r} for the same readers, somebody else's or one "
            "that is being deleted; choose another name, or try again later."
        ) from error
    except psycopg.errors.ForeignKeyViolation as error:
        raise Missing("The corpus was deleted meanwhile.") from error
    return replace(await _add_revision(conn, filing, document_id=document_id), is_new=True)


async def _add_revision(conn: Connection, filing: _Filing, *, document_id: uuid.UUID) -> Receipt:
    if filing.most_queued is not None:
        # Before the content is written: who waits for room asks often.
        await check_room(conn, most=filing.most_queued)
    upload, revision_id = filing.upload, new_id()
    added = {"id": document_id, "revision_id": revision_id, "content": upload.content}
    try:
        await conn.execute(ADD_REVISION, filing.asked | added)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(
            f"The content of {upload.name!r} is stored for the same readers under another name, "
            "or there it is being deleted."
        ) from error
    return Receipt(outcome="accepted", document_id=document_id, revision_id=revision_id)

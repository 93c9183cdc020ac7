"""Bring a corpus in line with folders: what is added, changed and removed there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from roadworthy.bootstrap import Services, deletion_service
from roadworthy.cli.exits import EXIT_CODES, exit_code
from roadworthy.cli.files import FoundFile
from roadworthy.cli.handing_in import FAILED, NEW, OPERATOR, HandingIn, Outcome, Progress
from roadworthy.core.errors import Busy, Conflict, Missing, Refused
from roadworthy.core.identity import Principal
from roadworthy.corpus.sources import SourcedDocument, documents_from

DELETED, KEPT = "deleted", "kept"
MOST_MISSING = 0.5  # of the documents of a folder; more look like a disk that is not mounted
Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do beside handing in what is there."""

    delete_missing: bool = False  # the documents whose file is gone
    delete_many: bool = False  # also when that is most of a folder
    is_rehearsal: bool = False  # nothing is changed


class Syncing:
    """Hands in what is in some folders and deletes what is not there any more.

    Args:
        by: in whose name; None for the operator. Only documents of that owner are deleted, and only
            those that were read from these folders.
    """

    def __init__(
        self,
        services: Services,
        *,
        tenant_id: int,
        by: Principal | None,
        corpus: str,
        plan: Plan,
    ) -> None:
        self._services = services
        self._tenant_id = tenant_id
        self._by = by
        self._corpus = corpus
        self._plan = plan
        self._seen: dict[Path, tuple[FoundFile, int, int]] = {}
        self._handing_in = HandingIn(
            services,
            tenant_id=tenant_id,
            by=by,
            corpus=corpus,
            is_rehearsal=plan.is_rehearsal,
        )

    async def run(
        self, folders: Sequence[Path], files: Sequence[FoundFile], *, report: Report
    ) -> list[Outcome]:
        """Delete what is gone, then hand in what is there; a file that fails stops no other.

        In this order, a file that was renamed is no copy of itself. When it is run again, only
        what has changed is handed in.
        """
        deleted: list[Outcome] = []
        if self._plan.delete_missing:
            for folder in folders:
                deleted += await self._delete_missing(folder.absolute(), files)
        gone = {each.document_id for each in deleted if each.outcome == DELETED}
        fresh = [file for file in files if self._seen.get(file.path) != _state(file)]
        states = {file.path: _state(file) for file in fresh}  # as they are before they are read
        handed_in = await self._handing_in.run(fresh, report=report)
        if all(each.exit_code != EXIT_CODES[Busy.kind] for each in handed_in):
            self._seen |= states
        if self._plan.is_rehearsal:
            # The copy whose other half will be gone.
            handed_in = [
                replace(each, outcome=NEW) if each.document_id in gone else each
                for each in handed_in
            ]
        return [*deleted, *handed_in]

    async def _delete_missing(self, folder: Path, files: Sequence[FoundFile]) -> list[Outcome]:
        known = await self._known(folder)
        gone = missing(known, files)
        if len(gone) > MOST_MISSING * len(known) and not self._plan.delete_many:
            error = Conflict(
                f"{len(gone)} of the {len(known)} documents from {folder} are not there any more; "
                "none was deleted. If it is mounted and they are really gone, add --delete-many."
            )
            return [_kept(str(folder), error, outcome=KEPT)]
        return [await self._delete(each) for each in gone]

    async def _known(self, folder: Path) -> list[SourcedDocument]:
        database = self._services.database
        owner = self._by.user_id if self._by else OPERATOR
        async with (
            database.read_as(self._by) if self._by else database.as_worker(self._tenant_id)
        ) as conn:
            return await documents_from(
                conn, str(folder), tenant_id=self._tenant_id, corpus=self._corpus, owner=owner
            )

    async def _delete(self, document: SourcedDocument) -> Outcome:
        if not self._plan.is_rehearsal:
            deletions = deletion_service(self._services.settings, self._services.database)
            try:
                await deletions.delete_document(document.id, tenant_id=self._tenant_id, by=self._by)
            except Missing:
                pass  # somebody was faster
            except (Conflict, Refused) as error:
                return _kept(document.name, error, outcome=FAILED)
        return Outcome(name=document.name, outcome=DELETED, document_id=document.id)


def missing(known: Sequence[SourcedDocument], files: Sequence[FoundFile]) -> list[SourcedDocument]:
    """Tell which documents have lost their file.

    A file that is there but cannot be handed in is not gone, and neither is what lies in a folder
    that may not be read.
    """
    there = {str(file.path) for file in files if not file.problem or file.is_there}
    return [
        document
        for document in known
        if there.isdisjoint((document.source_path, *map(str, Path(document.source_path).parents)))
    ]


def _state(file: FoundFile) -> tuple[FoundFile, int, int]:
    """Give what a file and its description look like without reading it."""
    try:
        at = file.path.stat()
    except OSError:
        return file, 0, 0
    return file, at.st_mtime_ns, at.st_size


def _kept(name: str, error: Conflict | Refused, *, outcome: str) -> Outcome:
    return Outcome(name=name, outcome=outcome, reason=error.message, exit_code=exit_code(error))

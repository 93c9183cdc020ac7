"""Which files are meant, under which names, and for whose eyes."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from roadworthy.cli.manifest import (
    MANIFEST,
    SIDECAR,
    Description,
    Entry,
    read_manifest,
    read_sidecar,
)
from roadworthy.core.errors import Invalid
from roadworthy.corpus.accepting import Scalar
from roadworthy.corpus.access import Access, access

MOST_FILES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """For whom the files are that say nothing themselves."""

    groups: Sequence[str] = ()
    users: Sequence[str] = ()
    clearance: int = 0

    @property
    def are_named(self) -> bool:
        """Tell whether anything was said at all."""
        return bool(self.groups or self.users or self.clearance)

    @property
    def access(self) -> Access:
        """Say it in the product's words; nobody named means everyone."""
        return access(groups=self.groups, users=self.users, clearance=self.clearance)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file to hand in, or the reason why it cannot be."""

    path: Path
    name: str
    access: Access
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    language: str | None = None
    problem: str = ""

    @property
    def is_there(self) -> bool:
        """Tell whether there is anything at its path."""
        return os.path.lexists(self.path)


def found_files(
    paths: Sequence[Path], *, readers: Readers, prefixed: bool = True
) -> list[FoundFile]:
    """Walk files and folders, in the order of their names; hidden files are left out.

    A folder with a manifest.jsonl tells there who may read which file; a file that it does not
    name, or names without readers, is handed in only when readers were named for all. Elsewhere a
    sidecar beside a file (its name and `.metadata.json`) may say the same of that file.

    What is found but cannot be handed in, such as a folder that may not be read, is among them
    with its problem.

    Args:
        prefixed: a document is named by its path below the folder's parent, else below the
            folder itself.

    Raises:
        Invalid: a path does not exist, a manifest is wrong, or there are too many files.
    """
    found: list[FoundFile] = []
    for path in paths:
        if path.is_dir():
            found.extend(_in_folder(path.absolute(), readers, prefixed=prefixed))
        elif path.is_file():
            found.append(_beside(path.absolute(), path.name, readers))
        else:
            raise Invalid(f"{path} does not exist, or is neither file nor folder.")
    return found


def _in_folder(folder: Path, readers: Readers, *, prefixed: bool) -> Iterator[FoundFile]:
    manifest = folder / MANIFEST
    entries = read_manifest(manifest) if manifest.is_file() else None
    lead = f"{folder.name}/" if prefixed else ""
    there: set[str] = set()
    for path, problem in _walked(folder):
        below = path.relative_to(folder).as_posix()
        if path == manifest:
            continue
        there.add(below)
        file = _described(path, below, lead, entries=entries, readers=readers)
        if file is not None:
            yield replace(file, problem=problem) if problem else file
    for missing in sorted(set(entries or ()) - there):
        yield FoundFile(
            path=folder / missing, name=lead + missing, access=readers.access,
            problem=f"{MANIFEST} names it, but it is not there.",
        )  # fmt: skip


def _walked(folder: Path) -> list[tuple[Path, str]]:
    """Give the files of a folder and below, and what cannot be read, with the reason."""
    found: list[tuple[Path, str]] = []

    def unreadable(error: OSError) -> None:
        found.append((Path(error.filename), f"It cannot be read: {error.strerror}."))

    home = folder.resolve()
    for at, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        linked = [name for name in folders if Path(at, name).is_symlink()]
        found.extend((Path(at, name), "It is a link to a folder; name that.") for name in linked)
        for name in files:
            path = Path(at, name)
            if name.startswith(".") or not path.is_file():
                continue
            leaves = path.is_symlink() and not path.resolve().is_relative_to(home)
            found.append((path, "It is a link that leaves the folder." if leaves else ""))
        if len(found) > MOST_FILES:
            raise Invalid(f"{folder} has more than {MOST_FILES} files; name folders in it.")
    return sorted(found)


def _described(
    path: Path, below: str, lead: str, *, entries: Mapping[str, Entry] | None, readers: Readers
) -> FoundFile | None:
    """Describe a file as its manifest or its sidecar does; None: it is a sidecar itself."""
    name = lead + below
    if entries is None:
        return None if _is_sidecar(path) else _beside(path, name, readers)
    entry = entries.get(below)
    if entry is not None and (entry.names_readers or readers.are_named):
        return _as_said(path, name, entry, readers=readers)
    # To everyone by default would be a leak by omission.
    omits = "does not name it" if entry is None else "names no readers of it"
    problem = f"{MANIFEST} {omits}; add them there, or name its readers by --group."
    return FoundFile(
        path=path, name=name, access=readers.access, problem="" if readers.are_named else problem
    )


def _beside(path: Path, name: str, readers: Readers) -> FoundFile:
    sidecar = path.with_name(path.name + SIDECAR)
    if not sidecar.is_file():
        return FoundFile(path=path, name=name, access=readers.access)
    try:
        return _as_said(path, name, read_sidecar(sidecar), readers=readers)
    except Invalid as error:
        return FoundFile(path=path, name=name, access=readers.access, problem=error.message)


def _as_said(path: Path, name: str, said: Description, *, readers: Readers) -> FoundFile:
    return FoundFile(
        path=path,
        name=name,
        access=said.access(groups=readers.groups, users=readers.users, clearance=readers.clearance),
        metadata=said.metadata,
        language=said.language,
    )


def _is_sidecar(path: Path) -> bool:
    return path.name.endswith(SIDECAR) and path.with_name(path.name.removesuffix(SIDECAR)).is_file()

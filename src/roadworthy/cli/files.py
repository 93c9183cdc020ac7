"""Which files are meant, under which names, and for whose eyes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from roadworthy.core.errors import Invalid
from roadworthy.corpus.access import Access, access

MANIFEST = "manifest.jsonl"
MOST_MANIFEST_BYTES = 50_000_000
Scalar = str | int | float | bool


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
    problem: str = ""


class _Entry(BaseModel):
    """A line of a manifest; what it says beside these is metadata of the document."""

    model_config = ConfigDict(extra="allow", frozen=True)

    path: str = Field(min_length=1, max_length=1000)
    groups: list[str] = []
    users: list[str] = []
    clearance: int = 0

    @property
    def readers(self) -> Readers:
        return Readers(groups=self.groups, users=self.users, clearance=self.clearance)

    @property
    def metadata(self) -> dict[str, Scalar]:
        return {k: v for k, v in (self.model_extra or {}).items() if isinstance(v, Scalar)}


def found_files(
    paths: Sequence[Path], *, readers: Readers, prefixed: bool = True
) -> list[FoundFile]:
    """Walk files and folders, in the order of their names; hidden files are left out.

    A folder with a manifest.jsonl tells there who may read which file; a file that it does not
    name is handed in only when readers were named for all.

    Args:
        prefixed: a document is named by its path below the folder's parent, else below the
            folder itself.

    Raises:
        Invalid: a path does not exist, or a manifest is wrong.
    """
    found: list[FoundFile] = []
    for path in paths:
        if path.is_dir():
            found.extend(_in_folder(path.absolute(), readers, prefixed=prefixed))
        elif path.is_file():
            found.append(FoundFile(path=path, name=path.name, access=readers.access))
        else:
            raise Invalid(f"{path} does not exist, or is neither file nor folder.")
    return found


def _in_folder(folder: Path, readers: Readers, *, prefixed: bool) -> Iterator[FoundFile]:
    manifest = folder / MANIFEST
    entries = _read_manifest(manifest) if manifest.is_file() else None
    lead = f"{folder.name}/" if prefixed else ""
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        if path == manifest or not path.is_file() or any(p.startswith(".") for p in below.parts):
            continue
        yield _described(path, below.as_posix(), lead, entries=entries, readers=readers)
    for missing in sorted(set(entries or ()) - {_below(p, folder) for p in folder.rglob("*")}):
        yield FoundFile(
            path=folder / missing, name=lead + missing, access=readers.access,
            problem=f"{MANIFEST} names it, but it is not there.",
        )  # fmt: skip


def _described(
    path: Path, below: str, lead: str, *, entries: Mapping[str, _Entry] | None, readers: Readers
) -> FoundFile:
    entry = (entries or {}).get(below)
    if entry is not None:
        return FoundFile(
            path=path, name=lead + below, access=entry.readers.access, metadata=entry.metadata
        )
    problem = ""
    if entries is not None and not readers.are_named:
        # To everyone by default would be a leak by omission.
        problem = f"{MANIFEST} does not name it; add it there, or name its readers by --group."
    return FoundFile(path=path, name=lead + below, access=readers.access, problem=problem)


def _read_manifest(path: Path) -> dict[str, _Entry]:
    if path.stat().st_size > MOST_MANIFEST_BYTES:
        raise Invalid(f"{path} is larger than {MOST_MANIFEST_BYTES // 1_000_000} MB; split it.")
    entries: dict[str, _Entry] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = _Entry.model_validate(json.loads(line))
            _ = entry.readers.access
        except (json.JSONDecodeError, ValidationError) as error:
            raise Invalid(f"Line {number} of {path} is wrong: {_reason(error)}.") from error
        except Invalid as error:
            raise Invalid(f"Line {number} of {path} is wrong: {error.message}") from error
        entries[entry.path] = entry
    return entries


def _reason(error: json.JSONDecodeError | ValidationError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return error.msg


def _below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()

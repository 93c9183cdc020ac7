"""What a folder says of its files: a manifest.jsonl, or a sidecar beside a file.

It comes with the files, from anywhere: whatever is not understood is refused, for a field that is
overlooked may be the one that keeps a document secret.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from roadworthy.core.errors import Invalid
from roadworthy.corpus.accepting import Scalar, check_metadata
from roadworthy.corpus.access import MOST_CLEARANCE, MOST_SUBJECTS, Access, access

MANIFEST = "manifest.jsonl"
SIDECAR = ".metadata.json"  # behind the name of the file that it is about
LONGEST_LINE = 100_000  # bytes
MOST_LINES = 100_000

Names = Annotated[list[str], Field(max_length=MOST_SUBJECTS)]


class Description(BaseModel):
    """What is said of one file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    groups: Names = []
    users: Names = []
    clearance: int = Field(default=0, ge=0, le=MOST_CLEARANCE)
    language: str | None = Field(default=None, max_length=40)
    metadata: dict[str, Scalar] = {}

    @property
    def names_readers(self) -> bool:
        """Tell whether a group or a user is named."""
        return bool(self.groups or self.users)

    def access(self, *, groups: Sequence[str], users: Sequence[str], clearance: int) -> Access:
        """Say who may read: whom it names, else these; never with a lesser clearance."""
        if self.names_readers:
            return access(groups=self.groups, users=self.users, clearance=self.clearance)
        least = max(self.clearance, clearance)
        return access(groups=groups, users=users, clearance=least)


class Entry(Description):
    """A line of a manifest."""

    path: str = Field(min_length=1, max_length=4000)  # below the folder of the manifest


T = TypeVar("T", bound=Description)


def read_manifest(path: Path) -> dict[str, Entry]:
    """Read what a manifest says, by the path of each file below its folder.

    Raises:
        Invalid: a line is wrong, too long, leaves the folder or names a file again; or there are
            too many. Nothing of it is used then.
    """
    entries: dict[str, Entry] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        where = f"Line {number} of {path}"
        entry = _read(Entry, line, where=where)
        below = _inside(entry.path, where=where)
        if below in entries:
            raise Invalid(f"{where} names {below} again; keep one of the lines.")
        entries[below] = entry
        if len(entries) > MOST_LINES:
            raise Invalid(f"{path} names more than {MOST_LINES} files; split the folder.")
    return entries


def read_sidecar(path: Path) -> Description:
    """Read what a sidecar says of its file.

    Raises:
        Invalid: it is wrong, too long or cannot be read.
    """
    return _read(Description, b"\n".join(_lines(path, whole=True)), where=str(path))


def _lines(path: Path, *, whole: bool = False) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while line := file.readline(LONGEST_LINE + 1):
                if len(line) > LONGEST_LINE or (whole and file.tell() > LONGEST_LINE):
                    raise Invalid(
                        f"{path} has a line of more than {LONGEST_LINE} bytes; shorten it."
                    )
                yield line.removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.") from error


def _read(kind: type[T], written: bytes, *, where: str) -> T:
    try:
        said = kind.model_validate_json(written)
        said.access(groups=(), users=(), clearance=0)
        check_metadata(said.metadata)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise Invalid(
                f"{where} is wrong: there is no field {field[:100]!r}; fields of your own go under "
                "`metadata`."
            ) from None
        told = ": ".join(part for part in (field[:100], first["msg"]) if part)
        raise Invalid(f"{where} is wrong: {told}.") from None
    except Invalid as error:
        raise Invalid(f"{where} is wrong: {error.message}") from error
    return said


def _inside(path: str, *, where: str) -> str:
    """Give a path in its plain form, if it stays in the folder."""
    plain = PurePosixPath(path)
    if plain.is_absolute() or ".." in plain.parts or "\0" in path or not plain.parts:
        raise Invalid(
            f"{where} leaves the folder: {path[:200]!r}; a path is relative to the manifest, "
            "without `..`."
        )
    return str(plain)

"""Read one source text: front matter that says who may read it, then a small Markdown."""

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import yaml

from roadworthy.core.errors import Invalid

COMPANY = "Larkmoor Hydrometrics"
CONTENT = Path(__file__).parent / "content"
Kind = Literal["heading", "bullets", "steps", "table", "paragraph"]
Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One piece of a document. Invariant: a table has at least one row, its header."""

    kind: Kind
    text: str = ""  # of a heading or paragraph
    level: int = 0  # of a heading: 1 chapter, 2 section
    lines: tuple[str, ...] = ()  # of bullets or steps, without their marks
    rows: Rows = ()  # of a table, header first


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One document as it was written. Invariant: groups or users name at least one reader."""

    path: str  # of the printed file, below the folder of files
    title: str
    language: str  # en, fr or es
    department: str
    date: dt.date
    groups: tuple[str, ...]
    users: tuple[str, ...]
    clearance: int
    chapters_on_new_pages: bool
    sender: str  # of an e-mail, else empty
    recipient: str  # of an e-mail, else empty
    body: str
    blocks: tuple[Block, ...]

    @property
    def format(self) -> str:
        """Name the format to print in: the ending of the path."""
        return self.path.rpartition(".")[2]

    @property
    def noon(self) -> dt.datetime:
        """Give the one moment that the printed file carries."""
        return dt.datetime.combine(self.date, dt.time(12), tzinfo=dt.UTC)


def table_row(line: str) -> tuple[str, ...]:
    """Split a line between pipes into its cells."""
    return tuple(cell.strip() for cell in line.strip("|").split("|"))


def block(lines: list[str]) -> Block:
    """Tell from the first mark what a run of lines is."""
    first = lines[0]
    if first.startswith("#"):
        marks, _, text = first.partition(" ")
        return Block(kind="heading", level=len(marks), text=text)
    if first.startswith("- "):
        return Block(kind="bullets", lines=tuple(line.removeprefix("- ") for line in lines))
    if first.startswith("1. "):
        return Block(kind="steps", lines=tuple(line.partition(". ")[2] for line in lines))
    if first.startswith("|"):
        rows = [table_row(line) for line in lines]
        return Block(kind="table", rows=(rows[0], *rows[2:]))  # without the rule below the header
    return Block(kind="paragraph", text=" ".join(lines))


def blocks(body: str) -> tuple[Block, ...]:
    """Cut a body at its empty lines."""
    lines = body.splitlines()
    gaps = [-1, *(i for i, line in enumerate(lines) if not line.strip()), len(lines)]
    return tuple(block(lines[a + 1 : b]) for a, b in pairwise(gaps) if b > a + 1)


def read(file: Path) -> Source:
    """Read one source; its folder is the department, its name the printed file's name.

    Raises:
        Invalid: the text does not begin with front matter.
    """
    fence, _, rest = file.read_text(encoding="utf-8").partition("---\n")
    front, closed, body = rest.partition("\n---\n")
    if fence or not closed:
        raise Invalid("begin the source with front matter between two lines of ---", file=file.name)
    facts = yaml.safe_load(front)
    department = file.parent.name
    return Source(
        path=f"{department}/{file.stem}.{facts['format']}",
        title=facts["title"],
        language=facts["language"],
        department=department,
        date=facts["date"],
        groups=tuple(facts.get("groups", ())),
        users=tuple(facts.get("users", ())),
        clearance=facts.get("clearance", 0),
        chapters_on_new_pages=facts.get("chapters_on_new_pages", False),
        sender=facts.get("from", ""),
        recipient=facts.get("to", ""),
        body=body.strip() + "\n",
        blocks=blocks(body),
    )


def read_all() -> list[Source]:
    """Read every source, in the order of the printed paths."""
    return sorted((read(file) for file in CONTENT.glob("*/*.md")), key=lambda s: s.path)

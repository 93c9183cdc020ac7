"""What curation passes from check to check: verdicts, edits, and what comes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from roadworthy.corpus.policies import CurationPolicy
from roadworthy.corpus.verdicts import Removal, Verdict
from roadworthy.ingestion.records import ParsedDocument

PUBLISH, QUARANTINE = "publish", "quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A run of the text to replace. Invariant: 0 <= start < end <= length of the text."""

    start: int  # in code points
    end: int
    replacement: str = ""
    is_recorded: bool = False  # whether what goes is kept as a removal; never for what is masked


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check says, and what it would change. Invariant: edits in order, apart."""

    verdicts: tuple[Verdict, ...]
    edits: Sequence[Edit] = ()


class Check(Protocol):
    """Looks at one side of a document."""

    def __call__(self, document: ParsedDocument, policy: CurationPolicy, /) -> Finding:
        """Judge a document as the checks before left it; nothing is read but what is given."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Curated:
    """A document after its checks."""

    document: ParsedDocument
    verdicts: Sequence[Verdict]
    removals: Sequence[Removal]
    disposition: str  # publish, quarantine

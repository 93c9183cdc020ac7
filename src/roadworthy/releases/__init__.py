"""Immutable bundles of all that shapes an answer, and which of them is live."""

from roadworthy.releases.guards import (
    AnswerGuard,
    Guard,
    Guards,
    JudgedGuard,
    LanguageGuard,
    ScoredAnswerGuard,
    SizeGuard,
)
from roadworthy.releases.records import BUILT_IN, Release, Rerank, Step, parse_release
from roadworthy.releases.store import (
    add_release,
    check_name,
    find_release,
    list_releases,
    make_live,
)

__all__ = [
    "BUILT_IN",
    "AnswerGuard",
    "Guard",
    "Guards",
    "JudgedGuard",
    "LanguageGuard",
    "Release",
    "Rerank",
    "ScoredAnswerGuard",
    "SizeGuard",
    "Step",
    "add_release",
    "check_name",
    "find_release",
    "list_releases",
    "make_live",
    "parse_release",
]

"""What happened in each interaction: written durably, without making anybody wait."""

from roadworthy.traces.recorder import TraceRecorder, bring_left
from roadworthy.traces.records import (
    Begun,
    GuardVerdict,
    Reading,
    SearchedFor,
    Stage,
    Trace,
    TraceHit,
)
from roadworthy.traces.store import (
    StoredTrace,
    find_trace,
    list_traces,
    present_documents,
)

__all__ = [
    "Begun",
    "GuardVerdict",
    "Reading",
    "SearchedFor",
    "Stage",
    "StoredTrace",
    "Trace",
    "TraceHit",
    "TraceRecorder",
    "bring_left",
    "find_trace",
    "list_traces",
    "present_documents",
]

"""Forget documents and people everywhere, keep what is under legal hold, and give receipts."""

from roadworthy.deletion.holds import Hold, add_hold, lift_hold, list_holds
from roadworthy.deletion.receipts import (
    Erased,
    Receipt,
    find_receipt,
    list_open_receipts,
    list_receipts,
)
from roadworthy.deletion.service import DeletionService, Progress

__all__ = [
    "DeletionService",
    "Erased",
    "Hold",
    "Progress",
    "Receipt",
    "add_hold",
    "find_receipt",
    "lift_hold",
    "list_holds",
    "list_open_receipts",
    "list_receipts",
]

"""The door that nobody knocks at: takes accepted work from the database and does it."""

from roadworthy.worker.main import is_working, present, work

__all__ = ["is_working", "present", "work"]

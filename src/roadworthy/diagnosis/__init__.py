"""Is this installation fit to run? `doctor` asks, and so does every start."""

from roadworthy.diagnosis.database import check_database
from roadworthy.diagnosis.machine import check_machine, check_port
from roadworthy.diagnosis.models import check_models
from roadworthy.diagnosis.records import Check

__all__ = ["Check", "check_database", "check_machine", "check_models", "check_port"]

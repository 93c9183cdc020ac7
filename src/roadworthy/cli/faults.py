"""How checks are told, and what a fault means for a start."""

from collections.abc import Sequence

import typer

from roadworthy.cli.exits import UNFIT
from roadworthy.diagnosis.records import Check


def told_plainly(check: Check) -> str:
    """Write a check as one line, and its mend as another."""
    if check.ok:
        return f"ok     {check.name}: {check.sentence}"
    return f"WRONG  {check.name}: {check.sentence}\n       {check.mend}"


def refuse_faults(checks: Sequence[Check]) -> None:
    """End this process, with each fault told, unless there is none."""
    faults = [check for check in checks if not check.ok]
    for fault in faults:
        typer.echo(told_plainly(fault), err=True)
    if faults:
        raise typer.Exit(UNFIT)

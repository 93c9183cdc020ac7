"""The error tree: six kinds that the doors turn into a status, an exit code or a retry.

RoadworthyError
├── Invalid      the caller sent something that can never work
├── Missing      it does not exist, or this person may not know that it does
├── Conflict     it exists already, or changed meanwhile
├── Refused      this person may not do that
├── Busy         a limit is reached, or two changes met; try again later
└── Unavailable  something that we depend on is down

Anything else that escapes is a bug. Expected outcomes (blocked, abstained) are values, not errors.
"""

from typing import ClassVar

Fact = str | int | float | bool | None


class RoadworthyError(Exception):
    """A failure that a person can act on.

    The message is one sentence that names the mend. Facts carry names, ids and sizes, never
    prompts, vectors or secrets.
    """

    kind: ClassVar[str]

    def __init__(self, message: str, **facts: Fact) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class Invalid(RoadworthyError):
    """The caller sent something that can never work."""

    kind = "invalid"


class Missing(RoadworthyError):
    """It does not exist, or this person may not know that it does."""

    kind = "missing"


class Conflict(RoadworthyError):
    """It exists already, or changed meanwhile."""

    kind = "conflict"


class Refused(RoadworthyError):
    """This person may not do that."""

    kind = "refused"


class Busy(RoadworthyError):
    """A limit is reached, or two changes met; the same call may work later."""

    kind = "busy"


class Unavailable(RoadworthyError):
    """Something that we depend on is down."""

    kind = "unavailable"

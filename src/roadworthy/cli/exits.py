"""Which exit code a failure gets; scripts rely on them."""

from roadworthy.core.errors import RoadworthyError

EXIT_CODES = {
    "invalid": 2,
    "missing": 3,
    "conflict": 4,
    "refused": 5,
    "busy": 6,
    "unavailable": 7,
}
UNFIT = 1  # a check of `doctor` failed
USAGE = 2  # the command line itself
BUG = 70
INTERRUPTED = 130


def exit_code(error: RoadworthyError) -> int:
    """Give the exit code of a failure by its kind."""
    return EXIT_CODES[error.kind]

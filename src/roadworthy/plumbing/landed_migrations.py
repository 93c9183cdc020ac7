"""The migrations in the order in which they landed: a list that only grows at its end.

A line of `sql/migrations.sum` vouches for the file that it names and for the lines before it, so
what is put between, or changed or taken away without the lines after it, is noticed without a
history to look at; lines written anew from some place to the end are not. Two branches that add a
file each meet in the last line. A number that lands late would be run by new databases
before those after which it was written, and refused by those that were migrated in between.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from roadworthy.core.errors import Invalid


def extended(landed: Sequence[str], checksums: Mapping[str, str]) -> list[str]:
    """Add the files that are not on the list to its end.

    Args:
        landed: the lines so far.
        checksums: of all numbered migrations, by name.

    Raises:
        Invalid: a new number is not the highest, or what landed is no longer what it was.
    """
    known = [line.partition(" ")[0] for line in landed]
    new = sorted(checksums.keys() - set(known))
    if known and new and new[0] < max(known):
        raise Invalid(f"{new[0]} comes too late: number it after {max(known)[:4]}")
    lines = list(_chained([*known, *new], checksums))
    for name, line, chained in zip(known, landed, lines, strict=False):
        if line != chained:
            raise Invalid(f"{name} is not what landed in this place: restore it, and the list")
    return lines


def _chained(names: Iterable[str], checksums: Mapping[str, str]) -> Iterator[str]:
    digest = ""
    for name in names:
        content = f"{digest} {name} {checksums.get(name, 'gone')}"
        digest = hashlib.sha256(content.encode()).hexdigest()
        yield f"{name} {digest}"

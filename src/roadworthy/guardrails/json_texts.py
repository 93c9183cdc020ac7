"""What JSON says, without the signs that it is written in.

In JSON a new line is written as a backslash and an n, and any letter as its number: a value behind
a line's end would look like the end of a word.
"""

from collections.abc import Iterator

from roadworthy.core.json_schemas import Unfit, read_json


def said_in(text: str) -> str:
    """Give names and values in their order, a line each; what is no JSON is given as it stands."""
    value = read_json(text)
    return text if isinstance(value, Unfit) else "\n".join(_lines(value))


def _lines(value: object) -> Iterator[str]:
    match value:
        case dict():
            for name, each in value.items():
                yield from _named(name, each)
        case list():
            for each in value:
                yield from _lines(each)
        case _:
            yield str(value)


def _named(name: str, value: object) -> Iterator[str]:
    """Leave a name beside its value, as in "password: ..."; in quotes, even an empty one ends."""
    if isinstance(value, dict | list):
        yield name
        yield from _lines(value)
    else:
        yield f'{name}: "{value}"'

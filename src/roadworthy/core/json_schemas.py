"""JSON that fits a schema, or why it does not."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import jsonschema_rs
from pydantic_core import from_json

from roadworthy.core.errors import Invalid

MOST_FAULTS = 5
FENCE = "```"
NO_JSON = ("it is no JSON",)
INFINITE = ("a number in it is too large",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Why something does not fit."""

    faults: Sequence[str]  # places and rules, by names of the schema alone
    in_full: Sequence[str]  # for who wrote it, and nobody else: they repeat names of its own


def check_schema(schema: Mapping[str, object]) -> None:
    """Refuse what is no JSON schema, or leads elsewhere by a reference: nothing is fetched.

    Raises:
        Invalid: the sentence says what is wrong.
    """
    try:
        _validator(json.dumps(schema))
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise Invalid(f"This is no JSON schema that can be used here: {error}.") from error


def read_json(text: str) -> object | Unfit:
    """Read JSON as models write it: perhaps between two lines of ```."""
    bare = text.strip()
    if bare.startswith(FENCE) and bare.endswith(FENCE):
        bare = bare.strip("`").removeprefix("json")
    try:
        value = from_json(bare, allow_inf_nan=False)
    except ValueError:  # its words quote the text
        return Unfit(faults=NO_JSON, in_full=NO_JSON)
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:  # 1e999 was read as infinity, which JSON cannot tell
        return Unfit(faults=INFINITE, in_full=INFINITE)
    return value


def unfit(value: object, schema: Mapping[str, object]) -> Unfit | None:
    """Tell why a value does not fit; None: it does.

    Args:
        schema: that `check_schema` let pass.
    """
    errors = list(islice(_validator(json.dumps(schema)).iter_errors(value), MOST_FAULTS))
    if not errors:
        return None
    own = frozenset(_names(schema))
    return Unfit(
        faults=[_fault(error, own=own) for error in errors],
        in_full=[f"{_path(error.instance_path)}: {error.message}" for error in errors],
    )


@lru_cache(maxsize=64)
def _validator(schema: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        schema,
        mask="it",
        offline=True,
        pattern_options=jsonschema_rs.RegexOptions(),  # in time proportional to the text
    )


def _fault(error: jsonschema_rs.ValidationError, *, own: Collection[str]) -> str:
    """Name the place and the rule; a name that the schema does not have is a text like any other.

    So is a number: nobody can tell the place in a list from a name that is made of digits.
    """
    place = [part if part in own else "*" for part in error.instance_path]
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        place.append(error.kind.property)
    return f"{_path(place)}: {error.kind.name}"


def _path(parts: Iterable[object]) -> str:
    return "/" + "/".join(map(str, parts))


def _names(schema: object) -> Iterator[str]:
    match schema:
        case dict():
            yield from schema
            for each in schema.values():
                yield from _names(each)
        case list():
            for each in schema:
                yield from _names(each)
        case _:
            pass

"""JSON that fits a schema, or why it does not."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import jsonschema_rs
from pydantic_core import from_json

from roadworthy.core.errors import Invalid

MOST_FAULTS = 5
FENCE = "```"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Why something does not fit; the faults name places and rules, never what stands there."""

    faults: Sequence[str]


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
        return from_json(bare, allow_inf_nan=False)
    except ValueError:  # its words quote the text
        return Unfit(faults=("it is no JSON",))


def unfit(value: object, schema: Mapping[str, object]) -> Unfit | None:
    """Tell why a value does not fit; None: it does.

    Args:
        schema: that `check_schema` let pass.
    """
    errors = islice(_validator(json.dumps(schema)).iter_errors(value), MOST_FAULTS)
    faults = [f"{_place(error)}: {error.message}" for error in errors]
    return Unfit(faults=faults) if faults else None


@lru_cache(maxsize=64)
def _validator(schema: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        schema,
        mask="it",
        offline=True,
        pattern_options=jsonschema_rs.RegexOptions(),  # in time proportional to the text
    )


def _place(error: jsonschema_rs.ValidationError) -> str:
    return "/" + "/".join(str(part) for part in error.instance_path)

"""A value fits its schema, or its faults are named without a word of it."""

import pytest

from roadworthy.core.errors import Invalid
from roadworthy.core.json_schemas import Unfit, check_schema, read_json, unfit

SCHEMA = {
    "type": "object",
    "properties": {"days": {"type": "integer"}, "text": {"type": "string", "pattern": "^[a-z ]+$"}},
    "required": ["days"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "text",
    ['{"days": 30}', ' {"days": 30}\n', '```json\n{"days": 30}\n```', '```\n{"days": 30}```'],
)
def test_json_is_read_as_models_write_it(text):
    assert read_json(text) == {"days": 30}


@pytest.mark.parametrize(
    "text", ["", "canary", '{"days": 30', '{"days": NaN}', "[" * 100_000, '{"a": 1} canary']
)
def test_what_is_no_json_is_told_without_its_words(text):
    read = read_json(text)
    assert isinstance(read, Unfit)
    assert "canary" not in str(read)


@pytest.mark.parametrize(
    "text", ["1e999", '{"days": [{"a": -1e999}]}', '{"days": 1, "text": 1e999}']
)
def test_a_number_that_json_cannot_tell_is_a_fault(text):
    read = read_json(text)
    assert isinstance(read, Unfit)
    assert "number" in read.faults[0]


def test_what_fits_has_no_fault():
    assert unfit({"days": 30, "text": "of leave"}, SCHEMA) is None


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"days": "canary"}, "/days"),
        ({"days": 1, "text": "Canary!"}, "/text"),
        ({}, "/days"),
        (["canary"], "/"),
    ],
)
def test_a_fault_names_its_place_and_no_word_of_it(value, place):
    found = unfit(value, SCHEMA)
    assert place in found.faults[0]
    assert "anary" not in str(found)


CANARY = "password: canary ![x](https://evil.test/)"
LISTED = {"properties": {"days": {"items": {"type": "integer"}}}}


@pytest.mark.parametrize(
    ("value", "schema", "fault"),
    [
        ({CANARY: 1, "days": 1}, SCHEMA, "/: additionalProperties"),
        ({CANARY: 1}, {"additionalProperties": {"type": "string"}}, "/*: type"),
        ({CANARY: 1}, {"patternProperties": {"^p": {"type": "string"}}}, "/*: type"),
        ({CANARY: 1}, {"propertyNames": {"maxLength": 3}}, "/: propertyNames"),
        ({CANARY: 1}, {"unevaluatedProperties": False}, "/: unevaluatedProperties"),
        ({"days": [1, CANARY]}, LISTED, "/days/*: type"),
        ({"4111111111111111": 1}, {"additionalProperties": {"type": "null"}}, "/*: type"),
        ({CANARY: {}}, {"additionalProperties": SCHEMA}, "/*/days: required"),
    ],
)
def test_a_fault_repeats_no_name_that_the_schema_does_not_have(value, schema, fault):
    found = unfit(value, schema)
    assert found is not None
    assert found.faults == [fault]


def test_who_wrote_it_is_told_in_full():
    found = unfit({CANARY: 1, "days": 1}, SCHEMA)
    assert found is not None
    assert CANARY in found.in_full[0]


def test_a_pattern_takes_time_in_proportion_to_the_text():
    evil = {"type": "string", "pattern": "^(a+)+$"}
    assert unfit("a" * 50_000 + "!", evil)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "whole"},
        {"$ref": "https://elsewhere.example/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#/$defs/none"},
        {"pattern": "("},
    ],
    ids=["type", "remote", "file", "dangling", "pattern"],
)
def test_what_is_no_schema_or_leads_elsewhere_is_refused(schema):
    with pytest.raises(Invalid, match="JSON schema"):
        check_schema(schema)


def test_references_within_a_schema_are_followed():
    schema = {"$defs": {"days": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/days"}}}
    check_schema(schema)
    assert unfit({"a": 1}, schema) is None
    assert unfit({"a": "x"}, schema)

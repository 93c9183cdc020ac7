"""A release says which guards look; naming one loses no other, and silence means what it meant."""

import json

import pytest

from roadworthy.core.errors import Invalid
from roadworthy.releases import AnswerGuard, Guards, Release, parse_release
from roadworthy.releases.guards import GUARDED
from roadworthy.releases.records import read_stored


def told(**guards):
    return parse_release(json.dumps({"answerer": "extract", "guards": guards}))


def test_a_release_that_says_nothing_is_guarded():
    assert parse_release('{"answerer": "extract"}').guards == GUARDED
    assert Release(answerer="extract").guards == GUARDED


def test_what_rules_alone_look_for_is_blocked_where_they_cannot_look():
    closed = {name for name, guard in GUARDED if guard and guard.on_failure == "closed"}
    of_questions = {"size", "probing", "pretexts"}
    assert closed == of_questions | {"personal_data", "secrets", "leakage", "links"}


def test_a_release_from_before_has_no_guards():
    assert read_stored('{"answerer": "extract"}').guards is None


def test_naming_a_guard_changes_that_one_alone():
    release = told(injection={"second_opinion": True}, language={"languages": ["fr"]})
    changed = release.guards
    assert changed.injection.second_opinion
    assert changed.injection.on_failure == GUARDED.injection.on_failure
    assert changed.language.languages == ("fr",)
    as_before = {"injection": GUARDED.injection, "language": GUARDED.language}
    assert changed.model_copy(update=as_before) == GUARDED


def test_null_turns_off_one_or_all():
    assert told(abuse=None).guards == GUARDED.model_copy(update={"abuse": None})
    assert parse_release('{"answerer": "extract", "guards": null}').guards is None


@pytest.mark.parametrize(
    "guards",
    [{}, {"abuse": None}, {"links": {"on_finding": "redact"}}, {"abuse": {"threshold": 0.25}}],
    ids=str,
)
def test_what_is_stored_says_which_guards_look_whatever_the_defaults_become(guards):
    release = told(**guards)
    stored = json.loads(release.canonical)["guards"]
    assert Guards.model_validate(stored) == release.guards
    assert read_stored(release.canonical) == release


def test_a_guard_that_is_off_or_has_no_threshold_takes_no_room():
    stored = json.loads(told(abuse=None).canonical)["guards"]
    assert "abuse" not in stored
    assert "grounding" not in stored
    assert stored["injection"] == {"on_failure": "open", "second_opinion": False}


def test_other_guards_are_another_release():
    hashes = {told().hash, told(abuse=None).hash, told(size={"most_characters": 9}).hash}
    assert len(hashes) == 3
    assert told(injection={"on_failure": "open"}).hash == told().hash


@pytest.mark.parametrize(
    ("guards", "said"),
    [
        ({"injektion": {}}, "guards.injektion"),
        ({"injection": {"on_failure": "maybe"}}, "guards.injection.on_failure"),
        ({"size": {"most_characters": 900_000}}, "guards.size.most_characters"),
        ({"language": {"languages": ["french"]}}, "guards.language.languages"),
        ({"links": {"second_opinion": True}}, "guards.links.second_opinion"),
        ({"grounding": {"on_failure": "open"}}, "guards.grounding.on_finding"),
        ({"injection": "closed"}, "guards.injection"),
        ({"secrets": {"on_finding": "redact"}}, "guards.secrets.on_finding .* can only block"),
        ({"leakage": {"on_finding": "redact"}}, "guards.leakage.on_finding .* can only block"),
    ],
    ids=str,
)
def test_what_is_no_guard_is_refused(guards, said):
    with pytest.raises(Invalid, match=said):
        told(**guards)


def test_a_release_that_was_stored_with_what_is_refused_now_is_read_as_it_was():
    redacting = AnswerGuard(on_failure="closed", on_finding="redact")
    stored = told().model_copy(update={"guards": Guards(secrets=redacting, leakage=redacting)})
    assert read_stored(stored.canonical) == stored

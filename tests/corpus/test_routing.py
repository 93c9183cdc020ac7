"""A question is compared only where its language and the passage's mean something."""

import dataclasses

import pytest

from roadworthy.core.errors import Invalid
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus.languages import Spoken, detect
from roadworthy.corpus.routing import (
    Beside,
    Route,
    Routing,
    check_language,
    check_text_search,
    plan,
    rules_of,
)
from roadworthy.corpus.terms import METHOD
from roadworthy.plumbing.jobs import now
from tests.world import DECLARED

ANY, ENGLISH, GERMAN = 1, 2, 3
HELD = ("de", "en", "fr", "und")


def space(number: int, *languages: str) -> EmbeddingSpace:
    declared = dataclasses.asdict(DECLARED) | {"languages": list(languages)}
    made = {"probe_texts": [], "probe_vectors": b"", "created_at": now()}
    return EmbeddingSpace(**declared, **made, id=number)


SPACES = {each.id: each for each in (space(ANY), space(ENGLISH, "en"), space(GERMAN, "de", "nl"))}
ONE = Routing(space_id=ANY)
ROUTED = Routing(space_id=ANY, routes=(Route(language="en", space_id=ENGLISH, text_search="auto"),))
ENGLISH_ONLY = Routing(space_id=ENGLISH)
FRENCH_APART = Routing(
    space_id=ENGLISH, routes=(Route(language="fr", space_id=ANY, text_search="auto"),)
)


def certain(language):
    return Spoken(language=language, is_certain=True)


@pytest.mark.parametrize(
    ("routing", "asked", "planned"),
    [
        pytest.param(ONE, "fr", {ANY: set(HELD)}, id="one-space-for-all"),
        pytest.param(ONE, "und", {ANY: set(HELD)}, id="one-space-and-doubt"),
        pytest.param(ROUTED, "en", {ENGLISH: {"en"}, ANY: {"de", "fr", "und"}}, id="routed"),
        # A French question means nothing in an English space; the fallback has English too.
        pytest.param(ROUTED, "fr", {ANY: set(HELD)}, id="foreign-question"),
        pytest.param(ROUTED, "und", {ANY: set(HELD)}, id="doubtful-question"),
        pytest.param(ENGLISH_ONLY, "en", {ENGLISH: {"en", "und"}}, id="english-only"),
        pytest.param(ENGLISH_ONLY, "und", {ENGLISH: {"en", "und"}}, id="english-only-doubt"),
        pytest.param(ENGLISH_ONLY, "fr", {}, id="nothing-serves"),
    ],
)
def test_a_question_goes_where_it_means_something(routing, asked, planned):
    found = plan(routing, asked=certain(asked), held=HELD, spaces=SPACES)
    assert found == {space_id: frozenset(some) for space_id, some in planned.items()}


def in_doubt(language):
    return Spoken(language=language, is_certain=False)


@pytest.mark.parametrize(
    ("routing", "asked", "planned"),
    [
        # It looks English, and may be something else: the fallback knows that as well.
        pytest.param(ROUTED, "en", {ANY: set(HELD)}, id="routed"),
        pytest.param(ENGLISH_ONLY, "en", {ENGLISH: {"en", "und"}}, id="english-only"),
        pytest.param(ENGLISH_ONLY, "fr", {}, id="nothing-serves"),
        pytest.param(FRENCH_APART, "fr", {ANY: {"fr"}}, id="the-fallback-knows-less"),
    ],
)
def test_a_question_in_doubt_goes_where_most_is_known(routing, asked, planned):
    found = plan(routing, asked=in_doubt(asked), held=HELD, spaces=SPACES)
    assert found == {space_id: frozenset(some) for space_id, some in planned.items()}


def test_a_space_that_is_not_served_is_stood_in_for_by_the_fallback():
    served = {ANY: SPACES[ANY]}
    assert plan(ROUTED, asked=certain("en"), held=HELD, spaces=served) == {ANY: frozenset(HELD)}


def test_no_plan_ever_pairs_a_space_with_a_language_that_it_does_not_serve():
    for routing in (ONE, ROUTED, ENGLISH_ONLY, Routing(space_id=GERMAN)):
        for asked in HELD:
            found = plan(routing, asked=certain(asked), held=HELD, spaces=SPACES)
            for space_id, languages in found.items():
                for language in {asked, *languages} - {"und"}:
                    assert SPACES[space_id].serves(language)


def test_a_passage_is_wanted_in_the_fallback_its_route_and_what_is_built_beside():
    beside = (
        Beside(language="*", space_id=7, is_whole=False),
        Beside(language="de", space_id=8, is_whole=True),
    )
    routing = dataclasses.replace(ROUTED, beside=beside)
    assert routing.wanted_by("en") == {ANY, ENGLISH, 7}
    assert routing.wanted_by("de") == {ANY, 7, 8}
    assert routing.searched_in() == {ANY, ENGLISH}


def test_what_is_kept_whole_may_be_searched_by_name():
    kept = (Beside(language="*", space_id=7, is_whole=True),)
    assert dataclasses.replace(ONE, beside=kept).searched_in() == {ANY, 7}


def test_the_rules_of_a_language_are_named_only_when_they_are_others():
    route = Route(language="da", space_id=ANY, text_search="no")
    routing = Routing(space_id=ANY, text_search="und", routes=(route,))
    assert ONE.analysis_of("fr") == METHOD
    assert routing.analysis_of("da") == f"{METHOD}:no"
    assert routing.analysis_of("fr") == f"{METHOD}:und"
    assert rules_of(METHOD, language="fr") == "fr"
    assert rules_of(f"{METHOD}:no", language="da") == "no"


@pytest.mark.parametrize(("told", "code"), [("fr", "fr"), ("fr-CA", "fr"), ("pt_BR.UTF-8", "pt")])
def test_a_language_may_be_told_as_a_locale(told, code):
    assert check_language(told) == code


def test_bokmal_is_told_as_it_is_detected():
    """Else a route of nb would serve no document, and one told nb would go by no route of no."""
    text = "Pumpen i havnen trenger ny olje hver måned, og noen skriver det inn i boken."
    assert check_language("nb-NO") == detect(text) == "no"


@pytest.mark.parametrize("told", ["", "french", "fra", "xx-", "C", "und", "en_XX"])
def test_what_is_no_language_is_refused(told):
    with pytest.raises(Invalid):
        check_language(told)


@pytest.mark.parametrize("rules", ["auto", "und", "en", "zh"])
def test_rules_that_exist_are_taken(rules):
    assert check_text_search(rules) == rules


@pytest.mark.parametrize("rules", ["english", "xx", "", "*"])
def test_rules_that_do_not_exist_are_refused(rules):
    with pytest.raises(Invalid, match="text-search rules"):
        check_text_search(rules)

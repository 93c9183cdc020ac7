"""A release never changes, is known by its hash, and one of them answers for a tenant."""

import json

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Conflict, Invalid, Missing
from roadworthy.prompts import find_prompt
from roadworthy.releases import (
    BUILT_IN,
    Release,
    add_release,
    find_release,
    list_releases,
    make_live,
    parse_release,
)
from roadworthy.releases.records import read_stored
from tests.world import make_world

pytestmark = pytest.mark.anyio

releases = st.builds(
    Release,
    answerer=st.just("extract"),
    corpus=st.text(min_size=1, max_size=20),
    passages=st.integers(1, 50),
    vector_weight=st.floats(0, 1),
    fusion=st.sampled_from(["weighted", "standardised", "reciprocal"]),
    space_weights=st.dictionaries(st.sampled_from(["e5-small", "minilm", "é"]), st.floats(0, 1)),
    least_relevance=st.floats(0, 1),
    temperature=st.sampled_from([0, 0.0, 1, 0.7, 2]),
)


@given(releases)
def test_what_is_stored_says_the_same(release):
    read = read_stored(release.canonical)
    assert (read, read.hash, read.canonical) == (release, release.hash, release.canonical)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_releases_survive_their_storage(name):
    release = BUILT_IN[name]
    assert read_stored(release.canonical) == release
    assert release.prompt is None or find_prompt(release.prompt)


# Written down when there were no fields of LATER, and the share of meaning was another; who has
# these in a database has them for good.
HASHES = {
    "extract": "ff4d892d752d1e6f4c3b23713cc508b8120b773063cb559363384a78ee8df0f4",
    "smollm2": "53311e101daf58e7d4ea028ab18e5df10cb5da080234eeeba36c9b157c2defbe",
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_release_keeps_its_hash_when_fields_are_added(name):
    unsaid = {"vector_weight": 0.6, "fusion": "weighted", "cache": False, "guards": None}
    if BUILT_IN[name].prompt:
        unsaid["prompt"] = "answer-1"
    then = BUILT_IN[name].model_copy(update=unsaid)
    assert then.hash == HASHES[name]
    assert read_stored(then.canonical) == then


@pytest.mark.parametrize(
    "change",
    [
        {"fusion": "reciprocal"},
        {"space_weights": {"minilm": 0.5}},
        {"rerank": {"candidates": 9}},
        {"route": [{"endpoint": "a", "model": "m"}, {"endpoint": "b", "model": "n"}]},
        {"deadline_s": 20},
    ],
    ids=str,
)
def test_a_field_that_was_added_counts_when_it_is_used(change):
    changed = parse_release(json.dumps({"answerer": "extract"} | change))
    assert changed.hash != HASHES["extract"]
    assert read_stored(changed.canonical) == changed


ROUTE = [{"endpoint": "vendor", "model": "big"}, {"endpoint": "chat", "model": "small"}]


def generating(**fields):
    told = {"answerer": "generate", "prompt": "answer-1"} | fields
    return parse_release(json.dumps(told))


def test_a_route_names_its_models_in_order():
    steps = generating(route=ROUTE).steps
    assert [(each.endpoint, each.model) for each in steps] == [("vendor", "big"), ("chat", "small")]
    assert generating(route=ROUTE).hash != generating(route=ROUTE[::-1]).hash


def test_a_model_alone_is_a_route_of_one_step():
    [step] = generating(model="big").steps
    assert (step.endpoint, step.model) == ("chat", "big")


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "route"),
        ({"model": "big", "route": ROUTE}, "either"),
        ({"model": "big", "hedge_ms": 200}, "hedge_ms"),
        ({"route": ROUTE[:1], "hedge_ms": 200}, "hedge_ms"),
        ({"route": [{"endpoint": "Vendor", "model": "big"}]}, "route.0.endpoint"),
        ({"route": [{"endpoint": "vendor"}]}, "route.0.model"),
        ({"route": ROUTE * 6}, "route"),
        ({"route": ROUTE, "deadline_s": 0}, "deadline_s"),
    ],
)
def test_a_route_that_cannot_be_is_refused_by_its_field(fields, word):
    with pytest.raises(Invalid, match=word):
        generating(**fields)


def test_the_order_of_spaces_does_not_matter():
    weights = [{"minilm": 0.5, "e5-small": 1}, {"e5-small": 1.0, "minilm": 0.5}]
    one, other = (Release(answerer="extract", space_weights=each) for each in weights)
    assert one.hash == other.hash


def test_answers_of_models_are_kept_unless_the_release_says_otherwise():
    assert [BUILT_IN[name].cache for name in ("extract", "smollm2")] == [False, True]
    told = parse_release('{"answerer": "generate", "model": "m", "prompt": "p", "cache": false}')
    assert "cache" not in told.canonical


@pytest.mark.parametrize("zero", ["0", "0.0", "0e0"])
def test_one_number_has_one_hash_however_it_is_written(zero):
    written = parse_release(f'{{"answerer": "extract", "temperature": {zero}}}')
    assert written.hash == Release(answerer="extract").hash


def test_order_and_spaces_do_not_matter_and_values_do():
    one = parse_release('{"answerer": "extract", "passages": 5, "sentences": 2}')
    other = parse_release(' {"sentences": 2,\n "passages": 5, "answerer": "extract"} ')
    assert one.hash == other.hash != one.model_copy(update={"passages": 6}).hash


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "JSON"),
        ("[]", "JSON"),
        ('{"answerer": "extract"', "JSON"),
        ("{}", "answerer"),
        ('{"answerer": "guess"}', "answerer"),
        ('{"answerer": "extract", "pasages": 5}', "pasages"),
        ('{"answerer": "extract", "passages": 51}', "passages"),
        ('{"answerer": "extract", "vector_weight": NaN}', "vector_weight"),
        ('{"answerer": "extract", "vector_weight": 1.5}', "vector_weight"),
        ('{"answerer": "extract", "temperature": Infinity}', "temperature"),
        ('{"answerer": "extract", "fusion": "best"}', "fusion"),
        ('{"answerer": "extract", "rerank": {"candidates": 101}}', "rerank.candidates"),
        ('{"answerer": "extract", "rerank": {"budget": 1}}', "rerank.budget"),
        ('{"answerer": "extract", "space_weights": {"e5-small": 2}}', "space_weights.e5-small"),
        ('{"answerer": "extract", "space_weights": {"": 1}}', "space_weights"),
        ('{"answerer": "generate"}', "model and its prompt"),
        ('{"answerer": "extract", "cache": true}', "given again"),
        ('{"answerer": "generate", "model": "m"}', "model and its prompt"),
    ],
)
def test_what_is_no_release_is_refused(content, said):
    with pytest.raises(Invalid, match=said):
        parse_release(content)


async def add(world, name, release=BUILT_IN["extract"]):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await add_release(conn, tenant_id=world.tenant_id, name=name, release=release)


async def live(world):
    async with world.database.read_as(world.person()) as conn:
        return (await find_release(conn, tenant_id=world.tenant_id)).name


async def test_the_same_release_again_changes_nothing(world):
    first, again = await add(world, "a"), await add(world, "a")
    assert first == again
    assert first.release == BUILT_IN["extract"]


async def test_another_release_of_the_same_name_is_refused(world):
    await add(world, "a")
    with pytest.raises(Conflict, match="never changes"):
        await add(world, "a", BUILT_IN["smollm2"])


async def test_one_release_is_live(world):
    await add(world, "a")
    async with world.database.as_worker(world.tenant_id) as conn:
        await make_live(conn, tenant_id=world.tenant_id, name="a")
        listed = await list_releases(conn, tenant_id=world.tenant_id)
    assert await live(world) == "a"
    assert [(each.name, each.is_live) for each in listed] == [("extract", False), ("a", True)]


async def test_a_release_that_does_not_exist_goes_not_live(world):
    with pytest.raises(Missing, match="nothing"):
        async with world.database.as_worker(world.tenant_id) as conn:
            await make_live(conn, tenant_id=world.tenant_id, name="nothing")
    assert await live(world) == "extract"


async def test_a_tenant_knows_its_own_releases_alone(world, database):
    await add(world, "a")
    other = await make_world(database, f"other-{world.tenant_id}")
    async with database.read_as(other.person()) as conn:
        for tenant_id in (world.tenant_id, other.tenant_id):
            with pytest.raises(Missing):
                await find_release(conn, tenant_id=tenant_id, name="a")


@pytest.mark.parametrize("name", ["", "A", "a b", "x" * 64, "a\0", "-a"], ids=ascii)
async def test_a_name_that_cannot_be_is_refused(world, name):
    with pytest.raises(Invalid):
        await add(world, name)


async def test_who_is_answered_changes_no_release(world, urls):
    for change in ("UPDATE release SET content = ''", "DELETE FROM live_release"):
        with psycopg.connect(urls.app) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(change)


async def test_what_was_stored_before_a_field_existed_keeps_its_hash(world):
    """A later version of the product reads it, and does not find that it changed."""
    stored = await add(world, "a")
    content = json.loads(stored.content)
    del content["temperature"]
    older = json.dumps(content, separators=(",", ":"))
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("UPDATE release SET content = %s WHERE name = 'a'", (older,))
        found = await find_release(conn, tenant_id=world.tenant_id, name="a")
    assert (found.hash, found.release) == (stored.hash, BUILT_IN["extract"])

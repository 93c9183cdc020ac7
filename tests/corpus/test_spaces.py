"""A space is what it was made with: another model, length or prefix is refused by name."""

import dataclasses

import numpy as np
import pytest

from roadworthy.core.errors import Invalid, Missing, Unavailable
from roadworthy.core.spaces import (
    DECLARED as FINGERPRINT,
)
from roadworthy.core.spaces import (
    PROBE_TEXTS,
    EmbeddingSpace,
    QueryVector,
    SpaceMismatch,
    check_declaration,
    check_probes,
)
from roadworthy.corpus.documents import ensure_corpus
from roadworthy.corpus.publishing import publish
from roadworthy.corpus.spaces import ensure_space, find_space, list_spaces
from roadworthy.plumbing import jobs
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.fusion import Fusion
from roadworthy.retrieval.search import search
from tests.world import DECLARED, DIMENSION, extract, words_vector

pytestmark = pytest.mark.anyio

PROBES = np.stack([words_vector(text) for text in PROBE_TEXTS])
OTHER = {
    "model": "others",
    "revision": "2",
    "dimension": 33,
    "normalised": False,
    "query_prefix": "query: ",
    "passage_prefix": "passage: ",
}


@pytest.fixture
def space():
    declared = dataclasses.asdict(DECLARED) | {"languages": []}
    return EmbeddingSpace(
        **declared,
        id=1,
        probe_texts=list(PROBE_TEXTS),
        probe_vectors=PROBES.astype("<f4").tobytes(),
        created_at=jobs.now(),
    )


def test_the_same_declaration_passes(space):
    check_declaration(space, DECLARED)


def test_all_that_changes_a_vector_is_compared():
    assert set(FINGERPRINT) == set(OTHER)


@pytest.mark.parametrize("setting", OTHER)
def test_another_declaration_is_refused_by_name(space, setting):
    declared = dataclasses.replace(DECLARED, **{setting: OTHER[setting]})
    with pytest.raises(SpaceMismatch, match=setting) as raised:
        check_declaration(space, declared)
    assert raised.value.facts["setting"] == setting


@pytest.mark.parametrize("noise", [0, 1e-5, 5e-3])
def test_the_same_model_passes_whatever_its_rounding(space, noise):
    near = PROBES + np.random.default_rng(7).normal(0, noise, PROBES.shape).astype(np.float32)
    check_probes(space, near / np.linalg.norm(near, axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("changed", "setting"),
    [
        pytest.param(PROBES[::-1], "embeddings_model", id="another-order"),
        pytest.param(np.roll(PROBES, 1, axis=1), "embeddings_model", id="another-model"),
        pytest.param(PROBES[:, :16], "dimension", id="shorter"),
        pytest.param(PROBES[:-1], None, id="fewer"),
        pytest.param(PROBES * 2, "normalised", id="longer-vectors"),
        pytest.param(PROBES * np.nan, None, id="nan"),
        pytest.param(PROBES * 0, None, id="zero"),
        pytest.param(-PROBES, "embeddings_model", id="turned-round"),
    ],
)
def test_vectors_of_another_model_are_refused(space, changed, setting):
    with pytest.raises(SpaceMismatch) as raised:
        check_probes(space, changed)
    assert setting in {None, raised.value.facts["setting"]}


def test_one_changed_probe_of_six_is_enough(space):
    changed = PROBES.copy()
    changed[4] = PROBES[0]
    with pytest.raises(SpaceMismatch, match="probe 5"):
        check_probes(space, changed)


def test_a_mismatch_is_no_fault_of_the_caller():
    assert issubclass(SpaceMismatch, Unavailable)


async def test_a_stored_space_never_changes(world):
    async with world.database.as_worker() as conn:
        again = await ensure_space(
            conn, dataclasses.replace(DECLARED, revision="2"), probe_vectors=PROBES * 2
        )
        assert again == world.space == await find_space(conn, "words")
        assert await list_spaces(conn) == [world.space]
        assert np.allclose(again.probes(), PROBES)
        with pytest.raises(Missing):
            await find_space(conn, "nothing")


async def test_a_question_of_another_space_is_refused(world):
    await world.add("plan.txt", "The plan.")
    query = QueryVector(space_id=world.space.id + 1, space="others", vector=words_vector("plan"))
    with pytest.raises(Invalid, match="another embedding space"):
        async with world.database.read_as(world.person()) as conn:
            await search(
                conn,
                "plan",
                queries=[query],
                corpus=world.corpus,
                tenant_id=world.tenant_id,
                among=Filter(),
                limit=5,
                fusion=Fusion(vector_weight=0.5),
            )


@pytest.mark.parametrize(
    "vectors",
    [
        np.ones((1, DIMENSION + 1), np.float32),
        np.ones((2, DIMENSION), np.float32),
        np.zeros((1, DIMENSION), np.float32),
        np.full((1, DIMENSION), np.nan, np.float32),
    ],
    ids=["longer", "one-too-many", "zero", "nan"],
)
async def test_what_is_no_vector_of_the_space_is_not_published(world, vectors):
    """One such vector would break the search of everybody who may see it."""
    await world.upload("plan.txt", "The plan.")
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    fit = extract("The plan.", world.space)
    [own] = fit.vectors
    unfit = dataclasses.replace(fit, vectors=[dataclasses.replace(own, vectors=vectors)])
    with pytest.raises((Invalid, Unavailable)):
        async with world.database.as_worker(world.tenant_id) as conn:
            await publish(conn, lease, unfit)


async def test_a_corpus_stays_in_its_space(world):
    async with world.database.as_worker(world.tenant_id) as conn:
        other = await ensure_space(
            conn, dataclasses.replace(DECLARED, name="others"), probe_vectors=PROBES
        )
        again = await ensure_corpus(conn, tenant_id=world.tenant_id, name="main", space_id=other.id)
    assert again == world.corpus

"""Experiments are kept for the operator of their tenant, the latest first."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from roadworthy.core.clock import now
from roadworthy.core.errors import Missing
from roadworthy.core.ids import new_id
from roadworthy.core.intervals import Interval
from roadworthy.tuning.experiments import (
    Basis,
    Experiment,
    Measured,
    find_experiment,
    list_experiments,
)
from roadworthy.tuning.experiments import (
    keep as kept_now,
)
from tests.world import another_world

pytestmark = pytest.mark.anyio


def experiment():
    return Experiment(
        id=new_id(),
        corpus="main",
        kind="ranking",
        measure="ndcg10",
        questions=30,
        tried=[
            Measured(
                setting={"fusion": "weighted", "vector_weight": 0.6, "space_weights": {"a": 0.5}},
                figures={"ndcg10": 0.5, "answered": None},
                gain=Interval(value=0, low=-0.1, high=0.1),
            )
        ],
        chosen=None,
        basis=Basis(
            dataset="scifact, train",
            release_hash="0f",
            spaces=["words"],
            counted=25,
            documents=22,
        ),
        made_by="operator",
        made_at=now(),
    )


async def keep(world, kept):
    async with world.database.as_worker(world.tenant_id) as conn:
        of = {"tenant_id": world.tenant_id, "corpus_id": world.corpus.id}
        await kept_now(conn, kept, **of)


async def test_what_was_kept_is_found_as_it_was(world):
    first = experiment()
    later = first.made_at + timedelta(seconds=1)
    second = replace(experiment(), kind="passages", chosen=0, basis=None, made_at=later)
    await keep(world, first)
    await keep(world, second)
    async with world.database.as_worker(world.tenant_id) as conn:
        of = {"tenant_id": world.tenant_id}
        assert await list_experiments(conn, **of, limit=9) == [second, first]
        assert await list_experiments(conn, **of, limit=1) == [second]
        assert await find_experiment(conn, **of, experiment_id=first.id) == first
        with pytest.raises(Missing, match="experiment list"):
            await find_experiment(conn, **of, experiment_id=new_id())


async def test_another_tenant_sees_none(world):
    await keep(world, experiment())
    other = await another_world(world.database)
    async with world.database.as_worker(other.tenant_id) as conn:
        assert await list_experiments(conn, tenant_id=world.tenant_id, limit=9) == []


async def test_people_have_no_way_to_it(world):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with world.database.read_as(world.person()) as conn:
            await (await conn.execute("SELECT count(*) FROM experiment")).fetchall()

"""A worker moves the vectors of a tenant that has grown."""

import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.corpus.places import find_place
from roadworthy.worker.chores import arrange

pytestmark = pytest.mark.anyio


async def test_it_moves_what_has_grown(world, urls):
    await world.add("pumps.txt", "Pump.\n\nValve.")
    await arrange(world.database, owner_url=urls.owner, most=1)
    async with world.database.as_worker(world.tenant_id) as conn:
        place = await find_place(conn, tenant_id=world.tenant_id)
    assert place is not None
    assert (place.state, place.indexed) == ("own", [world.space.id])


async def test_an_owner_who_cannot_be_reached_is_told(world):
    with pytest.raises(Unavailable):
        await arrange(world.database, owner_url="postgresql://nobody@127.0.0.1:1/none")

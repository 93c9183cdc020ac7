"""A connection that could not be made leaves nothing that only garbage collection would close."""

import asyncio
import gc
import logging
import warnings

import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.plumbing.settings import load_settings
from roadworthy.plumbing.transports import Inbox, publisher, receiver

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("url", ["amqp://guest:guest@127.0.0.1:1/", "kafka://127.0.0.1:1"])
async def test_a_broker_that_is_down_leaves_no_open_connection(url, caplog):
    caplog.set_level(logging.CRITICAL)  # a record that is kept would keep the connection
    settings = load_settings({"ROADWORTHY_BROKER_URL": url})
    telling, hearing = publisher(settings), receiver(settings, listen_url="", prefetch=1)
    assert telling is not None
    gc.collect()
    with warnings.catch_warnings(record=True, action="always") as warned:
        gc.disable()
        try:
            with pytest.raises(Unavailable):
                await telling.publish([])
            with pytest.raises(Unavailable):
                await hearing.listen(Inbox(most=1))
            await telling.close()
            # A thread that has no loop is where a forgotten connection cannot close itself.
            await asyncio.to_thread(gc.collect)
        finally:
            gc.enable()
    assert [str(each.message) for each in warned] == []

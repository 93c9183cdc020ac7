"""Check the broker: can the relay tell it of work?"""

import asyncio

from roadworthy.core.errors import RoadworthyError
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.plumbing.settings import Settings
from roadworthy.plumbing.transports import publisher


def check_broker(settings: Settings) -> list[Check]:
    """Check that the broker answers, and has the queue; nothing where there is no broker."""
    return asyncio.run(_check_broker(settings))


async def _check_broker(settings: Settings) -> list[Check]:
    try:
        broker = publisher(settings)
        if broker is None:
            return []
        try:
            await broker.publish([])
        finally:
            await broker.close()
    except RoadworthyError as error:
        mend = "Start the broker, or correct broker_url; without it, work is done, but later."
        return [wrong("broker", error.message, mend)]
    return [fine("broker", f"The broker answers, and has {settings.broker_queue}.")]

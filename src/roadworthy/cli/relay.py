"""`roadworthy relay`: tells the broker of accepted work."""

import asyncio
import signal

import typer

from roadworthy.bootstrap import DatabaseUrls
from roadworthy.cli.options import told
from roadworthy.cli.starting import fit_database
from roadworthy.core.errors import Invalid
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.tasks import cancelled
from roadworthy.plumbing.transports import Publisher, publisher
from roadworthy.worker.relay import relay

app = typer.Typer()


@app.command("relay")
def relay_(ctx: typer.Context) -> None:
    """Tell the broker of broker_url of accepted work until told to stop; others stand by."""
    settings = told(ctx).settings()
    broker = publisher(settings)
    if broker is None:
        raise Invalid("There is no broker to tell: set broker_url. PostgreSQL needs no relay.")
    with fit_database(ctx) as (_, urls):
        asyncio.run(_relay(broker, urls))


async def _relay(broker: Publisher, urls: DatabaseUrls) -> None:
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=2)
    await database.open()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    relaying = asyncio.create_task(relay(database, broker, listen_url=urls.worker))
    relaying.add_done_callback(lambda _: stop.set())  # by a mistake of ours
    try:
        await stop.wait()
        await cancelled(relaying)
    finally:
        await broker.close()
        await database.close()

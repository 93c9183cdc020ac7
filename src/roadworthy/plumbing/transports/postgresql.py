"""PostgreSQL as the transport: a job's own transaction notifies of it when it commits."""

from typing import Never

import psycopg

from roadworthy.core.errors import Unavailable
from roadworthy.plumbing import jobs
from roadworthy.plumbing.transports.messages import Delivery, Inbox

CONNECT_S = 10


class PostgresReceiver:
    """Hears the notifications that `jobs.enqueue` sends."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def listen(self, inbox: Inbox) -> Never:
        """See `Receiver`."""
        try:
            async with await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                application_name="roadworthy-listener",
                connect_timeout=CONNECT_S,
            ) as conn:
                await jobs.listen(conn)
                inbox.put_if_room(Delivery())  # some may have come while nobody listened
                async for _ in conn.notifies():
                    # Everybody hears every word: who has enough to do may miss some.
                    inbox.put_if_room(Delivery())
        except psycopg.OperationalError as error:
            raise Unavailable("The database does not notify of jobs.") from error
        raise Unavailable("The database does not notify of jobs any more.")

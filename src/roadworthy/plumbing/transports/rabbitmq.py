"""RabbitMQ as the transport: one quorum queue, confirmed publishing, manual acknowledgement."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Never

from roadworthy.core.errors import Invalid, Unavailable
from roadworthy.plumbing.outbox import Announcement
from roadworthy.plumbing.transports.messages import Delivery, Inbox, to_json

try:
    import aio_pika
    from aio_pika.abc import (
        AbstractChannel,
        AbstractConnection,
        AbstractIncomingMessage,
        AbstractQueue,
    )
    from aio_pika.connection import make_url
    from aio_pika.exceptions import CONNECTION_EXCEPTIONS
    from pamqp.common import Arguments
except ModuleNotFoundError as error:
    raise Invalid(
        "broker_url names a RabbitMQ, whose client is not installed; install roadworthy[rabbitmq]."
    ) from error

CONNECT_S, CONFIRM_S = 5.0, 10.0
QUORUM: Arguments = {"x-queue-type": "quorum"}
# ValueError: an address in which only the client finds a mistake.
LOST = (*CONNECTION_EXCEPTIONS, TimeoutError, ValueError)


class RabbitReceiver:
    """Consumes the queue; messages beyond `prefetch` go to other workers."""

    def __init__(self, url: str, *, queue: str, prefetch: int) -> None:
        self._url = url
        self._queue = queue
        self._prefetch = prefetch

    async def listen(self, inbox: Inbox) -> Never:
        """See `Receiver`."""
        with _unavailable_when_lost():
            async with _connection(self._url) as connection:
                channel = await connection.channel()
                await channel.set_qos(prefetch_count=self._prefetch)
                queue = await _declared(channel, self._queue)

                gone = asyncio.Event()
                channel.close_callbacks.add(lambda *_: gone.set())
                # A queue that is deleted ends what consumes it, and leaves the channel open.
                consuming = await channel.get_underlay_channel()
                consuming.on_consumer_cancel_callbacks.add(lambda _: gone.set())

                async def bring(message: AbstractIncomingMessage) -> None:
                    await inbox.put(Delivery(ack=lambda: _acknowledge(message)))

                # A broker that is just starting may leave this unanswered for ever.
                await queue.consume(bring, timeout=CONNECT_S)
                await gone.wait()
        raise Unavailable("The connection to RabbitMQ, or its queue, was lost.")


class RabbitPublisher:
    """Publishes persistent messages, and waits until the queue has confirmed each."""

    def __init__(self, url: str, *, queue: str) -> None:
        self._url = url
        self._queue = queue
        self._one_at_a_time = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    async def publish(self, announcements: Sequence[Announcement]) -> None:
        """See `Publisher`."""
        try:
            with _unavailable_when_lost():
                async with self._one_at_a_time, asyncio.timeout(CONNECT_S + CONFIRM_S):
                    channel = await self._reached()
                    await asyncio.gather(
                        *(self._publish_one(channel, each) for each in announcements)
                    )
        except Unavailable:
            await self.close()
            raise

    async def close(self) -> None:
        """See `Publisher`."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with suppress(*LOST):
                await connection.close()

    async def _reached(self) -> AbstractChannel:
        if self._channel is None or self._channel.is_closed:
            await self.close()
            self._connection = await _connect(self._url)
            # A message that no queue takes comes back, and is confirmed all the same.
            self._channel = await self._connection.channel(
                publisher_confirms=True, on_return_raises=True
            )
            await _declared(self._channel, self._queue)
        return self._channel

    async def _publish_one(self, channel: AbstractChannel, announcement: Announcement) -> None:
        message = aio_pika.Message(
            to_json(announcement),
            content_type="application/json",
            message_id=str(announcement.id),
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        await channel.default_exchange.publish(
            message, routing_key=self._queue, mandatory=True, timeout=CONFIRM_S
        )


async def _declared(channel: AbstractChannel, name: str) -> AbstractQueue:
    return await channel.declare_queue(name, durable=True, arguments=QUORUM, timeout=CONNECT_S)


async def _connect(url: str) -> AbstractConnection:
    connection = aio_pika.Connection(make_url(url))
    try:
        await connection.connect(timeout=CONNECT_S)
    except BaseException:
        # Else its `__del__` makes a coroutine that closes it, perhaps where no loop awaits one.
        await connection.close()
        raise
    return connection


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[AbstractConnection]:
    connection = await _connect(url)
    try:
        yield connection
    finally:
        with suppress(*LOST):
            await connection.close()


@contextmanager
def _unavailable_when_lost() -> Iterator[None]:
    try:
        yield
    except LOST as error:
        # The client's own words may hold the address, and with it the password.
        raise Unavailable(
            f"RabbitMQ does not answer ({type(error).__name__}); jobs wait in the database, and "
            "are done."
        ) from None


async def _acknowledge(message: AbstractIncomingMessage) -> None:
    # Unacknowledged, it is delivered again: a doubled message.
    with suppress(*LOST):
        await message.ack()

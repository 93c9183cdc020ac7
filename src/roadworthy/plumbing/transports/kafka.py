"""Kafka as the transport: one topic, one consumer group of all workers.

A message that was sent twice does no harm here, so the producer needs no idempotence, which not
every broker of this protocol has.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any, Never
from urllib.parse import urlsplit

from roadworthy.core.errors import Invalid, Unavailable
from roadworthy.plumbing.outbox import Announcement
from roadworthy.plumbing.transports.messages import Delivery, Inbox, to_json

try:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic
    from aiokafka.errors import KafkaError
except ModuleNotFoundError as error:
    raise Invalid(
        "broker_url names a Kafka, whose client is not installed; install roadworthy[kafka]."
    ) from error

PARTITIONS = 12  # of a topic that we make: as many processes may consume at once
REQUEST_MS, SEND_S, LEAVE_S = 5_000, 15.0, 1.0
JOIN_MS = 30_000  # a broker lets who joins a group wait for the others
REFRESH_MS = 5_000  # how soon a topic that came back is noticed
SAFE = "all"  # every replica in sync has it


class KafkaReceiver:
    """Consumes the topic as one of the group; the group's name is the topic's."""

    def __init__(self, url: str, *, topic: str) -> None:
        self._servers = servers(url)
        self._topic = topic

    async def listen(self, inbox: Inbox) -> Never:
        """See `Receiver`."""
        with _unavailable_when_lost():
            await _whole(_ensure_topic(self._servers, self._topic))
            consumer = AIOKafkaConsumer(
                self._topic,
                bootstrap_servers=self._servers,
                group_id=self._topic,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                request_timeout_ms=JOIN_MS,
                metadata_max_age_ms=REFRESH_MS,
            )
            commits = _Commits(consumer)
            async with _started(consumer):
                async for record in consumer:
                    place = TopicPartition(record.topic, record.partition)
                    await inbox.put(commits.delivery(place, record.offset + 1))
        raise Unavailable("The connection to Kafka was lost.")


class KafkaPublisher:
    """Produces, and waits until all replicas in sync have each message."""

    def __init__(self, url: str, *, topic: str) -> None:
        self._servers = servers(url)
        self._topic = topic
        self._one_at_a_time = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None
        self._open = AsyncExitStack()

    async def publish(self, announcements: Sequence[Announcement]) -> None:
        """See `Publisher`."""
        try:
            with _unavailable_when_lost():
                async with self._one_at_a_time, asyncio.timeout(SEND_S):
                    producer = await self._reached()
                    sent = [
                        await producer.send(self._topic, to_json(each)) for each in announcements
                    ]
                    await asyncio.gather(*sent)
        except Unavailable:
            await self.close()
            raise

    async def close(self) -> None:
        """See `Publisher`."""
        self._producer = None
        await self._open.aclose()  # what it still holds is published again

    async def _reached(self) -> AIOKafkaProducer:
        if self._producer is None:
            await _whole(_ensure_topic(self._servers, self._topic))
            producer = AIOKafkaProducer(
                bootstrap_servers=self._servers,
                acks=SAFE,
                request_timeout_ms=REQUEST_MS,
                metadata_max_age_ms=REFRESH_MS,
            )
            await self._open.enter_async_context(_started(producer))
            self._producer = producer
        return self._producer


class _Commits:
    """Commits how far each partition was consumed; never back, whatever order acks come in."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._offsets: dict[TopicPartition, int] = {}

    def delivery(self, place: TopicPartition, offset: int) -> Delivery:
        async def ack() -> None:
            if offset > self._offsets.get(place, 0):
                self._offsets[place] = offset
                # Uncommitted, it is delivered again: a doubled message.
                with suppress(KafkaError):
                    await self._consumer.commit({place: offset})

        return Delivery(ack=ack)


def servers(url: str) -> str:
    """Read `kafka://one:9092,two:9092` into its addresses."""
    return urlsplit(url).netloc


# The client leaves sockets open when it is cancelled while it connects or leaves: let it end that.
_beside_us: set[asyncio.Task[None]] = set()


async def _whole(work: Coroutine[Any, Any, None]) -> None:
    """Await work that goes on to its end when we are cancelled."""
    task = asyncio.create_task(work)
    _beside_us.add(task)
    task.add_done_callback(_beside_us.discard)
    await asyncio.shield(task)


@asynccontextmanager
async def _started(client: AIOKafkaConsumer | AIOKafkaProducer) -> AsyncIterator[None]:
    """Start a client for a block; wait but a moment until it has left."""
    starting = asyncio.create_task(client.start())

    async def stop() -> None:
        await asyncio.wait({starting})
        with suppress(KafkaError):
            await client.stop()

    try:
        await asyncio.shield(starting)
        yield
    finally:
        # Who is still joining a group waits for the others.
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await _whole(stop())


async def _ensure_topic(addresses: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=addresses, request_timeout_ms=REQUEST_MS)
    try:
        await admin.start()
        if topic not in await admin.list_topics():
            # One that another made meanwhile is as good; how it is replicated is the broker's.
            await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    finally:
        await admin.close()


@contextmanager
def _unavailable_when_lost() -> Iterator[None]:
    try:
        yield
    except (KafkaError, OSError, TimeoutError, ValueError) as error:
        raise Unavailable(
            f"Kafka does not answer ({type(error).__name__}); jobs wait in the database, and are "
            "done."
        ) from error

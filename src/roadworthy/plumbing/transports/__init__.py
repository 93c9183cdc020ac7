"""How workers hear of jobs: by PostgreSQL itself, by RabbitMQ, or by Kafka.

A message only says that a job is worth a look. Which job a worker takes, and whether it may, is
decided in PostgreSQL (`jobs.claim`), so order, fairness and retries are the same over each
transport, a doubled message finds nothing left to do, and a lost one is made up for by the look
that idle workers take anyway.
"""

from urllib.parse import urlsplit

from roadworthy.plumbing.settings import Settings
from roadworthy.plumbing.transports.messages import Delivery, Inbox, Publisher, Receiver
from roadworthy.plumbing.transports.postgresql import PostgresReceiver

__all__ = ["Delivery", "Inbox", "Publisher", "Receiver", "publisher", "receiver"]


def receiver(settings: Settings, *, listen_url: str, prefetch: int) -> Receiver:
    """Give what a worker listens to.

    Args:
        listen_url: of the database, for a connection that waits for notifications.
        prefetch: messages that a worker holds at once; others are for other workers.

    Raises:
        Invalid: the library for the broker of `broker_url` is not installed.
    """
    url = _broker(settings)
    if url is None:
        return PostgresReceiver(listen_url)
    if _is_kafka(url):
        from roadworthy.plumbing.transports.kafka import KafkaReceiver  # noqa: PLC0415 - an extra

        return KafkaReceiver(url, topic=settings.broker_queue)
    from roadworthy.plumbing.transports.rabbitmq import RabbitReceiver  # noqa: PLC0415 - an extra

    return RabbitReceiver(url, queue=settings.broker_queue, prefetch=prefetch)


def publisher(settings: Settings) -> Publisher | None:
    """Give what the relay announces jobs by; None: PostgreSQL notifies of them itself.

    Raises:
        Invalid: the library for the broker of `broker_url` is not installed.
    """
    url = _broker(settings)
    if url is None:
        return None
    if _is_kafka(url):
        from roadworthy.plumbing.transports.kafka import KafkaPublisher  # noqa: PLC0415 - an extra

        return KafkaPublisher(url, topic=settings.broker_queue)
    from roadworthy.plumbing.transports.rabbitmq import RabbitPublisher  # noqa: PLC0415 - an extra

    return RabbitPublisher(url, queue=settings.broker_queue)


def _broker(settings: Settings) -> str | None:
    return settings.broker_url.get_secret_value() if settings.broker_url else None


def _is_kafka(url: str) -> bool:
    return urlsplit(url).scheme == "kafka"

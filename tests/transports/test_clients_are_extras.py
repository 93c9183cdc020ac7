"""A broker whose client is not installed is refused by a sentence that names what to install."""

import sys

import pytest

from roadworthy.core.errors import Invalid
from roadworthy.plumbing.settings import load_settings
from roadworthy.plumbing.transports import publisher, receiver

BROKERS = [
    ("amqp://guest:guest@127.0.0.1:1/", "aio_pika", "rabbitmq"),
    ("kafka://127.0.0.1:1", "aiokafka", "kafka"),
]


@pytest.mark.parametrize(("url", "library", "extra"), BROKERS)
def test_a_missing_client_is_named(url, library, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"roadworthy.plumbing.transports.{extra}", raising=False)
    settings = load_settings({"ROADWORTHY_BROKER_URL": url})
    with pytest.raises(Invalid, match=rf"install roadworthy\[{extra}\]"):
        publisher(settings)
    with pytest.raises(Invalid, match=rf"install roadworthy\[{extra}\]"):
        receiver(settings, listen_url="", prefetch=1)


def test_without_a_broker_nothing_is_published():
    assert publisher(load_settings({})) is None

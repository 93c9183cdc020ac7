"""Doctor tells whether the broker can be told of work, and never its password."""

import pytest

from roadworthy.diagnosis.broker import check_broker
from roadworthy.plumbing.settings import load_settings


def checked(url):
    return check_broker(load_settings({"ROADWORTHY_BROKER_URL": url} if url else {}))


def test_without_a_broker_there_is_nothing_to_check():
    assert checked(None) == []


@pytest.mark.parametrize("name", ["rabbitmq", "kafka"])
def test_a_broker_that_answers_is_fine(name, request):
    [check] = checked(request.getfixturevalue(name).url)
    assert (check.name, check.ok) == ("broker", True)


@pytest.mark.parametrize(
    "url", ["amqp://guest:canary@127.0.0.1:{port}/", "amqp://guest:guest@127.0.0.1:{port}/nowhere"]
)
def test_a_password_or_a_virtual_host_that_is_wrong_is_told(url, rabbitmq):
    port = rabbitmq.url.rpartition(":")[2].strip("/")
    [check] = checked(url.format(port=port))
    assert (check.ok, "broker_url" in check.mend) == (False, True)
    assert "canary" not in check.sentence


LONG = "a" * 70


@pytest.mark.parametrize(
    "url",
    [
        "amqp://guest:guest@127.0.0.1:1/",
        "kafka://127.0.0.1:1",
        f"amqp://guest:guest@{LONG}.example/",
        f"kafka://{LONG}.example:9092",
        "amqp://guest:guest@127.0.0.1:1/?heartbeat=often",
    ],
)
def test_a_broker_that_is_away_is_told(url):
    [check] = checked(url)
    assert (check.ok, "broker_url" in check.mend) == (False, True)

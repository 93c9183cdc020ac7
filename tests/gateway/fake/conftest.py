"""One fake provider for these tests."""

import pytest

from tests.fake_provider import running_fake_provider


@pytest.fixture(scope="package")
def provider():
    with running_fake_provider() as running:
        yield running

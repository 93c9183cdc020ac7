"""A command line over a database of each test's own, and a model server on loopback."""

import pytest

from tests.command_line import command_line
from tests.doubles.fake_models import FakeModels, running
from tests.world import DECLARED, words_vector


@pytest.fixture(scope="session")
def models():
    fake = FakeModels(model=DECLARED.model, revision=DECLARED.revision, embed=words_vector)
    with running(fake):
        yield fake


@pytest.fixture
def cli(tmp_path, urls, models):
    return command_line(home=tmp_path, database_url=urls.owner, models_url=models.url)

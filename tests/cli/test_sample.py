"""The sample is loaded once, with the readers of its manifest, and its keys are kept."""

from contextlib import contextmanager

import anyio
import pytest

from roadworthy.cli.sample import prepared_sample
from roadworthy.cli.sample_keys import FOLDER, KEYS_FILE, is_loaded, kept_keys
from roadworthy.corpus.documents import list_documents
from roadworthy.corpus.people import identify, tenant_id

pytestmark = pytest.mark.anyio


@contextmanager
def unseen():
    yield lambda _progress: None


@pytest.fixture
def prepared(cli):
    """What the first start does, with a worker beside it."""
    with cli.running("worker"):
        return prepared_sample(cli.settings, shown=unseen)


async def test_all_of_it_is_searchable_and_each_person_has_a_key_that_stays(
    cli, prepared, database
):
    home = cli.settings.home
    assert is_loaded(home)
    assert (home / KEYS_FILE).stat().st_mode & 0o777 == 0o600
    async with database.as_worker() as conn:
        tenant = await tenant_id(conn, "larkmoor")
    async with database.as_worker(tenant) as conn:
        documents = await list_documents(conn, tenant_id=tenant, limit=500)
    files = [path for path in (FOLDER / "files").rglob("*") if path.is_file()]
    assert len(documents) == len(files) - 1  # the manifest
    assert {document.state for document in documents} == {"ready"}
    board = next(d for d in documents if d.name == "board/project-heron.pdf")
    assert (board.readers, board.clearance) == (["group:board"], 2)
    async with database.as_stranger() as conn:
        caller = await identify(conn, prepared[0].key)
    assert caller.principal.user_id == prepared[0].user
    again = await anyio.to_thread.run_sync(lambda: prepared_sample(cli.settings, shown=unseen))
    assert again == prepared == kept_keys(home)

"""Doctor tells the deletions that have not come to their end."""

from datetime import timedelta

import psycopg
import pytest

from roadworthy.core.clock import now
from roadworthy.core.ids import new_id
from roadworthy.diagnosis.deletions import check_deletions

ADD = """
INSERT INTO deletion_receipt (tenant_id, id, scope, subject, requested_by, requested_at, documents,
                              attachments, stores, erased_at, finished_at)
VALUES (1, %s, %s, '7', 'operator', %s, 1, '{}', '[]', %s, %s)
"""


@pytest.fixture
def receipt(postgres_cluster, urls):
    """Write a receipt of so many minutes ago, tell its id."""

    def write(scope, *, minutes, is_erased=False, is_finished=False):
        at, receipt_id = now() - timedelta(minutes=minutes), new_id()
        row = (receipt_id, scope, at, at if is_erased else None, at if is_finished else None)
        with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner)) as conn:
            conn.execute(ADD, row)
        return str(receipt_id)

    return write


def test_all_is_well_while_none_is_old(urls, receipt):
    receipt("tenant", minutes=1)
    receipt("document", minutes=1, is_erased=True)
    receipt("document", minutes=60, is_erased=True, is_finished=True)
    assert check_deletions(urls).ok


def test_what_waits_for_other_processes_is_named_with_its_mend(urls, receipt):
    written = receipt("document", minutes=6, is_erased=True)
    check = check_deletions(urls)
    assert (check.ok, written in check.sentence, "worker" in check.mend) == (False, True, True)


def test_what_is_only_hidden_comes_first(urls, receipt):
    receipt("document", minutes=9, is_erased=True)
    cut_off = [receipt("corpus", minutes=6) for _ in range(5)]
    check = check_deletions(urls)
    assert not check.ok
    assert f"corpus ({cut_off[0]})" in check.sentence
    assert check.sentence.endswith("and 2 more.")
    assert "run it again" in check.mend

"""A replica that is none is refused by the name of the setting; one that is ill is told."""

from dataclasses import replace

import pytest

from roadworthy.core.errors import Invalid
from roadworthy.diagnosis.database import check_database
from roadworthy.diagnosis.replica import check_replication
from roadworthy.plumbing.settings import load_settings
from tests.conftest import provisioned


def told(urls):
    [check] = [each for each in check_database(urls) if each.name == "replica"]
    return check


def test_a_replica_of_this_database_is_well(urls):
    assert told(urls).ok
    assert [each.ok for each in check_replication(urls)] == [True]


def test_without_one_nothing_is_said_of_it(urls):
    alone = replace(urls, read=None)
    assert "replica" not in {each.name for each in check_database(alone)}
    assert check_replication(alone) == []


def test_another_database_is_refused(urls, standby, postgres_cluster):
    with postgres_cluster.fresh_database() as url:
        other = provisioned(url)
        standby.catch_up()
        check = told(replace(urls, read=other.app))
    assert not check.ok
    assert "database_read_url" in check.sentence


def test_a_dead_one_stops_no_start_and_is_told(urls):
    dead = replace(urls, read="postgresql://roadworthy_app:secret@127.0.0.1:9/none")
    assert told(dead).ok
    [check] = check_replication(dead)
    assert (check.ok, "secret" in check.sentence) == (False, False)


def test_one_that_lags_is_told(urls, standby, superuser):
    with standby.lagging():
        superuser.execute("CREATE TABLE written ()")
        [check] = check_replication(urls, within_s=0.3)
    superuser.execute("DROP TABLE written")
    assert "lacks" in check.sentence


def test_one_that_follows_nobody_is_told(urls):
    [check] = check_replication(replace(urls, read=urls.app))
    assert "follows no primary" in check.sentence


def test_a_missing_trigger_is_told(urls, superuser):
    superuser.execute("ALTER TABLE document DISABLE TRIGGER mark_old")
    check = told(urls)
    superuser.execute("ALTER TABLE document ENABLE TRIGGER mark_old")
    assert "mark_old on document" in check.sentence
    assert told(urls).ok


@pytest.mark.parametrize(
    "login", ["postgres:secret@host/db", "postgres@host/db", "host/db?user=postgres&password=x"]
)
def test_a_login_of_its_own_is_refused(login):
    """It is read as the app role is, so that no other role can slip in."""
    with pytest.raises(Invalid, match="database_read_url") as refused:
        load_settings({"ROADWORTHY_DATABASE_READ_URL": f"postgresql://{login}"})
    assert "secret" not in str(refused.value)

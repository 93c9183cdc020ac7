"""`roadworthy space arrange` does what a worker does that may make partitions."""

import psycopg


def test_it_says_when_all_is_where_it_belongs(cli):
    assert "belong" in cli.run("space", "arrange").stdout


def test_it_says_that_a_worker_is_at_it(cli, urls):
    with psycopg.connect(urls.owner) as conn:
        conn.execute("SELECT pg_advisory_lock(hashtext('roadworthy partitions'))")
        done = cli.run("space", "arrange")
    assert (done.returncode, "worker" in done.stderr) == (6, True)

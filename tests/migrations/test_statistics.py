"""The planner's statistics of what documents hold go, also those that an older version made."""

import shutil

import psycopg
import pytest

from roadworthy.plumbing.migrations import migrate, read_migrations, sql_folder

CANARY = "zyqxstatisticszyqx"
HELD = "SELECT count(*) FROM pg_stats AS each WHERE each::text ~ %s"
DOCUMENT = """
WITH a_tenant AS (INSERT INTO tenant (name, created_at) VALUES ('acme', now()) RETURNING id),
     a_corpus AS (INSERT INTO corpus (tenant_id, name, space_id, created_at)
                  SELECT id, 'main', 1, now() FROM a_tenant RETURNING id),
     an_acl AS (INSERT INTO acl (tenant_id, grants_hash) SELECT id, '' FROM a_tenant RETURNING id)
INSERT INTO document (tenant_id, id, corpus_id, acl_id, owner, name, title, media_type, language,
                      metadata, version, state, problem, created_at, updated_at)
SELECT a_tenant.id, gen_random_uuid(), a_corpus.id, an_acl.id, 'ana', number, '', '', 'en', '{}', 0,
       'failed', %s, now(), now()
  FROM a_tenant, a_corpus, an_acl, generate_series(1, 10) AS number
"""
SPACE = """
INSERT INTO embedding_space (name, model, revision, dimension, normalised, query_prefix,
                             passage_prefix, languages, probe_texts, probe_vectors, created_at)
VALUES ('words', 'words', '1', 1, true, '', '', '{}', '{}', '', now())
"""


@pytest.fixture
def first_version(tmp_path):
    """The migrations from before any statistics were turned off for problems."""
    (tmp_path / "migrations").mkdir()
    for migration in read_migrations(sql_folder()):
        if migration.number is not None and migration.number < 5:
            shutil.copy(sql_folder() / "migrations" / migration.name, tmp_path / "migrations")
    return tmp_path


def held(superuser_url) -> int:
    """Count statistics with the canary; an owner is not shown those of guarded tables."""
    with psycopg.connect(superuser_url) as conn:
        return conn.execute(HELD, [CANARY]).fetchone()[0]


def test_what_an_older_version_has_made_is_dropped(empty_database, first_version, postgres_cluster):
    superuser = postgres_cluster.superuser_url_of(empty_database)
    migrate(empty_database, progress=lambda _: None, folder=first_version)
    with psycopg.connect(empty_database, autocommit=True) as conn:
        conn.execute(SPACE)
        conn.execute(DOCUMENT, [CANARY])
        conn.execute("ANALYZE document")
    assert held(superuser) == 1
    migrate(empty_database, progress=lambda _: None)
    assert held(superuser) == 0

"""What marks changes of a tenant is as this version has it, whichever version the database had."""

import psycopg

from roadworthy.plumbing.migrations import migrate

TRIGGERS = """
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname IN ('mark_new', 'mark_old') ORDER BY 1
"""
OLDER = """
DROP TRIGGER mark_new ON document;
CREATE CONSTRAINT TRIGGER mark_new AFTER INSERT ON document DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION mark_contents();
UPDATE schema_migration SET checksum = 'of an older one' WHERE name = 'repeatable/replicas.sql';
"""


def test_a_trigger_of_an_older_version_is_replaced(fresh_database):
    with psycopg.connect(fresh_database, autocommit=True) as owner:
        made = owner.execute(TRIGGERS).fetchall()
        owner.execute(OLDER)
        assert owner.execute(TRIGGERS).fetchall() != made
        assert migrate(fresh_database, progress=lambda _: None) == ["repeatable/replicas.sql"]
        assert owner.execute(TRIGGERS).fetchall() == made

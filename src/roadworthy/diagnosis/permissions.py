"""Checks of row-level security: that the roles are bound by it, and that it is all there."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

import psycopg
from psycopg import sql
from psycopg.rows import dict_row, scalar_row

from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.plumbing.migrations import sql_folder
from roadworthy.plumbing.postgres_data import OWNER

MEND = "Run `roadworthy migrate`; if that finds nothing to do, restore what was changed by hand."
# Membership counts like the right itself: SET ROLE leads there.
ROLE = """
SELECT current_user AS name,
       pg_has_role(current_user, %(role)s, 'USAGE') AS is_role,
       pg_has_role(current_user, %(not_role)s, 'MEMBER') AS is_other,
       EXISTS (SELECT FROM pg_roles AS r
                WHERE r.rolsuper AND pg_has_role(current_user, r.oid, 'MEMBER')) AS is_superuser,
       EXISTS (SELECT FROM pg_roles AS r
                WHERE r.rolbypassrls AND pg_has_role(current_user, r.oid, 'MEMBER')) AS bypasses,
       EXISTS (SELECT FROM pg_class AS c
                WHERE c.relnamespace = 'public'::regnamespace
                  AND pg_has_role(current_user, c.relowner, 'MEMBER')) AS is_owner
"""
TENANT_TABLES = """
SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS is_forced
  FROM pg_class AS c
 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
   AND (c.relname = 'tenant'
        OR EXISTS (SELECT FROM pg_attribute AS a
                    WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped))
 ORDER BY c.relname
"""
# Written as pg_dump writes it, so that it can be compared with sql/schema.sql. The owner has
# another name in each installation.
POLICIES = """
SELECT concat('CREATE POLICY ', quote_ident(p.polname), ' ON public.', quote_ident(c.relname),
              CASE WHEN NOT p.polpermissive THEN ' AS RESTRICTIVE' END,
              CASE p.polcmd WHEN 'r' THEN ' FOR SELECT' WHEN 'a' THEN ' FOR INSERT'
                            WHEN 'w' THEN ' FOR UPDATE' WHEN 'd' THEN ' FOR DELETE' END,
              ' TO ' || (
                  SELECT string_agg(CASE WHEN r.oid = c.relowner THEN %(owner)s
                                         ELSE quote_ident(r.rolname) END, ', ' ORDER BY r.rolname)
                    FROM pg_roles AS r WHERE r.oid = ANY (p.polroles)),
              ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
              ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
  FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
 WHERE c.relnamespace = 'public'::regnamespace
"""
MAY_READ = "SELECT has_table_privilege(current_user, %(name)s, 'SELECT')"
STATEMENT = re.compile(r"^CREATE POLICY .*?;$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"CREATE POLICY (\S+) ON public\.(\S+)")


def check_role(conn: psycopg.Connection, *, role: str, not_role: str, setting: str) -> Check:
    """Check that `conn`, by the url of `setting`, is bound by row-level security and is one role.

    It may not be the other role as well.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        [found] = cursor.execute(ROLE, {"role": role, "not_role": not_role}).fetchall()
    faults = {
        "is_superuser": "is a superuser, whom no policy binds",
        "bypasses": "has BYPASSRLS, so no policy binds it",
        "is_owner": "owns tables, so it could switch their policies off",
        "is_other": f"may act as {not_role} too",
    }
    for fault, sentence in faults.items():
        if found[fault]:
            return wrong(
                "roles",
                f"The role {found['name']} {sentence}.",
                f"In {setting}, name a role that is a member of {role} and of nothing else.",
            )
    if not found["is_role"]:
        return wrong(
            "roles", f"The role {found['name']} is no {role}.", f"GRANT {role} TO {found['name']}."
        )
    return fine("roles", f"{found['name']} is neither owner, superuser nor BYPASSRLS.")


def check_tables(conn: psycopg.Connection) -> Check:
    """Check that each table with a tenant has row-level security that binds its owner too."""
    with conn.cursor(row_factory=dict_row) as cursor:
        tables = cursor.execute(TENANT_TABLES).fetchall()
    unforced = [table["name"] for table in tables if not table["is_forced"]]
    if unforced:
        names = ", ".join(unforced)
        return wrong("row-level security", f"It is not forced on the table {names}.", MEND)
    return fine("row-level security", f"It is forced on all {len(tables)} tables of tenants.")


def check_policies(conn: psycopg.Connection) -> Check:
    """Check that the policies are those of this version: none dropped, changed or added."""
    path = sql_folder() / "schema.sql"
    if not path.is_file():
        return wrong("policies", f"{path} is missing.", "Install Roadworthy again.")
    expected = Counter(_normal(found) for found in STATEMENT.findall(path.read_text("utf-8")))
    actual = Counter(_normal(found) for found in _policies(conn))
    if expected == actual:
        return fine("policies", f"All {expected.total()} policies are as this version made them.")
    named = sorted({_named(statement) for statement in (expected - actual) + (actual - expected)})
    return wrong("policies", f"Not as this version made it: the policy {', '.join(named)}.", MEND)


def check_rows(conn: psycopg.Connection, *, role: str, open_tables: Collection[str]) -> Check:
    """Check that who has not said for whom he speaks sees no row of any tenant."""
    with conn.cursor(row_factory=dict_row) as cursor:
        tables = [row["name"] for row in cursor.execute(TENANT_TABLES).fetchall()]
    seen = [name for name in tables if name not in open_tables and _sees_rows(conn, name)]
    if seen:
        return wrong("no context", f"{role} sees rows of {', '.join(seen)} without a tenant.", MEND)
    return fine("no context", f"{role} sees no rows until a tenant is named.")


def _policies(conn: psycopg.Connection) -> Sequence[str]:
    with conn.transaction(), conn.cursor(row_factory=scalar_row) as cursor:
        cursor.execute("SET LOCAL search_path = ''")  # as pg_dump does: names are then qualified
        return cursor.execute(POLICIES, {"owner": OWNER}).fetchall()


def _sees_rows(conn: psycopg.Connection, table: str) -> bool:
    with conn.cursor(row_factory=scalar_row) as cursor:
        if not cursor.execute(MAY_READ, {"name": table}).fetchone():
            return False
        look = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(table))
        return bool(cursor.execute(look).fetchone())


def _normal(statement: str) -> str:
    return " ".join(statement.rstrip(";").split())


def _named(statement: str) -> str:
    match = NAMED.match(statement)
    return f"{match[1]} on {match[2]}" if match else statement

"""The house rules that a machine can see hold in every module."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from roadworthy.api.problems import STATUS, TITLES
from roadworthy.cli.exits import EXIT_CODES
from roadworthy.core.errors import RoadworthyError

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "roadworthy"
MODULES = sorted(SOURCE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text("utf-8")) for path in MODULES}
SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\s")
LAST_RESORTS = {
    "api/threshold.py", "cli/main.py", "worker/loops.py", "worker/questions.py",
    "traces/recorder.py",  # what is not recorded no budget hears of
}  # fmt: skip
FOREIGN = {"gateway/bedrock.py"}  # a library lets through what its files and programs lead to
VERDICTS = {"guardrails/looking.py"}  # a guard that raises, whatever it raises, has not checked
KINDS = {"invalid", "missing", "conflict", "refused", "busy", "unavailable"}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "manager", "misc"}


def told(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def found(kind: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield told(path), node


def kinds(error: type[RoadworthyError] = RoadworthyError) -> set[str]:
    own = {error.kind} if "kind" in vars(error) else set()
    return own.union(*(kinds(each) for each in error.__subclasses__()))


def test_only_settings_read_the_environment():
    readers = {
        path
        for path, node in found(ast.Attribute)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in {"environ", "getenv", "environb"}
    }
    imported = {
        path
        for path, node in found(ast.ImportFrom)
        if isinstance(node, ast.ImportFrom)
        and node.module == "os"
        and {alias.name for alias in node.names} & {"environ", "getenv"}
    }
    assert readers | imported == {"plumbing/settings.py"}


def test_everything_is_caught_in_last_resorts_by_guards_and_of_libraries_alone():
    caught = {
        path
        for path, node in found(ast.ExceptHandler)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "(Exception,)"})
    }
    assert caught <= LAST_RESORTS | VERDICTS | FOREIGN


def test_nobody_swallows_what_is_no_exception():
    """BaseException may be looked at on its way, but goes on; line.py gives it to its future."""
    for path, node in found(ast.ExceptHandler):
        assert isinstance(node, ast.ExceptHandler)
        if path == "gateway/engine/line.py" or node.type is None:
            continue
        if "BaseException" in ast.unparse(node.type):
            assert any(isinstance(each, ast.Raise) for each in ast.walk(node)), path


def test_no_module_is_a_drawer():
    assert {path.stem for path in MODULES} & FORBIDDEN_NAMES == set()


def test_every_module_says_what_it_is_for():
    assert [told(path) for path, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_no_sql_is_put_together_from_values():
    """An f-string may name a table of ours; a value is always a parameter."""
    suspicious = {
        f"{path}:{node.lineno}"
        for path, node in found(ast.JoinedStr)
        if isinstance(node, ast.JoinedStr)
        and SQL.search("".join(p.value for p in node.values if isinstance(p, ast.Constant)))
    }
    assert suspicious == set()


def test_percent_signs_build_no_sql():
    built = [
        f"{path}:{node.lineno}"
        for path, node in found(ast.BinOp)
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mod)
        and isinstance(node.left, ast.Constant)
        and isinstance(node.left.value, str)
        and SQL.search(node.left.value)
    ]
    assert built == []


def test_no_query_takes_every_column():
    for path in MODULES:
        stars = re.findall(
            r"SELECT\s+\*|\b(?!piece|entry)\w+\.\*,?\s+FROM", path.read_text("utf-8")
        )
        assert stars == [], told(path)


def test_every_table_of_a_tenant_is_in_the_list_of_policies():
    migrations = "\n".join(
        path.read_text("utf-8") for path in sorted((ROOT / "sql" / "migrations").glob("*.sql"))
    )
    bodies = re.findall(r"CREATE TABLE (\w+) \(\n(.*?)\n\);", migrations, re.DOTALL)
    with_tenant = {
        name for name, body in bodies if re.search(r"^\s+tenant_id\s", body, re.MULTILINE)
    }
    policies = (ROOT / "sql" / "repeatable" / "permissions.sql").read_text("utf-8")
    first = re.search(r"FOREACH name IN ARRAY ARRAY\[(.*?)\]", policies, re.DOTALL)
    assert first
    assert with_tenant == set(re.findall(r"'(\w+)'", first[1]))


def test_every_kind_of_error_is_known_at_the_doors():
    assert kinds() == KINDS
    assert set(STATUS) == KINDS == set(EXIT_CODES)
    assert set(TITLES) >= KINDS

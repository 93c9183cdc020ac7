"""A set of questions may call a document by its name or by the last part of it, if that is one."""

import pytest

from roadworthy.corpus.access import access
from roadworthy.corpus.naming import names_of

pytestmark = pytest.mark.anyio


async def names(world, *called, **who):
    async with world.database.read_as(world.person(**who)) as conn:
        return await names_of(conn, called, tenant_id=world.tenant_id, corpus_id=world.corpus.id)


@pytest.fixture
async def filled(world):
    for name in ("a/b.md", "a/c.d/e.tar.gz", "f", "left/g.md", "right/g.md", "h/f", "%.md"):
        await world.upload(name, f"It says {name}")
    await world.upload("a/b.md", "Another of this name", owner="eve", readers=access(groups=["hr"]))
    await world.upload("secret/s.md", "Hidden", readers=access(groups=["hr"]))
    return world


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("a/b.md", "a/b.md"),
        ("b.md", "a/b.md"),
        ("b", "a/b.md"),
        ("e.tar", "a/c.d/e.tar.gz"),
        ("f", "f"),  # though another ends so
        ("%", "%.md"),
        ("g", None),
        ("g.md", None),
        ("s", None),
        ("", None),
        ("a", None),
    ],
)
async def test_a_document_is_found_by_what_it_is_called(filled, called, name):
    assert await names(filled, called) == ({called: name} if name else {})


async def test_several_are_found_at_once_and_by_who_may_see_them(filled):
    found = await names(filled, "b", "f", "s", "nothing", groups={"hr"})
    assert found == {"b": "a/b.md", "f": "f", "s": "secret/s.md"}
    assert await names(filled) == {}

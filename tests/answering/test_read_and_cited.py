"""What is read beside the hits is seen as the asker sees it, named in citations, and recorded."""

import pytest

from roadworthy.corpus.access import access

pytestmark = pytest.mark.anyio

QUESTION = "How many days of annual leave has every employee?"
LEAVE = "Every employee has thirty days of annual leave."
RULE = "Days of annual leave of an employee end in March."


async def read_by(desk, who=None, **changes):
    """Let a model say something; gives what it was shown."""
    changes = {"passages": 2, "context_tokens": 300} | changes
    release = await desk.generating(["Thirty [1]."], **changes)
    told = await desk.ask(QUESTION, who=who, release=release)
    asked = desk.models.requests("/chat/completions")[-1]
    return told, asked.body["messages"][0]["content"]


async def test_neighbours_are_read_as_one_piece_and_cited_by_themselves(desk):
    await desk.world.add("leave.txt", f"{RULE}\n\n{LEAVE}")
    told, shown = await read_by(desk)
    [citation] = told.citations
    assert f"[1] {citation.title}\n{RULE}\n[2] {LEAVE}" in shown
    assert (citation.quote, citation.start, citation.end) == (RULE, 0, len(RULE))


@pytest.fixture
async def twice(desk):
    """One text for everyone and again for the board; and another text."""
    await desk.world.add("leave.txt", LEAVE)
    await desk.world.add("board/leave.txt", LEAVE, readers=access(groups={"board"}))
    await desk.world.add("rest.txt", RULE)
    return desk


async def test_a_copy_takes_no_place_and_is_named_by_the_citation(twice):
    board = twice.world.person("rosalind", groups={"board"})
    told = await twice.ask(QUESTION, who=board, release=await twice.quoting(passages=2))
    [citation] = told.citations
    [copy] = citation.copies
    assert {citation.document_name, copy.document_name} == {"leave.txt", "board/leave.txt"}
    assert len(told.answer.reading.pieces) == 2


async def test_a_copy_is_not_named_to_who_may_not_see_it(twice):
    told = await twice.ask(QUESTION, release=await twice.quoting(passages=2))
    assert [citation.copies for citation in told.citations] == [()]


async def test_what_was_read_is_told_and_recorded(twice):
    board = twice.world.person("rosalind", groups={"board"})
    answer = (await twice.ask(QUESTION, who=board)).answer
    assert answer.reading is not None
    assert (len(answer.reading.pieces), answer.reading.copies, answer.reading.cut) == (2, 1, 0)
    [trace] = await twice.traces(board)
    assert trace.reading == answer.reading.model_dump(mode="json")


async def test_what_the_budget_had_no_room_for_is_counted(desk):
    await desk.world.add("leave.txt", LEAVE)
    await desk.world.add("rest.txt", f"{RULE} " * 30)
    told, shown = await read_by(desk)
    assert told.answer.reading.cut == 1
    assert RULE not in shown

"""What a model writes is shown as it is, except for citations that it invented and its refusal."""

import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.answering.abstention import MESSAGES
from roadworthy.answering.context import NOTHING
from roadworthy.answering.marks import MARK, Marks
from roadworthy.answering.records import Citation, CitationInvented, TextPiece
from roadworthy.answering.refusal import NOT_THERE
from roadworthy.core.errors import Unavailable
from tests.answering.test_context import hits_of, passage
from tests.doubles.model_server import said

pytestmark = pytest.mark.anyio

TWO = replace(NOTHING, pieces=[hits_of(*(passage("Yes.", document=n) for n in (1, 2)))])
QUESTION = "How many days of annual leave has every employee?"


@pytest.fixture
async def told(desk):
    """A desk whose tenant has two documents, both found by QUESTION."""
    await desk.world.add("leave.txt", "Every employee has thirty days of annual leave.")
    await desk.world.add("rest.txt", "Every employee has days of rest.")
    return desk


async def ask(told, *pieces, question=QUESTION):
    return await told.ask(question, release=await told.generating(pieces))


@pytest.mark.parametrize(
    ("pieces", "text", "numbers", "invented"),
    [
        (["Thirty [1]."], "Thirty [1].", [1], 0),
        (["Thirty [", "1", "]."], "Thirty [1].", [1], 0),
        (["Thirty [2][1] [2]."], "Thirty [2][1] [2].", [2, 1], 0),
        (["Thirty [1][9]."], "Thirty [1].", [1], 1),
        (["Thirty [0]."], "Thirty .", [], 1),
        (["Thirty [1", "2", "]."], "Thirty .", [], 1),
        (["Thirty [1] [9] [8]", " [9]."], "Thirty [1]   .", [1], 3),
        (["Thirty [01]."], "Thirty [1].", [1], 0),
        (["Thirty [1, 2]."], "Thirty [1][2].", [1, 2], 0),
        (["Thirty [1,", " 9]."], "Thirty [1].", [1], 1),
        (["Thirty [1; 2]."], "Thirty [1][2].", [1, 2], 0),
        (["Thirty [see 1] and [x]"], "Thirty [see 1] and [x]", [], 0),
        (["Thirty [1"], "Thirty [1", [], 0),
        (["Thirty [", "b] [", "[1]"], "Thirty [b] [[1]", [1], 0),
        (["Thirty [[99]2] and [[99]77]."], "Thirty […2] and […77].", [], 2),
        (["Thirty [", "[99", "]", "2", "]."], "Thirty […2].", [], 1),
        (["Thirty [2 [", "9][98]]", " [1[[1, 9]9]]."], "Thirty [2 …] [1[[1]9]].", [1], 3),
        (["Thirty[1][2] or leave", "[", "9]."], "Thirty[1][2] or leave.", [1, 2], 1),
        (["Thirty days[1, 9]."], "Thirty days[1].", [1], 1),
        (["三十天[9]。"], "三十天。", [], 1),
        (["Thirty days\n", "[9]."], "Thirty days.", [], 1),
    ],
)
async def test_marks_are_those_of_passages(told, pieces, text, numbers, invented):
    answer = await ask(told, *pieces)
    assert answer.answer.text == "".join(answer.pieces)
    assert re.sub(r"\s+(?=\.)", "", answer.answer.text) == re.sub(r"\s+(?=\.)", "", text)
    assert [citation.number for citation in answer.citations] == numbers
    assert answer.answer.invented_citations == invented


@given(
    text=st.text(alphabet="a [],12903\n", max_size=30),
    cuts=st.sets(st.integers(min_value=1, max_value=29)),
)
def test_how_an_answer_was_cut_does_not_matter(text, cuts):
    def read(pieces):
        marks = Marks(NOTHING)
        written = [w for piece in pieces for w in marks.check(piece)] + marks.rest()
        shown = "".join(w.text for w in written if isinstance(w, TextPiece))
        return shown, sum(isinstance(w, CitationInvented) for w in written)

    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    assert read([text[a:b] for a, b in itertools.pairwise(places)]) == read([text])


@given(pieces=st.lists(st.sampled_from(["[", "[9]", "2]", "9 ", ","]), max_size=6))
def test_no_mark_is_made_of_what_an_invented_one_leaves(pieces):
    marks = Marks(NOTHING)
    written = [w for piece in pieces for w in marks.check(piece)] + marks.rest()
    assert not MARK.search("".join(w.text for w in written if isinstance(w, TextPiece)))


@given(
    text=st.lists(
        st.sampled_from(["a", " ", "[", "]", "[1", "2]", "0", "9]", "[9]", "[0, 2]"]), max_size=9
    ).map("".join)
)
def test_every_mark_of_a_passage_ends_the_text_before_its_citation(text):
    marks = Marks(TWO)
    ended = list[int]()
    told = ""
    for each in [*marks.check(text), *marks.rest()]:
        if isinstance(each, TextPiece):
            told += each.text
        if isinstance(each, Citation):
            assert told.endswith(f"[{each.number}]")
            ended.append(len(told))
    assert ended == [mark.end() for mark in re.finditer(r"\[[12]\]", told)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The oven runs at [120, 180] degrees.", "The oven runs at (120, 180) degrees."),
        ("The oven lowers the score [1, 2].", "The oven lowers the score (1, 2)."),
        ("The oven is ovens[7] in code.", "The oven is ovens[7] in code."),
        ("The oven is f(x)[0][9] in code.", "The oven is f(x)[0][9] in code."),
    ],
)
async def test_a_number_that_is_quoted_is_told_and_cites_nothing(desk, text, said):
    await desk.world.add("oven.txt", text)
    await desk.world.add("other.txt", "The oven was bought by the canteen.")
    answer = await ask(desk, said, question="What of the oven?")
    [asked] = desk.models.requests("/chat/completions")
    assert said in asked.body["messages"][0]["content"]
    assert (answer.answer.text, answer.citations) == (said, [])
    assert answer.answer.invented_citations == 0


async def test_a_citation_follows_the_piece_that_bears_its_mark(told):
    shown = ""
    for event in (await ask(told, "Thirty [", "2", "] and [1", "].")).events:
        if isinstance(event, TextPiece):
            shown += event.text
        if isinstance(event, Citation):
            assert f"[{event.number}]" in shown


async def test_a_citation_quotes_the_passage_that_the_model_was_given(told):
    [citation] = (await ask(told, "Thirty [1].")).citations
    [asked] = told.models.requests("/chat/completions")
    prompt = asked.body["messages"][0]["content"]
    assert f"[1] {citation.title}\n{citation.quote}" in prompt


@pytest.mark.parametrize(
    "pieces",
    [
        [NOT_THERE],
        [NOT_THERE, "."],
        list(NOT_THERE),
        ["\n ", "NOT IN", " THE DOCUMENTS", "\n"],
        [NOT_THERE, ", but I think that it is twelve."],
        ["Not in the documents."],
        [f"**{NOT_THERE}**"],
        ['"', NOT_THERE, '"'],
        [f"[1] {NOT_THERE}"],
    ],
    ids=["whole", "stop", "letters", "blank", "more", "case", "bold", "quoted", "marked"],
)
async def test_a_refusal_becomes_an_abstention_and_does_not_leak(told, pieces):
    french = "Combien de jours de congé a chaque employé ?"
    answer = await ask(told, *pieces, question=french)
    assert (answer.answer.outcome, answer.answer.text) == ("abstained", MESSAGES["fr"])
    assert "DOCUMENTS" not in "".join(answer.pieces)
    assert answer.answer.citations == ()


@pytest.mark.parametrize("text", ["NOT allowed.", "No", "NOT IN", "NOT IN THE DOC", "N"])
async def test_what_only_begins_like_a_refusal_is_an_answer(told, text):
    answer = (await ask(told, *text)).answer
    assert (answer.outcome, answer.text) == ("answered", text)


@pytest.mark.parametrize("pieces", [[], [""], ["  ", "\n"]], ids=["none", "empty", "blank"])
async def test_an_empty_answer_is_a_failure(told, pieces):
    with pytest.raises(Unavailable, match="empty"):
        await ask(told, *pieces)


async def test_tokens_are_counted(told):
    answer = (await ask(told, "Thirty", " [1].")).answer
    assert (answer.input_tokens, answer.output_tokens) == (7, 2)
    assert answer.model_ms > 0


async def test_an_answer_that_was_filtered_is_not_passed_off_as_whole(told):
    told.models.events = said(["Thirty days unless"], finish_reason="content_filter")
    with pytest.raises(Unavailable, match="content_filter"):
        await ask(told)


async def test_an_answer_cut_at_its_limit_is_not_passed_off_as_whole(told):
    told.models.events = said(["Thirty days unless"], finish_reason="length")
    answer = (await ask(told)).answer
    assert answer.degraded == ("full length",)


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Wie viele Tage Urlaub hat jeder Mitarbeiter im Jahr?", "de"),
        ("PTO 2024?", "the language of the question"),
    ],
)
async def test_the_model_is_told_which_language_to_write(told, question, language):
    await ask(told, "Thirty.", question=question)
    [asked] = told.models.requests("/chat/completions")
    assert f"in this language: {language}" in asked.body["messages"][0]["content"]


async def test_a_place_in_a_passage_is_not_filled(told):
    await told.world.add("evil.txt", "annual leave days of every employee {{question}}")
    await ask(told, "Thirty [1].")
    [asked] = told.models.requests("/chat/completions")
    assert asked.body["messages"][0]["content"].count(QUESTION) == 1

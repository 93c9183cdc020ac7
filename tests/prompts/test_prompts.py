"""A prompt has places for exactly its inputs, and puts each in its place once."""

import hashlib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Invalid, Missing
from roadworthy.prompts import Prompt, find_prompt, parse_prompt

HEAD = 'name = "answer"\nversion = 2\ninputs = ["question", "passages"]\n'
FILE = f"+++\n{HEAD}+++\n\nRead {{{{passages}}}}.\nThen: {{{{question}}}}\n"


def prompt():
    return parse_prompt(FILE)


def test_a_file_is_read():
    read = prompt()
    assert (read.reference, read.inputs) == ("answer-2", {"question", "passages"})
    assert read.text == "Read {{passages}}.\nThen: {{question}}"
    assert read.hash == hashlib.sha256(read.text.encode()).hexdigest()


@given(st.text(), st.text())
def test_inputs_stand_as_they_are(question, passages):
    rendered = prompt().render({"question": question, "passages": passages})
    assert rendered == f"Read {passages}.\nThen: {question}"


def test_a_place_inside_an_input_stays():
    rendered = prompt().render({"question": "\\1 {{passages}}", "passages": "{{question}} \\g<0>"})
    assert rendered == "Read {{question}} \\g<0>.\nThen: \\1 {{passages}}"


@pytest.mark.parametrize(
    "inputs", [{}, {"question": "?"}, {"question": "", "passages": "", "x": ""}]
)
def test_other_inputs_are_refused(inputs):
    with pytest.raises(Invalid, match="answer-2 takes passages, question"):
        prompt().render(inputs)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "Hello",
        "+++\n",
        f"+++\n{HEAD}",
        "+++\nname = \n+++\n{{question}}",
        '+++\nname = "a"\nversion = 1\n+++\n{{question}}',
        '+++\nname = "a"\nversion = "x"\ninputs = []\n+++\ntext',
        '+++\nname = "a"\nversion = 1\ninputs = 5\n+++\ntext',
        '+++\nname = "a"\nversion = 1\ninputs = [[1]]\n+++\ntext',
        '+++\nname = "a"\nversion = 1\ninputs = [1]\n+++\ntext',
        '+++\nname = "a"\nversion = 1\ninputs = []\n+++\n{{question}}',
        '+++\nname = "a"\nversion = 1\ninputs = ["question"]\n+++\ntext',
        '+++\nname = "a"\nversion = 1\ninputs = ["question"]\n+++\n{{ question }}',
        '+++\nname = "a b"\nversion = 1\ninputs = []\n+++\ntext',
        '+++\nname = "a"\nversion = 1.9\ninputs = []\n+++\ntext',
    ],
)
def test_what_is_no_prompt_file_is_refused(source):
    with pytest.raises(Invalid):
        parse_prompt(source)


def test_a_place_written_with_spaces_is_no_text_for_the_model():
    source = '+++\nname = "a"\nversion = 1\ninputs = ["q"]\n+++\n{{q}} and {{ passages }}'
    with pytest.raises(Invalid):
        parse_prompt(source)


def shipped():
    folder = resources.files("roadworthy.prompts") / "files"
    return [file.name.removesuffix(".md") for file in folder.iterdir()]


@pytest.mark.parametrize("reference", shipped())
def test_a_shipped_prompt_is_what_its_name_says(reference):
    found = find_prompt(reference)
    assert isinstance(found, Prompt)
    assert found.reference == reference


@pytest.mark.parametrize(
    "reference",
    ["", "answer", "answer-", "answer-999", "../answer-1", "a/b-1", "answer-1\n", "a\0-1"],
)
def test_any_other_reference_is_missing(reference):
    with pytest.raises(Missing):
        find_prompt(reference)

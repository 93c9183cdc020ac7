"""Columns are read one after the other, table rows stay together, in whatever order a file has."""

import hashlib

import pytest

from roadworthy.ingestion.parse import parse
from tests.ingestion.files import blank_pdf, placed

LEFT = [(10, 25 + 5 * i, f"Left line {i} goes about the first column here.") for i in range(30)]
RIGHT = [(110, 25 + 5 * i, f"Right line {i} speaks of the second one there.") for i in range(30)]
HEADING = (10, 12, "A long heading that goes across the whole page above both of the columns there")
TABLE = [("City", "Limit", "Notes"), ("Paris", "150", "breakfast"), ("Rome", "", "in winter")]


def text_of(pdf):
    return parse(pdf, name="a.pdf").text


def shuffled(*texts):
    return sorted(texts, key=lambda each: hashlib.sha256(each[2].encode()).digest())


@pytest.mark.parametrize(
    "written",
    [
        [HEADING, *LEFT, *RIGHT],
        [*RIGHT, *LEFT, HEADING],
        [HEADING, *(each for pair in zip(LEFT, RIGHT, strict=True) for each in pair)],
        shuffled(HEADING, *LEFT, *RIGHT),
    ],
    ids=["as-read", "backwards", "row-by-row", "shuffled"],
)
def test_columns_are_read_one_after_the_other(written):
    lines = [line for line in text_of(placed(*written)).splitlines() if line]
    assert lines == [text for _, _, text in (HEADING, *LEFT, *RIGHT)]


def test_a_heading_between_columns_stays_between():
    middle = (
        10,
        103,
        "A second heading from the left edge of the page to the right edge of it ...",
    )
    above = [each for each in LEFT + RIGHT if each[1] < 100]
    below = [(x, y + 8, text) for x, y, text in LEFT + RIGHT if y >= 100]
    lines = text_of(placed(*below, *above, middle)).splitlines()
    at = lines.index(middle[2])
    assert {text for _, _, text in above} == {line for line in lines[:at] if line}


def test_three_columns_are_read_in_order():
    columns = [
        [(x, 20 + 5 * i, f"Word {i} of column {name} as told") for i in range(20)]
        for x, name in ((10, "one"), (75, "two"), (140, "three"))
    ]
    rows = [each for row in zip(*columns, strict=True) for each in row]
    lines = [line for line in text_of(placed(*rows)).splitlines() if line]
    assert lines == [text for column in columns for _, _, text in column]


def test_a_table_row_stays_together_and_an_empty_cell_keeps_its_column():
    file = blank_pdf()
    with file.table() as table:
        for row in TABLE:
            table.row(row)
    lines = text_of(bytes(file.output())).splitlines()
    assert lines == [
        "| City | Limit | Notes |",
        "| Paris | 150 | breakfast |",
        "| Rome |  | in winter |",
    ]


def test_cells_of_a_table_are_no_columns_of_prose():
    cells = [
        (x, 20 + 6 * i, f"{name} {i}")
        for i in range(12)
        for x, name in ((10, "left"), (120, "right"))
    ]
    lines = text_of(placed(*cells)).splitlines()
    assert lines == [f"| left {i} | right {i} |" for i in range(12)]


def test_a_list_with_bullets_is_no_table():
    items = [
        each for i in range(5) for each in ((10, 20 + 5 * i, "-"), (16, 20 + 5 * i, f"Item {i}"))
    ]
    assert "|" not in text_of(placed(*items))


def test_lines_far_apart_are_paragraphs():
    assert text_of(placed((10, 20, "One."), (10, 24, "Still one."), (10, 40, "Two."))) == (
        "One.\nStill one.\n\nTwo."
    )


def test_text_that_runs_upwards_comes_after_the_page():
    file = blank_pdf()
    with file.rotation(90, x=10, y=100):
        file.text(10, 100, "Draft of May")
    file.set_xy(30, 20)
    file.cell(text="The text of the page itself.")
    assert text_of(bytes(file.output())) == "The text of the page itself.\n\nDraft of May"


def test_a_page_that_lies_on_its_side_is_read_like_another():
    file = blank_pdf()
    with file.rotation(90, x=100, y=100):
        file.text(40, 100, "First line of it")
        file.text(40, 105, "second line of it")
    assert text_of(bytes(file.output())) == "First line of it\nsecond line of it"

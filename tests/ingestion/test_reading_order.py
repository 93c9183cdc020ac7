"""Columns are read one after the other, table rows stay together, in whatever order a file has."""

import hashlib
import time

import pytest

from roadworthy.ingestion import reading_order
from roadworthy.ingestion.parse import parse
from roadworthy.ingestion.reading_order import arranged
from roadworthy.ingestion.runs import Run
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


def test_labels_and_values_far_apart_stay_rows():
    rows = [
        each
        for i in range(8)
        for each in (
            (10, 20 + 10 * i, f"Name of the policy holder {i}:"),
            (110, 20 + 10 * i, f"Maria Elena Garcia Lopez {i}"),
        )
    ]
    lines = [line for line in text_of(placed(*rows)).splitlines() if line]
    assert lines == [
        f"| Name of the policy holder {i}: | Maria Elena Garcia Lopez {i} |" for i in range(8)
    ]


def test_answers_of_several_lines_stay_beside_their_questions():
    rows = []
    for i in range(5):
        top = 20 + 20 * i
        rows += [(10, top + 4 * n, f"Question {i} goes on in line {n} of it") for n in range(2)]
        rows += [(110, top + 4 * n, f"Answer {i} goes on in line {n} of it so") for n in range(3)]
    text = text_of(placed(*rows))
    at = [text.index(f"{kind} {i} ") for i in range(5) for kind in ("Question", "Answer")]
    assert at == sorted(at)


def test_a_table_below_two_columns_keeps_its_rows():
    below = [
        (x, 190 + 6 * i, f"{name} {i}")
        for i in range(6)
        for x, name in ((10, "Item"), (60, "Colour"), (110, "Size"), (160, "Price"))
    ]
    lines = [line for line in text_of(placed(*LEFT, *RIGHT, *below)).splitlines() if line]
    assert lines == [
        *(text for _, _, text in (*LEFT, *RIGHT)),
        *(f"| Item {i} | Colour {i} | Size {i} | Price {i} |" for i in range(6)),
    ]


def test_columns_of_a_script_from_the_right_are_read_from_the_right():
    runs = [
        Run(left=x, top=12 * i, right=x + 200, bottom=12 * i + 10, text=f"{name} שורה {i} של הטקסט")
        for i in range(12)
        for x, name in ((0, "שמאל"), (240, "ימין"))
    ]
    lines = arranged(runs).splitlines()
    assert [line.split()[0] for line in lines] == ["ימין"] * 12 + ["שמאל"] * 12


def test_cells_of_a_script_from_the_right_are_read_from_the_right():
    runs = [
        Run(left=x, top=12 * i, right=x + 30, bottom=12 * i + 10, text=text)
        for i in range(3)
        for x, text in ((0, "שלוש"), (100, "שתיים"), (200, "אחת"))
    ]
    assert arranged(runs).splitlines() == ["| אחת | שתיים | שלוש |"] * 3


def test_a_watermark_across_the_page_parts_no_lines_and_joins_none():
    file = blank_pdf()
    for i in range(20):
        file.text(20, 100 + 5 * i, f"Line {i} of the text of the page, which goes on.")
    with file.rotation(35, x=60, y=180):
        file.text(60, 180, "CONFIDENTIAL DRAFT")
    lines = [line for line in text_of(bytes(file.output())).splitlines() if line]
    assert lines == [
        *(f"Line {i} of the text of the page, which goes on." for i in range(20)),
        "CONFIDENTIAL DRAFT",
    ]


def test_a_large_letter_beside_lines_joins_them_not():
    runs = [Run(left=0, top=0, right=30, bottom=36, text="O")] + [
        Run(left=35, top=12 * i, right=200, bottom=12 * i + 10, text=f"line {i}") for i in range(3)
    ]
    assert "line 0 line 1" not in arranged(runs)
    assert "line 1 line 2" not in arranged(runs)


def test_a_page_full_of_labels_takes_time_in_their_number():
    def seconds(count):
        places = [hashlib.sha256(b"%d" % i).digest() for i in range(count)]
        runs = [
            Run(left=x, top=y, right=x + 30, bottom=y + 6, text="label")
            for x, y in ((p[0] * 5 + p[1] / 50, p[2] * 4 + p[3] / 50) for p in places)
        ]
        began = time.process_time()
        arranged(runs)
        return time.process_time() - began

    assert seconds(4000) < 5


def test_a_map_is_read_line_by_line(monkeypatch):
    runs = [
        Run(left=x, top=y, right=x + 30, bottom=y + 6, text=f"{x}/{y}")
        for x in (10, 200)
        for y in (10, 30, 50)
    ]
    assert "|" in arranged(runs)
    monkeypatch.setattr(reading_order, "MOST_RUNS", 5)
    assert arranged(runs) == "10/10 200/10\n10/30 200/30\n10/50 200/50"

"""A table between ruled lines keeps its cells apart, however close they are and however wrapped."""

from itertools import product

import pytest

from roadworthy.ingestion.parse import parse
from roadworthy.ingestion.ruled import MOST, Box, grids
from tests.ingestion.files import blank_pdf

QUESTIONS = [
    ("Nr", "Question", "Answer"),
    (
        "1",
        "How many days of leave do new employees get in their first year with the company?",
        "New employees get twenty days of leave, which rise to twenty-five after two years.",
    ),
    (
        "2",
        "Who signs travel requests that go beyond the budget of the department?",
        "The head of finance signs them, within five working days of the request.",
    ),
    ("3", "Where is the key?", "At the desk."),
    (
        "4",
        "What has to be done outside of hours?",
        "Whoever comes to the office outside of the usual hours has to call the guard before he "
        "enters the building.",
    ),
]


def written(rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def text_of(file):
    return parse(bytes(file.output()), name="a.pdf").text


@pytest.mark.parametrize("layout", ["ALL", "INTERNAL"])
def test_wrapped_cells_close_together_stay_cells(layout):
    file = blank_pdf()
    with file.table(col_widths=(10, 45, 45), borders_layout=layout) as table:
        for row in QUESTIONS:
            table.row(row)
    assert text_of(file) == written(QUESTIONS)


def test_a_cell_across_columns_or_rows_is_written_once():
    file = blank_pdf()
    with file.table() as table:
        table.row(["City", "Night", "Meal"])
        row = table.row(["Paris"])
        row.cell("as agreed with the manager", colspan=2)
        row = table.row()
        row.cell("Rome", rowspan=2)
        row.cell("120")
        row.cell("40")
        table.row(["110", "35"])
    rows = [
        ("City", "Night", "Meal"),
        ("Paris", "as agreed with the manager"),
        ("Rome", "120", "40"),
        ("110", "35"),
    ]
    assert text_of(file) == written(rows)


def test_a_word_that_a_line_end_cut_in_a_cell_is_whole_again():
    file = blank_pdf()
    file.cell(text="The agreement holds.", new_x="LMARGIN", new_y="NEXT")
    with file.table(width=60) as table:
        table.row(["Term", "Meaning"])
        table.row(["Contract", "Any agree-\nment between two"])
    assert "| Contract | Any agreement between two |" in text_of(file)


def test_text_around_a_table_stays_around_it():
    file = blank_pdf()
    file.cell(text="Above it.", new_x="LMARGIN", new_y="NEXT")
    with file.table() as table:
        for row in QUESTIONS[3:]:
            table.row(row)
    file.cell(text="Below it.")
    assert text_of(file) == f"Above it.\n\n{written(QUESTIONS[3:])}\n\nBelow it."


def ruled(*, upright, level):
    file = blank_pdf()
    for x in upright:
        file.line(x, level[0], x, level[-1])
    for y in level:
        file.line(upright[0], y, upright[-1], y)
    return file


def test_rows_without_lines_between_them_are_not_one_cell():
    rows = [("Paris", "150", "with breakfast"), ("Rome", "90", "in winter"), ("Bonn", "80", "-")]
    file = ruled(upright=(10, 60, 110, 160), level=(20, 28, 46))
    for i, row in enumerate([("City", "Limit", "Notes"), *rows]):
        for x, cell in zip((12, 62, 112), row, strict=True):
            file.text(x, 25 + 8 * (i > 0) + 5 * max(i - 1, 0), cell)
    assert text_of(file) == written([("City", "Limit", "Notes"), *rows])


def test_frames_around_columns_of_prose_are_no_table():
    file = ruled(upright=(5, 104, 203), level=(10, 20, 130))
    prose = {x: [f"Line {i} of {x}" for i in range(20)] for x in (6, 110)}
    for line, lines in product(range(20), prose.values()):
        while file.get_string_width(lines[line]) < 88:
            lines[line] += " and on"
    for x, lines in prose.items():
        file.text(x, 16, f"Head of {x}")
        for i, line in enumerate(lines):
            file.text(x, 26 + 5 * i, line)
    lines = [line for line in text_of(file).splitlines() if line.startswith("Line")]
    assert lines == prose[6] + prose[110]


def test_words_in_a_drawing_are_all_kept_and_make_no_table():
    file = ruled(upright=(20, 40, 60, 80, 100, 120), level=(20, 40, 60, 80, 100))
    for n, (x, y) in enumerate(((25, 25), (105, 30), (62, 70), (25, 66))):
        file.text(x, y, f"label{n}")
    text = text_of(file)
    assert sorted(text.replace("|", "").split()) == [f"label{n}" for n in range(4)]
    assert "|  |  |  |" not in text


def test_of_a_drawing_of_many_lines_none_is_looked_at():
    def across(count):
        return [
            *(Box(9 * i, 0, 9 * i, 9 * count) for i in range(count)),
            *(Box(0, 9 * i, 9 * count, 9 * i) for i in range(count)),
        ]

    assert len(list(grids(across(20)))) == 1
    assert list(grids(across(MOST // 2))) == []
    assert list(grids(across(MOST))) == []

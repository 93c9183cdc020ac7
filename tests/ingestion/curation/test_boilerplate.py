"""What repeats at the edges of pages and files goes; what only looks alike stays."""

import pytest

from roadworthy.corpus.policies import CurationPolicy
from roadworthy.ingestion.curation.boilerplate import SHARED_BY, edge_keys, examine
from roadworthy.ingestion.curation.edits import edited, removals
from tests.ingestion.curation.documents import document, prose

POLICY = CurationPolicy()
NOTICE = "All rights reserved by Acme Inc. and its partners."
BANNER = "We use cookies to improve your visit.\nAccept all cookies or choose your settings."


def cleaned(before, shared=None):
    return edited(before, examine(before, POLICY, shared=shared or {}).edits)


def test_headers_footers_and_page_numbers_go_but_the_first_header_stays():
    pages = [
        f"ACME confidential\n{prose(n)}\n{prose(n + 50)}\n{prose(n + 90)}\nPage {n} of 6"
        for n in range(1, 7)
    ]
    before = document(*pages)
    after = cleaned(before)
    assert after.text.count("ACME confidential") == 1
    assert "Page" not in after.text
    for n, page in enumerate(after.pages, 1):
        assert prose(n) in after.text[page.start : page.end]
    taken = removals(before, examine(before, POLICY, shared={}).edits)
    assert len(taken) == 5 + 6
    assert {removal.page for removal in taken} == set(range(1, 7))


@pytest.mark.parametrize(
    "header", ["Annual report | {}", "{} – Annual report", "Annual report, p. {}"]
)
def test_of_headers_with_the_page_number_the_first_stays(header):
    pages = [f"{header.format(n + 6)}\n{prose(n)}\nend {n * n}" for n in range(1, 8)]
    assert cleaned(document(*pages)).text.count("Annual report") == 1


@pytest.mark.parametrize("number", ["{}", "- {} -", "{} / 40", "{} of 40", "第 {} 页", "Seite {}"])
def test_page_numbers_go_however_they_are_written(number):
    pages = [f"{prose(n)}\n{number.format(n + 2)}" for n in range(1, 5)]
    assert cleaned(document(*pages)).text.split() == document(*map(prose, range(1, 5))).text.split()


def test_a_line_that_comes_again_on_one_page_is_no_header():
    before = document(f"N/A\nN/A\nN/A\n{prose(1)}", prose(2), prose(3))
    assert cleaned(before).text == before.text


@pytest.mark.parametrize(
    "line",
    [
        "Article {n}. The parties agree on the delivery of goods of kind {m}.",
        "{m}",
        "Total of this page: {m}",
        "{year}",
        "Budget | {year}",
        "Patient {n}",
        "Question {n} of 8",
        "Article {n}",
        "第{n}条",
    ],
)
def test_numbered_lines_of_the_content_stay(line):
    pages = [f"{line.format(n=n, m=n * n * 7, year=n + 2016)}\n{prose(n)}" for n in range(1, 9)]
    before = document(*pages)
    assert cleaned(before).text == before.text


def test_table_headers_that_repeat_stay():
    before = document(*[f"| Name | Sum |\n| --- | --- |\n| a | {n} |" for n in range(9)])
    assert cleaned(before).text == before.text


def test_frames_of_files_go_from_both_ends():
    before = document(
        f"# The title\n\n{BANNER}\n\n{prose(1)}\n\n{NOTICE}",
        markdown=True,
    )
    shared = dict.fromkeys(edge_keys(document(f"{BANNER}\n{NOTICE}")), SHARED_BY)
    after = cleaned(before, shared)
    assert after.text.strip() == f"# The title\n\n{prose(1)}".strip()


def test_a_shared_line_within_the_text_stays():
    before = document(f"{prose(1)}\n{BANNER}\n{prose(2)}")
    shared = dict.fromkeys(edge_keys(document(BANNER)), 50)
    assert cleaned(before, shared).text == before.text


def test_a_text_that_is_all_frame_is_flagged_and_stays():
    before = document(BANNER)
    finding = examine(before, POLICY, shared=dict.fromkeys(edge_keys(before), 50))
    assert (finding.verdicts[0].outcome, finding.edits) == ("flagged", ())


def test_the_policy_may_leave_frames_alone():
    before = document(*[f"Header line\n{prose(n)}" for n in range(5)])
    finding = examine(before, CurationPolicy(boilerplate="allow"), shared={})
    assert (finding.verdicts[0].outcome, finding.edits) == ("pass", ())

"""A file that is made to do harm is refused by itself, with its reason, and in bounded memory."""

import pytest

from roadworthy.core.errors import Invalid
from roadworthy.ingestion.limits import MIB, Limits
from roadworthy.ingestion.parse import parse
from roadworthy.ingestion.reading import DocumentReader
from roadworthy.ingestion.records import Lane
from tests.ingestion.hostile import HOSTILE
from tests.parsers import running_parsers

LANE = Lane(tenant_id=1, is_urgent=True)


@pytest.fixture(scope="module")
def reader():
    limits = Limits(pages=50, scanned_pages=3, unpacked_bytes=50 * MIB, characters=1_000_000)
    reader = DocumentReader(timeout_s=20, memory_mb=1200, max_bytes=20 * MIB, limits=limits)
    yield reader
    reader.close()


def in_use():
    return sum(child.memory_info().rss for child in running_parsers())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_by_name_and_costs_one_document(reader, name):
    made, reason = HOSTILE[name]
    with pytest.raises(Invalid) as refused:
        reader.parse(made(), name=name, lane=LANE, report=lambda done, total: None)
    assert name in refused.value.message
    assert reason in {None, refused.value.facts["reason"]}
    assert in_use() < 1500 * MIB
    assert reader.parse(b"next", name="a.txt", lane=LANE, report=lambda *_: None).text == "next"


def test_html_that_nests_deeply_notes_what_may_be_missing(reader):
    page = b"<html><body>" + b"<div>" * 80 + b"deep" + b"</div>" * 80 + b"<p>shallow</p>"
    document = reader.parse(page, name="a.html", lane=LANE, report=lambda *_: None)
    assert "deeper than 60" in document.notes[0]


def test_a_text_is_refused_by_its_length_alone():
    limits = Limits(characters=12)
    assert parse(b"<html><p>twelve chars</p>", name="a.html", limits=limits).text == "twelve chars"
    with pytest.raises(Invalid) as refused:
        parse(b"thirteen char", name="a.txt", limits=limits)
    assert (refused.value.facts["reason"], refused.value.facts["characters"]) == ("too_long", 13)

"""Curation takes time linear in a text, whatever the text: no file holds a worker up."""

import time

import pytest

from roadworthy.corpus.policies import policy_of
from roadworthy.ingestion.curation.boilerplate import edge_keys
from roadworthy.ingestion.curation.curating import curate
from roadworthy.ingestion.curation.likeness import sketch
from tests.ingestion.curation.documents import document

MASKED = policy_of(
    dict.fromkeys(("contact_data", "financial_data", "identity_data", "secrets"), "mask")
)
SHORT, LONG = 20_000, 80_000  # characters; quality looks at 100,000 at most
LEAST_S = 0.03  # below, the clock says more of the machine than of the text
MOST = 8  # times the time of a text a fourth as long: linear is 4, quadratic 16

REPEATED = {
    "joined-words": "a_",
    "hexadecimal": "0123456789abcdef",
    "ideographs": "字",
    "wide-blanks": "\u3000",
    "blank-lines": " \n",
    "open-links": "](",
    "open-table": "|a\n",
    "open-code": "`a",
    "damaged-word": "a1",
    "digits": "1-",
    "points": "1.",
    "mail": "a@a.a.",
    "keys": "-----BEGIN PRIVATE KEY----- a",
    "key-names": "secret_key-",
    "addresses": "a://b:c",
    "markup": "<a hidden",
    "comments": "<!-- -",
    "orders": "ignore previous ",
}


def texts(size):
    for name, part in REPEATED.items():
        yield name, document(f"The token {part * (size // len(part))}")
        yield f"{name}-on-a-line", document(f"First.\n{part * (size // len(part))}\nLast.")
    line = "." * (size // 2)
    yield "page-number", document(f"{line}1{line}x\nOne.", "Two.\nOther.", "Three.\nMore.")
    yield "many-signs", document("".join(map(chr, range(0x50000, 0x50000 + size))))


def seconds(text):
    began = time.thread_time()
    edge_keys(text)
    sketch(curate(text, MASKED).document.text)
    return time.thread_time() - began


@pytest.mark.parametrize(
    ("short", "long"),
    [
        pytest.param(short, long, id=name)
        for (name, short), (_, long) in zip(texts(SHORT), texts(LONG), strict=True)
    ],
)
def test_four_times_the_text_takes_about_four_times_as_long(short, long):
    assert seconds(long) < MOST * max(seconds(short), LEAST_S)

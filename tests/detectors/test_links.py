"""An address may be said when the documents lead there; a picture only when it is one of theirs."""

import time

import pytest

from roadworthy.detectors.links import Known, links

READ = (
    "See https://help.example.com/leave/form.html, or www.example.org; write to hr@example.net. "
    "![logo](https://img.example.com/logo.png) ![big](https://img.example.com/a.png?w=2)"
)


def allowed(text):
    known = Known(READ)
    return [known.allows(link) for link in links(text)]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Go to https://a.example/b?c=d.", "https://a.example/b?c=d"),
        ("(see http://a.example/b)", "http://a.example/b"),
        ("[here](https://a.example/b_(c))", "https://a.example/b_(c)"),
        ("www.a.example, then", "www.a.example"),
        ('<a href="//a.example/x">', "//a.example/x"),
        ("https:/a.example/x", "https:/a.example/x"),
        ("9https://a.example/x", "https://a.example/x"),
        ("data:text/html;base64,AAAA", "data:text/html;base64,AAAA"),
        ("ftp://a.example/x!", "ftp://a.example/x"),
    ],
)
def test_addresses_are_found_as_they_end(text, address):
    assert [link.address for link in links(text)] == [address]


@pytest.mark.parametrize("text", ["// a comment", "and/or", "12:30", "C://", "a.b", "the data: ok"])
def test_what_leads_nowhere_is_no_address(text):
    assert list(links(text)) == []


@pytest.mark.parametrize(
    ("text", "is_picture"),
    [
        ("![x](https://a.example/b)", True),
        ("![](<https://a.example/b>)", True),
        ('<img alt="x" src="https://a.example/b">', True),
        ("[x](https://a.example/b)", False),
        ("https://a.example/b", False),
    ],
)
def test_what_is_shown_without_a_click_is_a_picture(text, is_picture):
    assert [link.is_picture for link in links(text)] == [is_picture]


@pytest.mark.parametrize(
    "text",
    [
        "https://help.example.com/leave/form.html",
        "HTTP://www.help.example.com/leave/form.html.",
        "https://help.example.com/leave/",
        "https://help.example.com",
        "https://example.org/",
        "https://example.net",
        "![logo](https://img.example.com/logo.png)",
        "https://img.example.com/a.png?w=2",
    ],
)
def test_where_the_documents_lead_is_allowed(text):
    assert allowed(text) == [True]


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/",
        "https://help.example.com.evil.example/leave/form.html",
        "https://help.example.com/leave/form.html?q=secret",
        "https://help.example.com/leave/form.html#secret",
        "https://secret@help.example.com/",
        "https://help.example.com/leave/other.html",
        "https://help.example.com/lea",
        "https://ple.com/",
        "![x](https://img.example.com/other.png)",
        "![x](https://img.example.com)",
        "![x](https://img.example.com/a.png?w=2)",
        "![x](https://img.example.com/a.png?w=secret)",
        '<img src="//evil.example/x">',
        "https:\\\\evil.example/x",
        "javascript:alert(1)",
        "data:text/html,secret",
    ],
)
def test_what_could_carry_words_out_is_not(text):
    assert allowed(text) == [False]


@pytest.mark.parametrize("part", ["![", "a://b", "//a.", "www.", "<img ", "https://a](", "data:"])
def test_no_text_takes_longer_than_its_length_allows(part):
    def seconds(size):
        began = time.thread_time()
        list(links(part * (size // len(part))))
        return time.thread_time() - began

    assert seconds(40_000) < max(8 * seconds(10_000), 0.1)

"""An address may be said when the documents lead there; a picture only when it is one of theirs."""

import pytest

from roadworthy.detectors.links import Known, links
from tests.pace import is_in_proportion

READ = (
    "See https://help.example.com/leave/form.html, or www.example.org; write to hr@example.net. "
    "![logo](https://img.example.com/logo.png) ![big](https://img.example.com/a.png?w=2) "
    "![both](https://img.example.com/a.png?v=1&amp;w=2) or call +33 1 42 68 53 00."
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
        ("`https://a.example/x`,", "https://a.example/x"),
        ("https://a.example/x\u00a0!", "https://a.example/x"),
        ("see url=https://a.example/x.", "https://a.example/x"),
        ("![x](https://a.example/b.,)", "https://a.example/b.,"),
        ("[x](<https://a.example/b c>)", "https://a.example/b c"),
        ("<img src='https://a.example/b c'>", "https://a.example/b c"),
        ("<img src=https://a.example/b|c>", "https://a.example/b|c"),
        ("[r]: https://a.example/b.", "https://a.example/b."),
        ("[^1]: https://a.example/b.", "https://a.example/b"),
        ("[x](https://a.example/?b=1&amp;c)", "https://a.example/?b=1&c"),
    ],
)
def test_addresses_are_found_as_they_end(text, address):
    assert [link.address for link in links(text)] == [address]


HARMLESS = [
    "// a comment", "//comment", "/// doc", "x = 1; // y", "and/or", "12:30", "C://", "a.b",
    "the data: ok", "C:\\docs\\a.txt", "\\\\server\\share", "/etc/hosts", "10.0.0.1:8080",
    "Ask hr@example.net, or <hr@example.net>.", "http: and https:// are schemes", "AT&amp;T",
    "startswith(('http://', 'https://'))", "Either / or: both.", "Thirty days [1][2]. So [3].",
    "[1]: see the note", "[x](#part)", "[x](leave.md)", "[x](/a/b)", "![x](images/a.png)",
    "[x](C:/a)", "a[0](b) and c[d]: e", "dict[str]: http", '<a href="#x">', "<img src=a.png>",
    "src=web01:443 dst=db:5432", 'data="name:Ana"', "data='{}'", "x == y", "url(#a)",
    "SELECT a FROM b -- c://", "if a: b", "<w:p>", "<soap:Envelope>", "R&D; Q&A", "5 // 2",
    "![x]() // y", '<p class="a:b">', "handlers[name](ctx:Context)", "[section](Kapitel:3)",
]  # fmt: skip


@pytest.mark.parametrize("text", HARMLESS)
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
        ("![a](https://a.example/b)", True),
        ("![a[b]c](https://a.example/b)", True),
        (f"![{'a' * 400}](https://a.example/b)", True),
        ("[![a](b.png)](https://a.example/b)", False),
        (r"\![a](https://a.example/b)", False),
        ("Great![1] See [x](https://a.example/b)", False),
        ("[r]: https://a.example/b", True),
        ('<a title="x" href="https://a.example/b">', False),
        ('<link href="https://a.example/b">', True),
        ("<video poster=https://a.example/b>", True),
        ('<p style="background: url(https://a.example/b)">', True),
        ('get(url="https://a.example/b")', False),
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
        "See https://help.example.com/leave.",
        "`https://help.example.com/leave`, or",
        'requests.get("https://help.example.com/leave").json()',
        '{"base":"https://help.example.com/leave","n":1}',
        "fetch('https://help.example.com/leave').then(show)",
        'curl "https://help.example.com/leave"|jq',
        "**https://help.example.com/leave**",
        "https://help.example.com/leave/form.html.",
        "<HTTPS://HELP.example.com/leave/form.html>",
        "[x](https://help.example.com/leave/form.html)",
        "[x](//help.example.com)",
        '<a href="https://help.example.com/leave">here</a>',
        "[1]: https://help.example.com/leave/form.html\n",
        "https://img.example.com/a.png?v=1&w=2",
        "https&#58;//help.example.com/leave",
        "[Bo](mailto:hr@example.net)",
        "mailto:hr@example.net",
        "[call](tel:+33142685300)",
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


HOSTILE = [
    # Another host before the one that is known.
    "![x](https://evil.test/s//img.example.com/logo.png)",
    "[x](https://evil.test/s//help.example.com)",
    "![x](https://example.org'@evil.test/s)",
    r"[x](https://help.example.com\@evil.test/s)",
    "[x](javascript://help.example.com)",
    # What programs make an address of.
    "![x](https:&#47;&#47;evil.test/s)", "![x](https:&sol;&sol;evil.test/s)",
    r"![x](https\://evil.test/s)", r"![x](https:\/\/evil.test/s)", "![x](///evil.test/s)",
    "![x](//a@evil.test/s)", "![x](//1249763844/s)", "![x](//evil。test/s)",
    "![x](//evil%2etest/s)", "![x](http:evil.test/s)", "<http:evil.test/s>", "<https://).evil.test/s>",
    "<https://help.example.com/leave.,;>",
    r"<img src='/\evil.test/s'>", "<img src='https:/\t/evil.test/s'>",
    "<img src='/\n/1249763844/s'>",
    "<img src='ht\ntps:/\n/evil.test/s'>", "<img src='&#32;//1249763844/s'>",
    f"<img src='/{'&Tab;' * 90}", "<img srcset='a.png 1x, //1249763844/s 2x'>",
    "<img srcset='a.png 1x, https:evil.test/s 2x'>", "srcset='](///1249763844/s)",
    "<object data='http:evil.test/s'>",
    "<video poster=//1249763844/s>", "<form action=//1249763844/s>", "<table background=//12/s>",
    "<p style='background:url(//1249763844/s)'>", '<style>@import "//1249763844/s"</style>',
    "<meta content='0;url=//1249763844/s'>", "[r]: //1249763844/s", "> [r]: <http:evil.test/s>",
    "[x](\n//1249763844/s)", "[x](<//1249763844/s>)", "[x](javascript&#58;alert(1))",
    "javascript&#58;alert(1)", "https&#58;//evil.test/s", "https&colon;&sol;&sol;evil.test/s",
    "[x](slack:s)", "mailto:a?body=s", "mailto:hr@example.net?body=s", "[x](mailto:eve@evil.test)",
    # What is sent with an address that is known.
    "![x](https://img.example.com/logo.png|s)", "![x](https://img.example.com/logo.png's)",
    "![x](https://img.example.com/logo.png`s)", "![x](https://img.example.com/logo.png,.;:,.!*_~)",
    "![x](https://img.example.com/logo.png///)", "![x](https://img.example.com/LoGo.PnG)",
    "![x](https://img.example.com/logo.png\u00a0s)", r"![x](https://img.example.com/logo.png\)s)",
    "![x](https://img.example.com/logo.png&#41;s)", "![x](<https://img.example.com/logo.png s>)",
    '<img src="https://img.example.com/logo.png s">', "<img src=https://img.example.com/logo.png's>",
    "[x](https://help.example.com/leave|s)", "https://help.example.com/leave\u00a0s",
    "https://help.example.com/leave](s)",
    "'https://example.org'@evil.test/s'", '"https://example.org"\\@evil.test/s"',
    '"https://help.example.com/leave"@s', '"https://help.example.com/leave","https://evil.test/s"',
    "[x](vscode://evil/s)", "[x](ms-word:ofe|u|evil)",
    "https://help.example.com/Leave", "https://help.example.com/leave//",
    # What may still go on.
    "[x](https://help.example.com/leave", "![x](https://img.example.com/logo.png",
    '<img src="https://img.example.com/logo.png',
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_way_of_writing_an_address_hides_where_it_leads(text):
    assert False in allowed(text)


@pytest.mark.parametrize("known", ["<https://a.test/b>", "'https://a.test/b'", '{"u":"https://a.test/b","c":1}',
                                   "|https://a.test/b|c|", "`https://a.test/b`c", "[https://a.test/b](c)",
                                   "<a href='https://a.test/b'>", "[x](https://a.test/b 'c')",
                                   "<img srcset='https://a.test/b 1x, c 2x'>"])  # fmt: skip
def test_a_document_may_write_an_address_in_many_ways(known):
    for text in ("https://a.test/b", "![x](https://a.test/b)", known):
        assert all(Known(known).allows(link) for link in links(text))


def test_a_label_that_is_an_address_leads_where_its_link_leads():
    same = "[https://help.example.com/leave](https://help.example.com/leave)"
    assert allowed(same) == [True, True]
    assert allowed(same.replace("](https://help.example.com/", "](https://evil.test/")) == [
        True,
        False,
    ]


def test_an_address_of_any_length_is_compared_whole():
    address = "https://a.test/" + "b" * 3000
    [link] = links(address + "c")
    assert not Known(address).allows(link)


@pytest.mark.parametrize(
    "part",
    [
        "![", "a://b", "//a.", "www.", "<img ", "https://a](", "data:", "](", "](//", "](//a(",
        "[a](b", "srcset=' ", 'srcset="a:',
        "src=", "src='", "srcset=", "srcset='a ", "url(", "]:", "\n[", "https&#58;//a ", "&#58;",
        "src=\t", "[https://a](https://a", "[https://a](//b)", "https://a)",
        "src='//", "](\t", "![x](https://a) ", "https:", "\\", "<http:", "<a:b ",
        "'//a.b", "`//a.b`", '"http://a@', 'srcset="http://', "/srcset=&", "[`//a.b`](#", "a-",
    ],
)  # fmt: skip
def test_no_text_takes_longer_than_its_length_allows(part):
    def read(text):
        known = Known(text)
        return [known.allows(link) for link in links(text)]

    assert is_in_proportion(read, part, size=10_000)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"""<img srcset="/\a.test 1x, srcset='/\b.test'">""", [r"/\a.test 1x, srcset='/\b.test'"]),
        (r"srcset=/\a.test/srcset='/\b.test c'", [r"/\a.test/srcset='/\b.test", r"/\b.test c"]),
        (r"srcset=a srcset='/\b.test c'", [r"/\b.test c"]),
    ],
)
def test_a_list_of_addresses_within_another_is_looked_at_once(text, found):
    assert [link.address for link in links(text)] == found


def test_a_list_of_addresses_that_is_too_long_leads_nowhere_that_is_known():
    text = f"<img srcset=https://a.test/{'b' * 3000}>"
    assert not all(Known(text).allows(link) for link in links(text))


@pytest.mark.parametrize("number", ["0" * 5_000 + "47", "47", "x2f"])
def test_a_character_may_be_written_as_a_number_of_any_length(number):
    [link] = [each for each in links(f"https:/&#{number};evil.test/x") if each.plain]
    assert link.host == "evil.test"


def test_a_number_of_no_character_stands_for_none():
    [link, *_] = links(f"https://a.test/&#{'9' * 5_000};")
    assert link.address == "https://a.test/\ufffd"


def test_many_addresses_are_compared_with_many():
    def judged(text):
        known = Known(" ".join(f"//a.test/{n}/b" for n in range(len(text))))
        said = " ".join(f"//a.test/{n}/c" for n in range(len(text)))
        return [known.allows(link) for link in links(said)]

    assert is_in_proportion(judged, "x", size=500)

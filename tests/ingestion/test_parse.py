"""A file becomes one text with exact pages, or is refused with its reason."""

import io
import re
import time
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage

import docx
import openpyxl
import pptx
import pytest
from fpdf import FPDF
from pypdfium2 import PdfiumError, PdfPage

from roadworthy.core.errors import Invalid
from roadworthy.ingestion.parse import parse

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


def saved(thing):
    buffer = io.BytesIO()
    thing.save(buffer)
    return buffer.getvalue()


def pdf(*pages, password=None):
    file = FPDF()
    file.set_font("helvetica", size=12)
    if password:
        file.set_encryption(owner_password="owner", user_password=password)
    for page in pages:
        file.add_page()
        file.multi_cell(0, text=page)
    return bytes(file.output())


def reason(content, name):
    with pytest.raises(Invalid) as refused:
        parse(content, name=name, report=lambda done, total: None)
    assert name in refused.value.message
    return refused.value.facts["reason"]


def test_each_page_of_a_pdf_is_known():
    document = parse(pdf("Hotels cost 150.", "", "Trains are free."), name="travel.pdf")
    shown = [(p.number, document.text[p.start : p.end]) for p in document.pages]
    assert shown == [(1, "Hotels cost 150."), (2, ""), (3, "Trains are free.")]
    assert (document.title, document.markdown) == ("travel", False)


def test_each_slide_is_known_and_its_title_is_a_heading():
    deck = pptx.Presentation()
    for title in ("Plan", "Costs"):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = f"About {title}!"
    document = parse(saved(deck), name="deck.pptx")
    shown = [document.text[p.start : p.end].split("\n") for p in document.pages]
    assert [lines[0].lstrip("# ") for lines in shown] == ["Plan", "Costs"]
    assert "About Costs!" in shown[1][-1]


def test_a_word_file_keeps_headings_and_tables():
    file = docx.Document()
    file.core_properties.author = "Ana"
    file.add_heading("Travel", level=1)
    file.add_paragraph("Book early.")
    table = file.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "city", "limit"
    document = parse(saved(file), name="rules.docx")
    assert "# Travel" in document.text
    assert "| city | limit |" in document.text
    assert (document.title, document.pages) == ("Travel", ())
    assert document.origin.authors == ("Ana",)


def test_a_sheet_is_a_table_under_its_name():
    book = openpyxl.Workbook()
    book.active.title = "Limits"
    book.active.append(["city", "limit"])
    book.active.append(["Paris", 150])
    text = parse(saved(book), name="limits.xlsx").text
    assert text.index("# Limits") < text.index("| Paris | 150 |")


def test_a_web_page_is_read_without_its_head():
    page = (
        '<html><head><meta charset="windows-1252"><title>R&amp;D</title></head>'
        "<body><h1>Café</h1><p>L’été!</p><img src='data:image/png;base64,AAAA'></body></html>"
    )
    document = parse(page.encode("cp1252"), name="page.html")
    assert (document.text, document.title) == ("# Café\n\nL’été!", "R&D")


def test_mail_keeps_its_lines_and_its_date():
    mail = EmailMessage()
    mail["Subject"], mail["From"] = "Offsite", "ana@example.com"
    mail["Date"] = "Fri, 16 Dec 2022 17:04:16 +0000"
    mail.set_content("Bring:\n - shoes\n - a hat\n")
    document = parse(mail.as_bytes(), name="m.eml")
    assert " - shoes\n - a hat" in document.text
    assert document.title == "Offsite"
    assert document.origin.created_at == datetime(2022, 12, 16, 17, 4, 16, tzinfo=UTC)


def test_markdown_stays_as_written():
    text = "# A\n\n* b \\* c\n\n| x |\n|---|\n| 1 |"
    document = parse(text.encode(), name="a.md")
    assert (document.text, document.markdown, document.title) == (text, True, "A")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("L’été à Genève, près de la forêt", "cp1252"),
        ("Привет, как дела? Сегодня хорошо", "cp1251"),
        ("Привет, как дела? Сегодня хорошо", "koi8-r"),
        ("今天天气很好，我们去公园散步吧。", "gb18030"),
        ("今天天氣很好，我們去公園散步吧。", "big5"),
        ("كيف حالك؟ الطقس جميل اليوم", "cp1256"),
        ("L’été à Genève", "utf-16"),
        ("plain words", "utf-16-le"),
        ("L’été à Genève", "utf-32"),
        ("L’été à Genève", "utf-8-sig"),
    ],
)
def test_any_usual_encoding_is_read(text, encoding):
    assert parse(text.encode(encoding), name="a.txt").text == text


def test_text_is_composed_and_without_control_characters():
    assert parse("cafe\u0301\x00\x07 a\u00a0b\r\nc\x0cd".encode(), name="a.txt").text == (
        "caf\u00e9 a b\nc\n\nd"
    )


def test_content_counts_not_the_name():
    assert parse(pdf("Hello."), name="wrong.docx").media_type == "application/pdf"


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (pdf("Secret.", password="open"), "locked.pdf", "encrypted"),
        (b"Content-Type: multipart/encrypted; boundary=x\n\n--x\n", "m.eml", "encrypted"),
        (pdf(""), "scan.pdf", "empty"),
        (b" \n\t\n", "blank.txt", "empty"),
        (pdf("Hello.")[:200], "half.pdf", "broken"),
        (b"no pdf at all", "fake.pdf", "broken"),
        (saved(docx.Document())[:-400], "half.docx", "broken"),
        (PIXEL[:40], "photo.png", "broken"),
        (bytes(range(256)) * 40, "data.bin", "unsupported"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_says_why(content, name, expected):
    assert reason(content, name) == expected


def test_an_archive_is_unsupported():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "text")
    assert reason(buffer.getvalue(), "files.zip") == "unsupported"


def test_a_text_that_begins_like_an_image_is_a_text():
    text = "BMP signalling regulates the fate of stem cells in the intestine."
    assert parse(text.encode(), name="abstract.txt").text == text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("D:00010101000000+14'00'", None),
        ("D:99991231235959-14'00'", None),
        ("D:18991231235959Z", None),
        ("D:22000101000000Z", None),
        ("D:20260102030405+01'00'", datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)),
    ],
)
def test_a_date_that_no_file_can_have_is_left_out(written, read):
    content = pdf("Text.")
    stamped = re.sub(rb"/CreationDate \([^)]*\)", f"/CreationDate ({written})".encode(), content)
    assert stamped != content
    created_at = parse(stamped, name="a.pdf").origin.created_at
    assert (created_at, getattr(created_at, "tzinfo", UTC)) == (read, UTC)


def test_a_title_that_ends_in_half_a_letter_is_left_out():
    content = pdf("Text.").replace(b"/Title ()", b"")
    titled = re.sub(rb"/CreationDate \(", rb"/Title <FEFFD8000041> /CreationDate (", content)
    assert titled != content
    document = parse(titled, name="a.pdf")
    assert (document.text, document.title) == ("Text.", "a")


def test_a_page_that_cannot_be_read_makes_its_file_a_broken_one(monkeypatch):
    def fails(*_):
        raise PdfiumError("no text page")

    monkeypatch.setattr(PdfPage, "get_textpage", fails)
    assert reason(pdf("Text."), "a.pdf") == "broken"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a.html", "<html><body>x<" + "a" * 100_000),
        ("a.html", "<html>" + "<head " * 60_000),
        ("a.html", "<html>" + "<title " * 30_000),
        ("a.html", "<html>x" + "<!--" * 60_000),
        ("a.html", "<html>x" + "<b>" * 30 + "<font '" * 60_000),
        ("a.md", "x" + "![" * 60_000),
        ("a.md", "x" + "![](data:" * 20_000),
        ("a.txt", "x" + " " * 60_000 + "y"),
    ],
    ids=lambda each: each[:16],
)
def test_what_a_file_repeats_without_end_takes_no_longer_than_its_length(name, written):
    began = time.process_time()
    with suppress(Invalid):
        parse(written.encode(), name=name)
    assert time.process_time() - began < 2


def test_scripts_and_unended_fonts_are_no_nesting():
    script = "<script>" + "if(a<b && c>d) go();\n" * 1200 + "</script>"
    style = "<style>" + "/* <b> */" * 1200 + "</style><!--" + "<div>" * 1200 + "-->"
    fonts = "".join(f"<p><font color='x>y'>word{n}" for n in range(1200))
    document = parse(f"<html><body>{script}{style}{fonts}</body>".encode(), name="a.html")
    assert [word for word in document.text.split() if word.startswith("word")] == [
        f"word{n}" for n in range(1200)
    ]
    assert document.notes == ()


def test_pictures_within_markdown_leave_their_words():
    written = "![a (small) map](map_(1).png) ![b](data:image/png;base64,AAAA) ![c](x.png)"
    assert parse(written.encode(), name="a.md").text == (
        "![a (small) map](map_(1).png) ![b]() ![c](x.png)"
    )


def test_only_a_hyphen_at_a_line_end_may_fall_away():
    file = FPDF()
    file.set_font("helvetica", size=12)
    file.add_page()
    for i, line in enumerate(
        ("They resign, or they re-sign the contract by a signa-", "ture. Any signature counts.")
    ):
        file.text(20, 20 + 5 * i, line)
    document = parse(bytes(file.output()), name="a.pdf")
    words = "They resign, or they re-sign the contract by a signature. Any signature counts."
    assert " ".join(document.text.split()) == words

"""Text in pictures is read offline, its confidence told, and written text left alone."""

import socket
from dataclasses import replace

import pytest
from fpdf import FPDF

from roadworthy.core.errors import Invalid, Unavailable
from roadworthy.ingestion import recognition
from roadworthy.ingestion.limits import MIB, Limits
from roadworthy.ingestion.parse import parse
from roadworthy.ingestion.reading import DocumentReader
from roadworthy.ingestion.records import Lane, NeedsRecognition
from tests.ingestion.files import blank_pdf, picture, saved, scan
from tests.parsers import running_parsers

LANE = Lane(tenant_id=1, is_urgent=True)

GERMAN = "Größe und Maß: Übermäßige Äpfel kosten 12,50"
FRENCH = "L'été à Genève, où naît la forêt"
SPANISH = "El niño comió piña en España según él"


def read(content, name="scan.pdf", **options):
    return parse(content, name=name, report=lambda done, total: None, **options)


def words(text):
    return "".join(c if c.isalnum() else " " for c in text).split()


def test_nothing_is_recognised_unless_asked_for():
    with pytest.raises(NeedsRecognition):
        parse(scan(picture("Hello")), name="scan.pdf")


def test_accents_are_read_without_a_network(monkeypatch):
    def refuse(*_):
        pytest.fail("text recognition asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    recognition._engine.cache_clear()
    document = read(scan(picture(GERMAN, FRENCH, SPANISH)))
    found = words(document.text)
    wanted = words(" ".join((GERMAN, FRENCH, SPANISH)))
    assert sum(word in found for word in wanted) / len(wanted) > 0.9
    assert document.pages[0].confidence > 0.9
    assert document.notes == ()


def test_a_model_that_was_altered_is_neither_used_nor_replaced(monkeypatch):
    def refuse(*_):
        pytest.fail("text recognition asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    altered = replace(recognition.MODELS["Rec"], sha256="0" * 64)
    monkeypatch.setitem(recognition.MODELS, "Rec", altered)
    recognition._engine.cache_clear()
    with pytest.raises(Unavailable, match="reinstall the pinned version of rapidocr"):
        read(scan(picture("Hello")))


def test_only_pages_without_text_are_recognised():
    file = blank_pdf()
    file.multi_cell(0, text="Written words.")
    file.add_page()
    file.image(picture("Drawn words."), x=10, y=10, w=180)
    file.add_page()  # nothing on it
    said = []
    document = parse(bytes(file.output()), name="a.pdf", report=lambda *at: said.append(at))
    assert [document.text[p.start : p.end] for p in document.pages] == [
        "Written words.", "Drawn words.", "",
    ]  # fmt: skip
    assert [p.confidence is None for p in document.pages] == [True, False, True]
    assert said == [(0, 1), (1, 1)]


def test_what_can_hardly_be_read_is_noted():
    image = picture("The minutes of the meeting in May", "were signed by all of the members")
    blurred = image.resize((image.width // 9, image.height // 9)).resize(image.size)
    document = read(saved(blurred, format="PNG"), "p.png")
    assert document.pages[0].confidence < recognition.UNCERTAIN
    assert "recognised with doubt" in document.notes[0]


def test_each_page_of_a_fax_is_read():
    pages = [picture("First page"), picture("Second page")]
    content = saved(pages[0], format="TIFF", save_all=True, append_images=pages[1:])
    document = read(content, "fax.tiff")
    assert [document.text[p.start : p.end] for p in document.pages] == ["First page", "Second page"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
def test_pictures_of_any_usual_kind_are_read(kind):
    assert "Invoice" in read(saved(picture("Invoice 2026"), format=kind), f"a.{kind.lower()}").text


def test_a_table_in_a_picture_keeps_its_rows():
    image = picture("Paris          150", "Rome           95", "London         210")
    assert [words(line) for line in read(scan(image)).text.splitlines() if line] == [
        ["Paris", "150"], ["Rome", "95"], ["London", "210"],
    ]  # fmt: skip


def test_without_the_extra_a_scan_says_what_to_install(monkeypatch):
    monkeypatch.setattr(recognition, "is_installed", lambda: False)
    for content, name in (
        (scan(picture("A")), "a.pdf"),
        (saved(picture("A"), format="PNG"), "a.png"),
    ):
        with pytest.raises(Invalid, match=r"install roadworthy\[ocr\]") as refused:
            read(content, name)
        assert refused.value.facts["reason"] == "needs_ocr"


def test_without_the_extra_the_written_pages_of_a_file_are_read(monkeypatch):
    monkeypatch.setattr(recognition, "is_installed", lambda: False)
    file = FPDF()
    file.set_font("helvetica", size=12)
    file.add_page()
    file.cell(text="Written.")
    file.add_page()
    file.image(picture("Drawn."), x=10, y=10, w=180)
    document = read(bytes(file.output()))
    assert (document.text.strip(), document.notes[0][:23]) == (
        "Written.",
        "Page 2 has mostly pictu",
    )


def test_each_page_of_a_fax_is_told_so_that_each_has_its_own_time():
    pages = [picture("One"), picture("Two"), picture("Three")]
    content = saved(pages[0], format="TIFF", save_all=True, append_images=pages[1:])
    said = []
    parse(content, name="fax.tiff", report=lambda *at: said.append(at))
    assert said == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_the_models_stay_loaded_from_one_scan_to_the_next():
    reader = DocumentReader(timeout_s=60, memory_mb=2000, max_bytes=MIB, limits=Limits())
    children = set()
    for _ in range(3):
        reader.parse(scan(picture("Hello")), name="a.pdf", lane=LANE, report=lambda *_: None)
        children.add(frozenset(each.pid for each in running_parsers()))
    reader.close()
    assert len(children) == 1


def stamped_scan():
    file = blank_pdf()
    file.image(picture("The contract ends in May.", *[""] * 17, "Signed in Bern."), x=5, y=5, w=190)
    file.text(150, 290, "Page 3 of 9")
    return bytes(file.output())


def test_a_stamp_on_a_scan_is_not_its_text():
    document = read(stamped_scan())
    assert "contract ends" in document.text
    assert "Page 3 of 9" in document.text


def test_without_the_extra_a_scan_with_a_stamp_is_noted(monkeypatch):
    monkeypatch.setattr(recognition, "is_installed", lambda: False)
    document = read(stamped_scan())
    assert (document.text, document.notes[0][:26]) == ("Page 3 of 9", "Page 1 has mostly pictures")


def test_scanned_pages_beyond_the_limit_are_noted_where_there_is_text():
    file = blank_pdf()
    file.multi_cell(0, text="Written words.")
    for word in ("First", "Second", "Third"):
        file.add_page()
        file.image(picture(word), x=10, y=10, w=180)
    document = read(bytes(file.output()), limits=Limits(scanned_pages=2))
    assert [document.text[p.start : p.end] for p in document.pages] == [
        "Written words.", "First", "Second", "",
    ]  # fmt: skip
    assert "max_scanned_pages is 2" in document.notes[0]

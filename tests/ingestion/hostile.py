"""Files that are made to do harm, and by which reason each has to be refused.

The limits of the product refuse them, too; tests set smaller ones and need no larger files.
"""

import struct
import zlib

import openpyxl

from tests.ingestion.files import blank_pdf, picture, repacked, saved, word_file

LAUGHS = "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
DOCTYPE = f'<!DOCTYPE x [<!ENTITY a "lol">{LAUGHS}]>'
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
BODY = (
    '{}<w:document xmlns:w="{}"><w:body><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:body></w:document>'
)


def word_body(text, *, doctype=""):
    return repacked(word_file("x"), word__document_xml=BODY.format(doctype, WORD, text))


def huge_png(width, height):
    """A picture of a few kilobytes that is drawn into gigabytes."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"\0" * 100_000)), chunk(b"IEND", b""))
    )


def pdf_of(pages):
    file = blank_pdf()
    for _ in range(pages - 1):
        file.add_page()
    file.cell(text="The end.")
    return bytes(file.output())


def pdf_with_a_stream_bomb():
    """A page whose content unpacks a thousandfold, and again."""
    stream = zlib.compress(zlib.compress(b"BT ET\n" * 20_000_000, 1), 9)
    head = b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>" % len(stream)
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
        head + b"stream\n" + stream + b"\nendstream",
    ]
    body, places = b"%PDF-1.5\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + (
        b"xref\n0 5\n0000000000 65535 f \n%strailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (table, len(body))
    )


def sheet(cells):
    """A workbook of these cells, each {place: text}; equal texts are stored once."""
    book = openpyxl.Workbook()
    for place, text in cells.items():
        book.active[place] = text
    return saved(book)


HOSTILE = {
    "laughs.xml": (f"<?xml version='1.0'?>{DOCTYPE}<r>&i;</r>".encode, "entities"),
    "laughs.docx": (lambda: word_body("&i;", doctype=DOCTYPE), "entities"),
    "bomb.docx": (lambda: word_body("a" * 60_000_000), "unpacks_too_large"),
    "tight.docx": (lambda: word_body("a" * 30_000_000), "unpacks_too_large"),
    # 7 and 5 kilobytes, and 42.
    "repeated.xlsx": (lambda: sheet({f"A{n}": "x" * 32_000 for n in range(1, 41)}), "too_long"),
    "sparse.xlsx": (lambda: sheet({"A1": "a", "XFD40": "b"}), "too_long"),
    "columns.csv": (lambda: b"a," * 20_000 + b"\n" + b"b\n" * 30, "too_long"),
    "long.html": (lambda: b"<html><body>" + b"<p>word word</p>" * 100_000, "too_long"),
    "long.txt": (lambda: b"word " * 201_000, "too_long"),
    "deep.xml": (lambda: b"<a>" * 300_000 + b"x" + b"</a>" * 300_000, "too_deep"),
    "deep.html": (lambda: b"<html><body>" + b"<div>" * 5_000 + b"x", "too_deep"),
    "huge.png": (lambda: huge_png(60_000, 60_000), "too_large"),
    "cut.png": (lambda: huge_png(5_000, 5_000), "broken"),
    "many.pdf": (lambda: pdf_of(51), "too_many_pages"),
    "fax.tiff": (
        lambda: saved(picture("A"), format="TIFF", save_all=True, append_images=[picture("B")] * 3),
        "too_many_pages",
    ),
    "stream.pdf": (pdf_with_a_stream_bomb, None),
    "deep.rtf": (lambda: rb"{\rtf1 " + b"{" * 2_000_000, None),
    "brackets.pdf": (lambda: b"%PDF-1.5\n1 0 obj" + b"[" * 3_000_000, "broken"),
}

"""Files that tests build: pages with columns, tables and pictures, and files that do harm."""

import io
import zipfile

import docx
from fpdf import FPDF
from pypdfium2 import PdfDocument


def saved(thing, **options):
    buffer = io.BytesIO()
    thing.save(buffer, **options)
    return buffer.getvalue()


def blank_pdf():
    file = FPDF()
    file.set_font("helvetica", size=9)
    file.add_page()
    return file


def placed(*texts):
    """A PDF page with each (x, y, text) at its place, written in that order."""
    file = blank_pdf()
    for x, y, text in texts:
        file.set_xy(x, y)
        file.cell(text=text)
    return bytes(file.output())


def picture(*lines):
    """A drawing of lines of text, as a scanner would give; letters of Western Europe only."""
    file = FPDF(format=(160, 12 + 8 * len(lines)))
    file.set_font("helvetica", size=12)
    file.add_page()
    for i, line in enumerate(lines):
        file.text(6, 10 + 8 * i, line)
    with PdfDocument(bytes(file.output())) as document:
        return document[0].render(scale=3.5).to_pil().convert("RGB")


def scan(*pages):
    """A PDF of pictures, without any text layer."""
    return saved(pages[0], format="PDF", save_all=True, append_images=pages[1:])


def repacked(content, **replaced):
    """An Office file with some of its parts replaced; `__` in a name stands for `/`."""
    parts = {name.replace("__", "/").replace("_xml", ".xml"): new for name, new in replaced.items()}
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            new.writestr(entry.filename, parts.pop(entry.filename, None) or old.read(entry))
        for name, part in parts.items():
            new.writestr(name, part)
    return buffer.getvalue()


def word_file(*paragraphs):
    file = docx.Document()
    for paragraph in paragraphs:
        file.add_paragraph(paragraph)
    return saved(file)

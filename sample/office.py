"""Print one source as a Word document, a workbook or slides: the same bytes each time."""

import io
import re
import zipfile

import docx
import openpyxl
import pptx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet
from pptx.shapes.placeholder import SlidePlaceholder
from pptx.slide import Slide
from pptx.util import Pt

from sample.source import COMPANY, Block, Rows, Source

TABLE_STYLES = {"Normal Table", "Table Grid"}
UNUSED_PARTS = ("/stylesWithEffects", "/thumbnail")
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
TIMESTAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def same_each_time(source: Source, archive: bytes) -> bytes:
    """Rewrite an Office file with fixed dates; not deflated, as zlib versions differ in bytes."""
    moment = source.noon.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w") as new:
        for name in sorted(old.namelist(), key=lambda n: (n != "[Content_Types].xml", n)):
            data = old.read(name)
            if name == "docProps/core.xml":
                data = TIMESTAMP.sub(moment, data)
            new.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), data)
    return out.getvalue()


def write_table(document: Document, rows: Rows) -> None:
    """Append a table with lines around its cells."""
    table = document.add_table(rows=len(rows), cols=len(rows[0]))
    table.style = "Table Grid"
    for cells, row in zip(table.rows, rows, strict=True):
        for cell, text in zip(cells.cells, row, strict=True):
            cell.text = text


def write_block(document: Document, block: Block) -> None:
    """Append one block as Word's own heading, list, table or paragraph."""
    match block.kind:
        case "heading":
            document.add_heading(block.text, level=block.level)
        case "bullets" | "steps":
            style = "List Number" if block.kind == "steps" else "List Bullet"
            for line in block.lines:
                document.add_paragraph(line, style=style)
        case "table":
            write_table(document, block.rows)
        case "paragraph":
            document.add_paragraph(block.text)


def light_document() -> Document:
    """Give an empty document without the 800 kB of table styles that the template brings."""
    document = docx.Document()
    for style in list(document.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style.name not in TABLE_STYLES:
            style.delete()
    package = document.part.package
    assert package is not None
    for rels in (document.part.rels, package.rels):
        for rel_id in [r for r, rel in rels.items() if rel.reltype.endswith(UNUSED_PARTS)]:
            del rels[rel_id]
    return document


def word(source: Source) -> bytes:
    """Print a Word document."""
    document = light_document()
    document.core_properties.title, document.core_properties.author = source.title, COMPANY
    document.add_heading(source.title, level=0)
    for block in source.blocks:
        write_block(document, block)
    out = io.BytesIO()
    document.save(out)
    return same_each_time(source, out.getvalue())


def fill_sheet(sheet: Worksheet, block: Block) -> None:
    """Write a table below what stands on the sheet, or a text on one line of it."""
    if block.kind != "table":
        for line in block.lines or (block.text,):
            sheet.append([line])
        return
    for number, row in enumerate(block.rows):
        sheet.append([int(cell) if cell.isdecimal() else cell for cell in row])
        if number == 0:
            for cell in sheet[sheet.max_row]:
                cell.font = Font(bold=True)


def excel(source: Source) -> bytes:
    """Print a workbook with one sheet per heading; numbers are numbers."""
    book = openpyxl.Workbook()
    book.properties.title, book.properties.creator = source.title, COMPANY
    sheet = book.worksheets[0]
    sheet.title = source.title[:31]
    for block in source.blocks:
        if block.kind == "heading":
            sheet = book.create_sheet(block.text[:31])
        else:
            fill_sheet(sheet, block)
    out = io.BytesIO()
    book.save(out)
    return same_each_time(source, out.getvalue())


def placeholder(slide: Slide, index: int) -> SlidePlaceholder:
    """Give the box that a slide's layout holds ready for text."""
    box = slide.placeholders[index]
    assert isinstance(box, SlidePlaceholder)
    return box


def slides(source: Source) -> bytes:
    """Print one slide per heading, after a title slide."""
    deck = pptx.Presentation()
    deck.core_properties.title, deck.core_properties.author = source.title, COMPANY
    slide = deck.slides.add_slide(deck.slide_layouts[0])
    placeholder(slide, 0).text, placeholder(slide, 1).text = source.title, COMPANY
    for block in source.blocks:
        if block.kind == "heading":
            slide = deck.slides.add_slide(deck.slide_layouts[1])
            placeholder(slide, 0).text = block.text
            continue
        frame = placeholder(slide, 1).text_frame
        for line in block.lines or (block.text,):
            paragraph = frame.paragraphs[0] if not frame.text else frame.add_paragraph()
            paragraph.text, paragraph.font.size = line, Pt(20)
    out = io.BytesIO()
    deck.save(out)
    return same_each_time(source, out.getvalue())

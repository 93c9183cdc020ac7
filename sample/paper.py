"""Print one source as PDF: A4 pages with an outline, lists, tables and numbered feet."""

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from sample.source import COMPANY, Block, Source

HEADING_PT = {1: 15, 2: 12}
HEADING_ROOM_MM = 34  # a heading with less below it moves to the next page


class Paper(FPDF):
    """A4 pages with the title and the page number at the foot."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source
        self.set_compression(False)
        self.set_creation_date(source.noon)
        self.set_title(source.title)
        self.set_author(COMPANY)
        self.set_lang(source.language)
        self.set_producer(COMPANY)
        self.set_margins(24, 22, 24)
        self.set_auto_page_break(True, margin=24)

    def footer(self) -> None:
        """Write what fpdf2 asks for at the end of each page."""
        self.set_y(-15)
        self.set_font("helvetica", size=8)
        self.cell(0, 5, f"{COMPANY} | {self.source.title} | {self.page_no()}", align="C")

    def write_text(
        self, text: str, *, size: float = 11, style: str = "", indent: float = 0
    ) -> None:
        """Write wrapped text, then leave a little room below."""
        self.set_font("helvetica", style, size)
        self.set_x(self.l_margin + indent)
        self.multi_cell(0, size * 0.5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(size * 0.18)

    def write_block(self, block: Block) -> None:
        """Write one block; headings also enter the outline."""
        match block.kind:
            case "heading":
                is_chapter = block.level == 1 and self.source.chapters_on_new_pages
                if is_chapter or self.will_page_break(HEADING_ROOM_MM):
                    self.add_page()
                self.start_section(block.text, level=block.level - 1)
                self.write_text(block.text, size=HEADING_PT[block.level], style="B")
            case "bullets" | "steps":
                for number, line in enumerate(block.lines, 1):
                    mark = f"{number}." if block.kind == "steps" else "-"
                    self.write_text(f"{mark} {line}", indent=5)
            case "table":
                self.set_font("helvetica", size=10)
                with self.table(block.rows, text_align="LEFT", line_height=6):
                    pass  # the table is drawn when its context ends
                self.ln(4)
            case "paragraph":
                self.write_text(block.text)


def pdf(source: Source) -> bytes:
    """Print pages with headings, lists and tables."""
    paper = Paper(source)
    paper.add_page()
    paper.write_text(source.title, size=20, style="B")
    paper.write_text(f"{COMPANY}, {source.date.isoformat()}", size=10)
    for block in source.blocks:
        paper.write_block(block)
    return bytes(paper.output())

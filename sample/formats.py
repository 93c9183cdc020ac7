"""Print one source in the format that its path names: the same bytes each time."""

import html
import re
from collections.abc import Callable
from email.message import EmailMessage

from sample.office import excel, slides, word
from sample.paper import pdf
from sample.source import Block, Source


def element(block: Block) -> str:
    """Print one block as an HTML element."""
    match block.kind:
        case "heading":
            tag = f"h{block.level + 1}"
            return f"<{tag}>{html.escape(block.text)}</{tag}>"
        case "bullets" | "steps":
            tag = "ol" if block.kind == "steps" else "ul"
            items = "".join(f"<li>{html.escape(line)}</li>\n" for line in block.lines)
            return f"<{tag}>\n{items}</{tag}>"
        case "table":
            tags = ("th", *("td" for _ in block.rows[1:]))
            rows = (
                "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
                for tag, row in zip(tags, block.rows, strict=True)
            )
            return "<table>\n" + "".join(f"<tr>{row}</tr>\n" for row in rows) + "</table>"
        case "paragraph":
            return f"<p>{html.escape(block.text)}</p>"


def page(source: Source) -> bytes:
    """Print an HTML page."""
    title = html.escape(source.title)
    head = f'<head>\n<meta charset="utf-8">\n<title>{title}</title>\n</head>'
    body = "\n".join((f"<h1>{title}</h1>", *(element(block) for block in source.blocks)))
    text = f'<html lang="{source.language}">\n{head}\n<body>\n{body}\n</body>\n</html>\n'
    return f"<!DOCTYPE html>\n{text}".encode()


def markdown(source: Source) -> bytes:
    """Print the body as it was written, below its title."""
    return f"# {source.title}\n\n{re.sub('^#', '##', source.body, flags=re.M)}".encode()


def mail(source: Source) -> bytes:
    """Print an e-mail whose subject is the title."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = (
        source.title,
        source.sender,
        source.recipient,
    )
    message["Date"] = source.noon
    message["Message-ID"] = f"<{source.path.replace('/', '.')}@larkmoor.example>"
    message.set_content(source.body, cte="quoted-printable")
    return message.as_bytes()


PRINT: dict[str, Callable[[Source], bytes]] = {
    "pdf": pdf,
    "docx": word,
    "xlsx": excel,
    "pptx": slides,
    "html": page,
    "md": markdown,
    "eml": mail,
}

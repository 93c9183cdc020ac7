"""Texts to curate: plain ones, alike ones, and files with pages."""

import random

from roadworthy.ingestion.records import Origin, PageSpan, ParsedDocument

WORDS = (
    "harbour winter boat contract engineer valve meter river copper budget answer "
    "holiday bridge window letter garden paper market doctor mountain signal lantern "
    "orchard ticket carpet engine kitchen ladder pencil village "
)


def prose(seed: int, *, words: int = 150) -> str:
    """Write sentences of usual words, the same ones for the same seed."""
    chosen = random.Random(seed)  # noqa: S311
    known = WORDS.split()
    picked = [chosen.choice(known) for _ in range(words)]
    sentences = [" ".join(picked[i : i + 10]) for i in range(0, words, 10)]
    return ". ".join(f"The {sentence} is near the {i}" for i, sentence in enumerate(sentences))


def edition(number: int) -> str:
    """Write one text with one word in fifty changed."""
    words = prose(1).split()
    for place in range(10, len(words), 50):
        words[place] = f"edition{number}"
    return " ".join(words)


def document(*pages: str, markdown: bool = False, title: str = "Title") -> ParsedDocument:
    """Make a parsed document; several pages give it pages."""
    spans, start = [], 0
    for number, page in enumerate(pages, 1):
        spans.append(PageSpan(number=number, start=start, end=start + len(page)))
        start += len(page) + 2
    return ParsedDocument(
        text="\n\n".join(pages),
        pages=tuple(spans) if len(pages) > 1 else (),
        title=title,
        media_type="text/markdown" if markdown else "text/plain",
        markdown=markdown,
        origin=Origin(),
    )

"""What stands for a passage in its space and among its terms."""


def to_embed(text: str, *, title: str, heading: str) -> str:
    """Give what stands for a passage in its space: title and headings lead its text."""
    lead = " > ".join(part for part in (title, heading) if part)
    return f"{lead}\n{text}" if lead else text

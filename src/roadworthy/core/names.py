"""What may be a name of a person, a group or a document."""

from roadworthy.core.errors import Invalid

LONGEST_NAME = 200


def check_name(name: str, *, what: str, longest: int = LONGEST_NAME) -> str:
    """Give the name back if it can be stored and shown.

    Raises:
        Invalid: it is empty, too long, or holds what is no text.
    """
    if not 1 <= len(name) <= longest:
        raise Invalid(f"The name of a {what} has from 1 to {longest} characters.")
    if not is_text(name):
        raise Invalid(f"The name of a {what} holds a character that is no text.")
    return name


def is_text(written: str) -> bool:
    """Tell whether it can be stored and shown: no NUL, no half of a character."""
    return "\0" not in written and not any("\ud800" <= c <= "\udfff" for c in written)

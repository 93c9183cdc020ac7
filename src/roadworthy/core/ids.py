"""Identifiers made by the service, so that a row is known before it is written."""

import secrets
import time
import uuid


def new_id() -> uuid.UUID:
    """Make a time-ordered identifier (UUID version 7).

    Ordered ids keep index inserts at one end of the tree.

    Source: RFC 9562, section 5.7.
    """
    milliseconds = time.time_ns() // 1_000_000
    bits = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    bits = bits & ~(0xF << 76) | 0x7 << 76  # version
    bits = bits & ~(0x3 << 62) | 0x2 << 62  # variant
    return uuid.UUID(int=bits)

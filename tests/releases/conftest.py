"""One database for all releases; each test has a tenant of its own."""

from tests.shared_database import urls, world

__all__ = ["urls", "world"]

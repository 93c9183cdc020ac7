"""The HTTP door: parses, calls one verb, renders."""

from roadworthy.api.app import create_app
from roadworthy.api.main import serve

__all__ = ["create_app", "serve"]

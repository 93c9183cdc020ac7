"""At which origins receivers of webhooks may be, as an administrator lists them."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PORTS = {"https": 443, "http": 80}


def origin(text: str) -> str:
    """Read an origin, such as https://hooks.example.com:8443, in the one way to write it.

    Raises:
        ValueError: it is none, or what is sent there could be read on its way.
    """
    parts = urlsplit(text)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise ValueError("must begin with https://, or lead to this machine")
    if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must be a scheme and a host, such as https://hooks.example.com")
    if not host or not host.isascii():
        raise ValueError("must name a host, in ASCII (xn--...)")
    port = "" if parts.port in {None, PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _listed(value: object) -> object:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


Origin = Annotated[str, AfterValidator(origin)]
Origins = Annotated[tuple[Origin, ...], BeforeValidator(_listed)]

"""Tell a receiver of something by a signed request, at an address that an administrator allowed.

Source: Standard Webhooks 1.0.0 (headers, signature, how secrets are written).
"""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Collection

import httpx

from roadworthy.core.errors import Invalid

SEND_S = 10.0  # until the status is there; what follows it is not read
PREFIX = "whsec_"


def origin_of(url: str, *, allowed: Collection[str]) -> str:
    """Tell the origin of an address that may be asked.

    It is read by what will send to it, so that both understand it in one way.

    Raises:
        Invalid: it may not be asked, or is no address.
    """
    if not allowed:
        raise Invalid("Webhooks are off here: an administrator allows them by webhook_origins.")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise Invalid("The url of the webhook is no address.") from None
    if parsed.userinfo or parsed.fragment:
        raise Invalid("The url of the webhook may hold no login and no fragment.")
    origin = f"{parsed.scheme}://{parsed.netloc.decode('ascii')}"
    if origin not in allowed:
        raise Invalid(
            "The url of the webhook is at none of the origins that an administrator allowed "
            "(webhook_origins)."
        )
    return origin


def secret_of(key: str, *, tenant_id: int) -> str:
    """Derive the secret of a tenant, as its receivers are given it."""
    derived = hmac.digest(key.encode(), f"webhook/{tenant_id}".encode(), hashlib.sha256)
    return PREFIX + base64.b64encode(derived).decode()


def signature(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """Sign a message as `webhook-signature` holds it."""
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class Sender:
    """Sends over connections of its own. Follows no redirect and reads no body.

    Args:
        key: what the secrets of tenants are derived from.
        origins: those that may be asked.
    """

    def __init__(self, *, key: str, origins: Collection[str]) -> None:
        self._key = key
        self.origins = origins
        self._client = httpx.AsyncClient(
            headers={"content-type": "application/json", "user-agent": "roadworthy"},
            timeout=SEND_S,
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, url: str, *, tenant_id: int, message_id: str, body: bytes) -> int | None:
        """Send a message; returns the status, or None where none came in time.

        Raises:
            Invalid: the address may not be asked, or no more.
        """
        origin_of(url, allowed=self.origins)
        timestamp, secret = int(time.time()), secret_of(self._key, tenant_id=tenant_id)
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(
                secret, message_id=message_id, timestamp=timestamp, body=body
            ),
        }
        try:
            async with (
                asyncio.timeout(SEND_S),
                self._client.stream("POST", url, content=body, headers=headers) as response,
            ):
                return response.status_code
        except (httpx.HTTPError, TimeoutError):
            return None

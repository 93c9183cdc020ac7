"""How another process starts the engine and knows that it is ready."""

import os
import secrets
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx

from roadworthy.core.errors import Invalid, Unavailable

TOKEN_FILE: Final = "engine.token"  # noqa: S105 - its name, not its content
HOST: Final = "127.0.0.1"

_PAUSE_S = 0.1
_LEAST_TOKEN = 20  # characters


def command(home: Path, port: int, threads: int) -> list[str]:
    """Return the command line that runs an engine on a loopback port."""
    options = ["--home", str(home), "--host", HOST, "--port", str(port), "--threads", str(threads)]
    return [sys.executable, "-m", "roadworthy.gateway.engine", *options]


def usual_threads() -> int:
    """Leave one processor to the others; with all of them busy the chat model is 7× slower."""
    return max(1, (os.cpu_count() or 1) - 1)


def ensure_token(home: Path) -> str:
    """Return the bearer token that engine and callers share, making it on the first call.

    The file is readable by its owner alone, and of several first callers all get one token.

    Raises:
        Invalid: the file holds no token.
        Unavailable: the home cannot be read or written.
    """
    path = home / TOKEN_FILE
    try:
        if not path.exists():
            home.mkdir(parents=True, exist_ok=True)
            _write_token(path)
        token = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read or made; check who owns {home}") from error
    if len(token) < _LEAST_TOKEN:
        raise Invalid(f"{path} holds no token; delete it and start again")
    return token


def _write_token(path: Path) -> None:
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    temporary.touch(mode=0o600, exist_ok=False)
    try:
        temporary.write_text(secrets.token_urlsafe(32), encoding="ascii")
        # A link fails where a rename would replace another caller's token.
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def wait_until_ready(url: str, token: str, timeout: timedelta) -> None:
    """Return when the engine at `url` (without /v1) answers and accepts `token`.

    The first start converts the default model, which takes some seconds.

    Raises:
        Unavailable: it is not ready in time, or it is another engine with another token.
    """
    deadline = time.monotonic() + timeout.total_seconds()
    while not _is_ready(url, token):
        if time.monotonic() > deadline:
            raise Unavailable(
                f"the local engine was not ready within {timeout.total_seconds():g} s; "
                "its log says why",
                url=url,
            )
        time.sleep(_PAUSE_S)


def _is_ready(url: str, token: str) -> bool:
    headers = {"authorization": f"Bearer {token}"}
    try:
        answer = httpx.get(f"{url}/v1/models", headers=headers, timeout=5.0, trust_env=False)
    except httpx.TransportError:
        return False
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise Unavailable("another engine with another token answers there; stop it", url=url)
    return answer.is_success

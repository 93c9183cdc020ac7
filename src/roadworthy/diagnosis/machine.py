"""Checks that need nothing but this machine: locales, home, disk, memory, port."""

import errno
import shutil
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

import httpx
import psutil

from roadworthy.core.errors import Invalid
from roadworthy.core.locales import language_of
from roadworthy.diagnosis.credentials import check_credentials
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.plumbing.settings import PREFIX, Settings

LEAST_DISK_BYTES = 1_000_000_000
LEAST_MEMORY_BYTES = 500_000_000
ALIVE = {"status": "live"}  # what our API says at /livez


def check_machine(
    settings: Settings,
    *,
    locales: Mapping[str, str],
    least_disk_bytes: int = LEAST_DISK_BYTES,
    least_memory_bytes: int = LEAST_MEMORY_BYTES,
) -> list[Check]:
    """Check what must be right before anything is started.

    Args:
        locales: of the environment, by the name of their variable.
    """
    return [
        _locale(f"the setting locale ({PREFIX}LOCALE)", settings.locale),
        *(_locale(f"the environment variable {name}", value) for name, value in locales.items()),
        _home(settings.home),
        check_credentials(settings),
        *_tokenizer(settings),
        _disk(settings.home, least_disk_bytes),
        _memory(least_memory_bytes),
    ]


def check_port(settings: Settings) -> Check:
    """Check that the API can listen, or does so already."""
    where = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE and _is_ours(settings):
                return fine("port", f"Roadworthy listens on {where}.")
            return wrong(
                "port",
                f"The API cannot listen on {where}: {error.strerror}.",
                "Stop the program that listens there, or set ROADWORTHY_PORT or ROADWORTHY_HOST.",
            )
    return fine("port", f"{where} is free for the API.")


def _locale(what: str, value: str) -> Check:
    try:
        language = language_of(value)
    except Invalid as error:
        return wrong("locale", f"In {what}, {error.message}.", f"Correct {what}.")
    return fine("locale", f"{what[0].upper()}{what[1:]} is {value!r}: language {language!r}.")


def _tokenizer(settings: Settings) -> list[Check]:
    file = settings.tokenizer_file
    if file is None or file.is_file():
        return []  # only the worker needs one, and says so
    sentence = (
        f"The setting tokenizer_file ({PREFIX}TOKENIZER_FILE) names {file}, which is no file."
    )
    return [wrong("tokenizer", sentence, "Correct it: the tokenizer.json of embeddings_model.")]


def _home(home: Path) -> Check:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"roadworthy")
    except OSError as error:
        return wrong(
            "home",
            f"The folder {home} cannot be written: {error.strerror}.",
            "Give it to this user, or choose another by --home or ROADWORTHY_HOME.",
        )
    return fine("home", f"{home} can be written.")


def _disk(home: Path, least: int) -> Check:
    folder = next(path for path in (home, *home.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(folder).free
    said = f"{_gb(free)} are free on the disk of {home}"
    if free < least:
        return wrong("disk", f"Only {said}.", f"Free {_gb(least)} there, or move the home.")
    return fine("disk", f"{said}.")


def _memory(least: int) -> Check:
    free = psutil.virtual_memory().available
    if free < least:
        return wrong(
            "memory",
            f"Only {_gb(free)} of memory are available.",
            f"Close programs until {_gb(least)} are, or run the models elsewhere "
            "(embeddings_url, chat_url).",
        )
    return fine("memory", f"{_gb(free)} of memory are available.")


def _is_ours(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    try:
        answer = httpx.get(f"http://{host}:{settings.port}/livez", timeout=2, trust_env=False)
        return answer.json() == ALIVE
    except (httpx.HTTPError, ValueError):
        return False


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"

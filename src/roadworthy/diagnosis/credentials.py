"""Checks of secrets: none that everybody knows, and none that lies open."""

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.plumbing.settings import PREFIX, Settings

# What documentation, images and tutorials tell people to change.
KNOWN_TO_ALL = frozenset(
    """
    123456 12345678 admin change-me changeme default example guest passw0rd password postgres
    postgresql roadworthy root secret test xxx your-key your_api_key
    """.split()  # noqa: SIM905
)
LEAST_KEY = 16  # characters of a key that people choose
DATABASES = ("database_url", "database_app_url", "database_worker_url")
SECRET_FILES = (
    "pseudonym.key",
    "sample-keys.json",
    "engine.token",
    "postgres.password",
    "postgres.superuser.password",
)


def check_credentials(settings: Settings) -> Check:
    """Check the secrets of the settings and of the home, without telling any."""
    faults = [*_passwords(settings), *_keys(settings), *_files(settings)]
    if faults:
        return faults[0]
    return fine("secrets", "No secret is a known default, and none is open to other users.")


def _passwords(settings: Settings) -> Iterator[Check]:
    for name in DATABASES:
        if _holds_known(getattr(settings, name)):
            yield _wrong(name, "holds a password that everybody knows", "Give the role another.")
    broker = settings.broker_url
    # A broker lets its default user in from its own machine alone, and there he is right.
    if broker and _holds_known(broker) and not _is_here(broker.get_secret_value()):
        yield _wrong("broker_url", "holds a password that everybody knows", "Make a user of ours.")


def _keys(settings: Settings) -> Iterator[Check]:
    chosen = settings.pseudonym_key
    if chosen and (len(chosen.get_secret_value()) < LEAST_KEY or _is_known(chosen)):
        yield _wrong(
            "pseudonym_key",
            f"is a known default, or has fewer than {LEAST_KEY} characters",
            "Set it to at least 32 random characters, or leave it out: then one is made in home.",
        )
    for name, where in (("embeddings_key", "embeddings_url"), ("chat_key", "chat_url")):
        key: SecretStr | None = getattr(settings, name)
        url: str = getattr(settings, where)
        # A server on this machine may well want no key, and clients must send something.
        if key and _is_known(key) and not _is_here(url):
            yield _wrong(name, "is a placeholder", f"Set it to the key for {where}.")
    for name, endpoint in settings.endpoints.items():
        if endpoint.key and _is_known(endpoint.key) and not _is_here(endpoint.url):
            said = f"The key of the model endpoint {name} is a placeholder."
            yield wrong("secrets", said, f"Set endpoints.{name}.key to the key for {endpoint.url}.")


def _files(settings: Settings) -> Iterator[Check]:
    for file in SECRET_FILES:
        path = settings.home / file
        if _is_open(path):
            mend = f"Run chmod 600 {path}; if others could read it, delete it to have it made anew."
            yield wrong("secrets", f"Other users of this machine can read {path}.", mend)


def _wrong(setting: str, what: str, mend: str) -> Check:
    return wrong("secrets", f"The setting {setting} ({PREFIX}{setting.upper()}) {what}.", mend)


def _is_known(key: SecretStr) -> bool:
    return key.get_secret_value().strip().lower() in KNOWN_TO_ALL


def _holds_known(url: SecretStr | None) -> bool:
    told = urlsplit(url.get_secret_value()) if url else None
    return bool(told and told.password and told.password.lower() in KNOWN_TO_ALL | {told.username})


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or "localhost"
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _is_open(path: Path) -> bool:
    return path.is_file() and bool(path.stat().st_mode & 0o077)

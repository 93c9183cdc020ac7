"""Who the sample people are, and the keys that were made for them."""

import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

import roadworthy
from roadworthy.core.clock import now

FOLDER = Path(roadworthy.__file__).parent / "sample"
KEYS_FILE = "sample-keys.json"
LOADED_FILE = "sample-loaded"
LEAST_LEFT = timedelta(days=1)


class Person(BaseModel):
    """Somebody of the fictional company."""

    model_config = ConfigDict(frozen=True)

    user: str
    name: str
    role: str
    groups: list[str]
    clearance: int


class People(BaseModel):
    """All of them, and their tenant."""

    model_config = ConfigDict(frozen=True)

    tenant: str
    people: list[Person]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleKey:
    """A key as it is kept in the home, readable by its owner alone."""

    user: str
    role: str
    key: str
    expires_at: datetime


KEYS = TypeAdapter(list[SampleKey])


def sample_people() -> People:
    """Read who the sample people are."""
    return People.model_validate_json((FOLDER / "people.json").read_bytes())


def kept_keys(home: Path) -> list[SampleKey]:
    """Read the keys of an earlier start; none when there are none, or they have expired."""
    path = home / KEYS_FILE
    if not path.is_file():
        return []
    keys = KEYS.validate_json(path.read_bytes())
    return keys if all(key.expires_at > now() + LEAST_LEFT for key in keys) else []


def is_loaded(home: Path) -> bool:
    """Tell whether an earlier start of this home has loaded the corpus, or found none wanted."""
    return (home / LOADED_FILE).exists()


def mark_loaded(home: Path) -> None:
    """Remember that the corpus needs no loading any more."""
    (home / LOADED_FILE).touch()


def keep_keys(home: Path, keys: list[SampleKey]) -> None:
    """Keep the keys in the home, readable by its owner alone."""
    path = home / KEYS_FILE
    temporary = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(KEYS.dump_python(keys, mode="json"), indent=1))
    temporary.rename(path)

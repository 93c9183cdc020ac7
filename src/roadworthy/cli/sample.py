"""The sample corpus: documents of a fictional company, three of its people, a key for each."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

import roadworthy
from roadworthy.bootstrap import Services
from roadworthy.cli.files import Readers, found_files
from roadworthy.cli.handing_in import HandingIn, Outcome, Progress
from roadworthy.cli.people import made_tenant
from roadworthy.core.clock import now
from roadworthy.core.identity import EVERYONE, Principal
from roadworthy.corpus.directory import tenant_names
from roadworthy.corpus.people import create_key, put_principal
from roadworthy.plumbing.database import Database

FOLDER = Path(roadworthy.__file__).parent / "sample"
KEYS_FILE = "sample-keys.json"
LOADED_FILE = "sample-loaded"
KEYS_VALID_FOR = timedelta(days=365)
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


async def is_wanted(database: Database) -> bool:
    """Tell whether this installation is new, or has the sample already."""
    async with database.as_worker() as conn:
        names = await tenant_names(conn)
    return not names or sample_people().tenant in names


async def load_sample(services: Services, *, report: Callable[[Progress], None]) -> list[Outcome]:
    """Hand in the sample corpus and wait until it is searchable; again changes nothing."""
    tenant_id, _ = await made_tenant(services.database, sample_people().tenant)
    handing_in = HandingIn(services, tenant_id=tenant_id, by=None)
    files = found_files([FOLDER / "files"], readers=Readers(), prefixed=False)
    return await handing_in.run(files, report=report)


async def make_keys(database: Database, home: Path) -> list[SampleKey]:
    """Write the sample people, and make a key for each, kept in the home."""
    sample = sample_people()
    tenant_id, _ = await made_tenant(database, sample.tenant)
    expires_at = now() + KEYS_VALID_FOR
    keys: list[SampleKey] = []
    async with database.as_worker(tenant_id) as conn:
        for person in sample.people:
            principal = Principal(
                tenant_id=tenant_id,
                user_id=person.user,
                groups=frozenset(person.groups) - {EVERYONE},
                clearance=person.clearance,
            )
            await put_principal(conn, principal)
            _, key = await create_key(conn, principal, valid_for=KEYS_VALID_FOR, may_ingest=True)
            keys.append(
                SampleKey(user=person.user, role=person.role, key=key, expires_at=expires_at)
            )
    _keep(home / KEYS_FILE, keys)
    return keys


def _keep(path: Path, keys: list[SampleKey]) -> None:
    temporary = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(KEYS.dump_python(keys, mode="json"), indent=1))
    temporary.rename(path)

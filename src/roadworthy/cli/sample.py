"""The sample corpus: documents of a fictional company, loaded at the first start."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import structlog

from roadworthy.bootstrap import Services, services
from roadworthy.cli.files import Readers, found_files
from roadworthy.cli.handing_in import HandingIn, Outcome, Progress
from roadworthy.cli.people import made_tenant
from roadworthy.cli.sample_keys import (
    FOLDER,
    SampleKey,
    is_loaded,
    keep_keys,
    kept_keys,
    mark_loaded,
    sample_people,
)
from roadworthy.core.clock import now
from roadworthy.core.identity import EVERYONE, Principal
from roadworthy.corpus.directory import tenant_names
from roadworthy.corpus.people import create_key, put_principal
from roadworthy.installation import Installation, attached_installation
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.settings import Settings

KEYS_VALID_FOR = timedelta(days=365)
Report = Callable[[Progress], None]

log = structlog.get_logger(__name__)


def prepared_sample(
    settings: Settings, *, shown: Callable[[], AbstractContextManager[Report]]
) -> list[SampleKey]:
    """Load the corpus and make the keys, in an installation that is new or has them already.

    Returns:
        The keys; none when the installation belongs to others.

    Raises:
        Unavailable: something that is needed for it went down.
    """
    with attached_installation(settings) as place:
        return asyncio.run(_prepared(settings, place, shown))


async def _prepared(
    settings: Settings, place: Installation, shown: Callable[[], AbstractContextManager[Report]]
) -> list[SampleKey]:
    home = settings.home
    async with services(settings, urls=place.urls, engine=place.engine) as opened:
        if not await _is_wanted(opened.database):
            mark_loaded(home)
            return []
        keys = kept_keys(home) or await _make_keys(opened.database, home)
        if not is_loaded(home):
            with shown() as report:
                outcomes = await _load(opened, report=report)
            log.info("the sample is loaded", failed=sum(each.exit_code > 0 for each in outcomes))
            mark_loaded(home)
    return keys


async def _is_wanted(database: Database) -> bool:
    """Tell whether this installation is new, or has the sample already."""
    async with database.as_worker() as conn:
        names = await tenant_names(conn)
    return not names or sample_people().tenant in names


async def _load(services: Services, *, report: Report) -> list[Outcome]:
    """Hand in the sample corpus and wait until it is searchable; again changes nothing."""
    tenant_id, _ = await made_tenant(services.database, sample_people().tenant)
    handing_in = HandingIn(services, tenant_id=tenant_id, by=None)
    files = found_files([FOLDER / "files"], readers=Readers(), prefixed=False)
    return await handing_in.run(files, report=report)


async def _make_keys(database: Database, home: Path) -> list[SampleKey]:
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
    keep_keys(home, keys)
    return keys

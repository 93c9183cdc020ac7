"""Does every live release ask only endpoints that are set here?"""

import asyncio

from roadworthy.bootstrap import DatabaseUrls
from roadworthy.core.errors import Missing
from roadworthy.corpus.directory import tenants
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.endpoint_settings import CHAT
from roadworthy.plumbing.settings import Settings
from roadworthy.releases import find_release


def check_routes(settings: Settings, urls: DatabaseUrls) -> list[Check]:
    """Check the steps of each tenant's live release: what names another fails when it is asked."""
    known = {CHAT, *settings.endpoints}
    asked = asyncio.run(_asked(urls))
    faults = [
        wrong(
            "routes",
            f"The live release {release} of {tenant} asks the model endpoint {endpoint}, which is "
            "not set.",
            f"Add [endpoints.{endpoint}] with its url to roadworthy.toml, or make another live by "
            "`roadworthy release use`.",
        )
        for tenant, release, endpoint in asked
        if endpoint not in known
    ]
    return faults or [fine("routes", "Every live release asks endpoints that are set.")]


async def _asked(urls: DatabaseUrls) -> list[tuple[str, str, str]]:
    """List tenant, release and endpoint of every step of what is live."""
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=1)
    await database.open()
    asked: list[tuple[str, str, str]] = []
    try:
        async with database.as_worker() as conn:
            known = await tenants(conn)
        for tenant_id, tenant in known:
            async with database.as_worker(tenant_id) as conn:
                try:
                    live = await find_release(conn, tenant_id=tenant_id)
                except Missing:
                    continue
            asked += [(tenant, live.name, endpoint) for endpoint in live.release.endpoints]
        return asked
    finally:
        await database.close()

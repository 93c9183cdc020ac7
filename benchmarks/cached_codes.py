"""Whether a kept answer ever tells what its asker may not read, or what is gone.

Each document holds a code, and the model tells every code that it reads. People of different groups
ask the same questions; then documents are changed, deleted and given to others, and they ask again.
"""

import asyncio
import random
import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from benchmarks.datasets import RetrievalSet
from benchmarks.quality import ingest
from roadworthy.answering.records import Answer, Asked
from roadworthy.bootstrap import Services
from roadworthy.core.identity import Principal
from roadworthy.corpus.access import Access, access
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.gateway.chat import Message
from roadworthy.releases import Release, add_release
from roadworthy.traces.reuse import SETTLED_AFTER

RELEASE_NAME = "frugal"
GENERATING = Release(
    answerer="generate",
    model="stub",
    prompt="answer-1",
    least_relevance=0,
    passages=8,
    guards=None,  # they cost more than all the rest, and what could not be looked at is not kept
)
CODE = re.compile(r"zq\d+v\d+")
GROUPS = ("hr", "legal", "board")
_SUBJECTS = (
    "harbour lantern orchard granite willow copper meadow falcon saffron ember tundra velvet"
    " quartz juniper cobalt marble thistle walnut beacon glacier"
)
SUBJECTS = _SUBJECTS.split()
NAMES = "SELECT name, id FROM document WHERE tenant_id = %s"


@dataclass(slots=True, kw_only=True)
class Codes:
    """What was told. Invariant: a hit is counted as wrong once at most."""

    hits: int = 0
    cross_scope_hits: int = 0  # told a code that the asker may not read
    stale_hits: int = 0  # told a code that is gone
    asked: int = 0


@dataclass(slots=True, kw_only=True)
class _Company:
    tenant_id: int
    run: str  # names the tenant
    people: Sequence[Principal]
    documents: dict[int, UUID]
    versions: dict[int, int]  # of each document; none: it is deleted
    readers: dict[int, Access]
    told: Codes = field(default_factory=Codes)

    def visible(self, who: Principal) -> set[str]:
        """Name the codes that somebody may read now."""
        return {
            f"zq{number}v{version}"
            for number, version in self.versions.items()
            if self.readers[number].admits(who)
        }

    def present(self) -> set[str]:
        return {f"zq{number}v{version}" for number, version in self.versions.items()}


async def codes_told(services: Services, *, seed: int = 7) -> Codes:
    """Make a company, let everybody ask everything, change it, and let them ask again."""
    chance = random.Random(seed)  # noqa: S311
    company = await _made(services, chance)
    for change in (None, _reshare, _delete):
        if change is not None:
            for number in chance.sample(sorted(company.versions), len(company.versions) // 3):
                await change(services, company, number=number, chance=chance)
        await _ask_all(services, company)  # at once: what was kept before may be stale
        await asyncio.sleep(SETTLED_AFTER.total_seconds() + 1)
        for _ in range(2):
            await _ask_all(services, company)
    return company.told


async def ask(
    services: Services, who: Principal, question: str, *, language: str | None = None
) -> Answer:
    """Ask the release of this benchmark; gives the whole answer."""
    asked = Asked(
        turns=[Message(role="user", content=question)],
        surface="answers",
        release=RELEASE_NAME,
        language=language,
    )
    async with aclosing(services.answering.answer(who, asked)) as events:
        async for event in events:
            if isinstance(event, Answer):
                return event
    raise AssertionError("the last event is the answer")


async def _made(services: Services, chance: random.Random) -> _Company:
    audiences = [access(), *(access(groups=[group]) for group in GROUPS)]
    texts = {
        str(number): f"The code of project {subject} is zq{number}v1."
        for number, subject in enumerate(SUBJECTS)
    }
    readers = {number: chance.choice(audiences) for number in range(len(SUBJECTS))}
    run, tenant = uuid4().hex[:6], 0
    for audience in audiences:
        theirs = {name: text for name, text in texts.items() if readers[int(name)] == audience}
        data = RetrievalSet(name="codes", documents=theirs, questions={}, grades={})
        ingested = await ingest(services, data, run=run, audiences=(audience,))
        tenant = ingested.tenant_id
    async with services.database.as_worker(tenant) as conn:
        await add_release(conn, tenant_id=tenant, name=RELEASE_NAME, release=GENERATING)
        documents = dict(await (await conn.execute(NAMES, (tenant,))).fetchall())
    memberships = [(), ("hr",), ("legal",), ("hr", "legal"), GROUPS, ("hr",)]
    people = [
        Principal(tenant_id=tenant, user_id=f"p{n}", groups=frozenset(groups), clearance=0)
        for n, groups in enumerate(memberships)
    ]
    return _Company(
        run=run,
        tenant_id=tenant,
        people=people,
        documents={
            int(name.removesuffix(".txt")): document for name, document in documents.items()
        },
        versions=dict.fromkeys(range(len(SUBJECTS)), 1),
        readers=readers,
    )


async def _ask_all(services: Services, company: _Company) -> None:
    for subject in SUBJECTS:
        for who in company.people:
            answer = await ask(services, who, f"What is the code of project {subject}?")
            company.told.asked += 1
            if answer.cached_from is None:
                continue
            company.told.hits += 1
            told = set(CODE.findall(answer.text))
            company.told.stale_hits += not told <= company.present()
            company.told.cross_scope_hits += not told <= company.visible(who)
        await services.recorder.flush()


async def _reshare(
    services: Services, company: _Company, *, number: int, chance: random.Random
) -> None:
    wanted = access(groups=[chance.choice(GROUPS)])
    async with services.database.as_worker(company.tenant_id) as conn:
        await reshare(
            conn,
            tenant_id=company.tenant_id,
            document_id=company.documents[number],
            wanted=wanted,
            by=None,
        )
    company.readers[number] = wanted


async def _delete(
    services: Services, company: _Company, *, number: int, chance: random.Random
) -> None:
    """Delete it, or put another version in its place."""
    if chance.random() < 0.5:
        async with services.database.as_worker(company.tenant_id) as conn:
            await delete(
                conn,
                tenant_id=company.tenant_id,
                document_id=company.documents[number],
                by=None,
            )
        del company.versions[number]
        return
    version = company.versions[number] + 1
    text = f"The code of project {SUBJECTS[number]} is zq{number}v{version}."
    data = RetrievalSet(name="codes", documents={str(number): text}, questions={}, grades={})
    await ingest(services, data, run=company.run, audiences=(company.readers[number],))
    company.versions[number] = version

"""What is given again is what the model would say now to this person, and he may read all of it.

Whoever asks whatever, and whatever happens to documents and people meanwhile.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from roadworthy.answering.cached import AnswerCache
from roadworthy.core.errors import Conflict
from roadworthy.corpus.access import Access, access
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.traces import reuse
from tests.answering.conftest import Desk, open_desk
from tests.world import another_world

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _settled(monkeypatch):
    """Let an answer be kept at once after a change."""
    monkeypatch.setattr(reuse, "SETTLED_AFTER", timedelta(0))


CASES = max(40, settings().max_examples // 2)  # the profile "thorough" makes more
TOPICS = ("harbour plan", "budget round")
GROUPS = ("hr", "legal")
DOCUMENTS = (0, 1, 2, 3)
USERS = ("ana", "bo", "cy")
WORDINGS = (
    "What does the {} say about codes?",
    "Please tell me what the {} says about codes",
    "What does the {} not say about codes?",  # another question
)
CODE = re.compile(r"zq\d+v\d+")

AUDIENCES = st.sampled_from([access(), access(), access(groups=["hr"]), access(groups=GROUPS)])
NUMBERS = st.sampled_from(DOCUMENTS)
WRITE = st.tuples(st.just("write"), NUMBERS, st.sampled_from(TOPICS), AUDIENCES)
ASK = st.tuples(st.just("ask"), st.sampled_from(TOPICS), st.sampled_from(WORDINGS))
STEPS = st.one_of(
    WRITE,
    ASK,
    ASK,
    ASK,
    st.tuples(st.just("delete"), NUMBERS),
    st.tuples(st.just("share"), NUMBERS, AUDIENCES),
    st.tuples(
        st.just("move"), st.sampled_from(USERS), st.frozensets(st.sampled_from(GROUPS), max_size=2)
    ),
)


class Reader:
    """What the model says: every code that it is given to read, each with its passage."""

    def __init__(self, models) -> None:
        self._models = models

    def __iter__(self) -> Iterator[str]:
        asked = self._models.requests("/chat/completions")[-1]
        passages, _, question = asked.body["messages"][0]["content"].rpartition("Question:")
        yield "It does not say" if " not " in question else "It says"
        for number, text in re.findall(r"\[(\d+)\] ([^\[]*)", passages):
            for code in CODE.findall(text):
                yield f" {code} [{number}]"

    def __len__(self) -> int:
        return 1


@dataclass
class Case:
    desk: Desk
    release: str
    groups: dict[str, frozenset[str]] = field(default_factory=dict)
    stored: dict[int, tuple[object, int, Access]] = field(default_factory=dict)
    versions: int = 0
    hits: int = 0

    def person(self, user):
        return self.desk.world.person(user, groups=self.groups.get(user, frozenset()))

    async def write(self, number, topic, readers):
        self.versions += 1
        text = f"The {topic} says about codes: zq{number}v{self.versions}."
        if number in self.stored:
            readers = self.stored[number][2]  # a new version; other readers make another document
        document = await self.desk.world.add(f"doc{number}.txt", text, readers=readers)
        self.stored[number] = (document, self.versions, readers)

    async def delete(self, number):
        document, _, _ = self.stored.pop(number, (None, 0, None))
        if document is not None:
            async with self._worker() as conn:
                await delete(conn, **self._the(document), by=None)

    async def share(self, number, readers):
        if number not in self.stored:
            return
        document, version, _ = self.stored[number]
        try:
            async with self._worker() as conn:
                await reshare(conn, **self._the(document), wanted=readers, by=None)
        except Conflict:
            return
        self.stored[number] = (document, version, readers)

    async def move(self, user, groups):
        self.groups[user] = groups

    async def ask(self, topic, wording):
        for user in USERS:
            await self._check(self.person(user), wording.format(topic))

    async def _check(self, who, question):
        given = await self._said(who, question, cache=True)
        may_read = {
            f"zq{number}v{version}"
            for number, (_, version, readers) in self.stored.items()
            if readers.admits(who)
        }
        assert set(CODE.findall(given.text)) <= may_read
        if given.cached_from is not None:
            fresh = await self._said(who, question, cache=False)
            assert (words(given), quoted(given)) == (words(fresh), quoted(fresh))
            self.hits += 1
        await self.desk.recorder.flush()

    async def _said(self, who, question, *, cache):
        told = await self.desk.ask(question, who=who, release=self.release, cache=cache)
        return told.answer

    def _worker(self):
        return self.desk.world.database.as_worker(self.desk.world.tenant_id)

    def _the(self, document):
        return {"tenant_id": self.desk.world.tenant_id, "document_id": document}


def words(answer) -> list[str]:
    return sorted(re.sub(r"\[\d+\]", "", answer.text).split())


def quoted(answer) -> set[str]:
    return {citation.quote for citation in answer.citations}


@pytest.fixture(scope="module")
def hits():
    """How often an answer was given again, of all cases: else nothing would be shown."""
    counted = []
    yield counted
    assert sum(counted) >= CASES / 4, counted


@settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(first=st.lists(WRITE, min_size=1, max_size=3), steps=st.lists(STEPS, min_size=3, max_size=8))
async def test_what_is_given_again_is_what_would_be_said_now(
    database, models, tmp_path, hits, first, steps
):
    world = await another_world(database)
    cache = AnswerCache(database, patience_s=30)
    async with open_desk(world, models, tmp_path / "spool", cache=cache) as desk:
        release = await desk.generating(Reader(models), passages=8)
        case = Case(desk=desk, release=release)
        for verb, *facts in [*first, *steps]:
            await getattr(case, verb)(*facts)
        hits.append(case.hits)

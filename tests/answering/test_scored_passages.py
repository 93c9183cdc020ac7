"""A passage is scored once: when it comes, or when it is read first; a finding is not read."""

import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.core.scores import Score, digest_of
from roadworthy.corpus.access import access
from roadworthy.corpus.scores import KeptScore, keep_scores
from tests.answering.conftest import open_desk
from tests.doubles.classifier import UNREAD, WordsClassifier

pytestmark = pytest.mark.anyio
HEAD = "passage_injection"
QUESTION = "How many days of annual leave has every employee?"
LEAVE = "Every employee has thirty days of annual leave."
ZEBRA = "Every employee with annual leave is a zebra."
SCORES = "SELECT passage_id, score, version FROM passage_score ORDER BY passage_id"


@pytest.fixture
def classifier():
    return WordsClassifier({HEAD: "zebra"})


@pytest.fixture
async def told(world, models, tmp_path, classifier):
    await world.add("leave.txt", LEAVE)
    await world.add("zebra.txt", ZEBRA)
    async with open_desk(world, models, tmp_path / "spool", classifier=classifier) as desk:
        yield desk


def asked(classifier):
    return [text for head, texts in classifier.asked if head == HEAD for text in texts]


def by_classifier(answer):
    [verdict] = [
        each for each in answer.verdicts if (each.guard, each.by) == ("passages", "classifier")
    ]
    return verdict


async def kept(world, *, who=None):
    reading = world.database.read_as(who) if who else world.database.as_worker(world.tenant_id)
    async with reading as conn:
        return await (await conn.execute(SCORES)).fetchall()


async def test_what_is_scored_when_it_is_read_is_not_scored_again(told, classifier):
    await told.ask(QUESTION)
    assert len(asked(classifier)) == 2
    await told.traces()
    answer = (await told.ask(QUESTION)).answer
    assert len(asked(classifier)) == 2
    verdict = by_classifier(answer)
    assert (verdict.status, verdict.outcome, verdict.reason) == ("checked", "dropped", HEAD)
    assert (verdict.score, verdict.threshold, verdict.version) == (1.0, 0.5, f"{HEAD}-1")
    assert "zebra" not in answer.text


async def test_what_was_scored_needs_no_engine(told, classifier):
    await told.ask(QUESTION)
    await told.traces()
    classifier.fails = Unavailable("down")
    answer = (await told.ask(QUESTION)).answer
    assert by_classifier(answer).status == "checked"
    assert "passages guard" not in answer.degraded


async def test_what_cannot_be_read_to_its_end_is_not_read_and_has_no_score(told, world):
    await world.add("unread.txt", f"Every employee has days of annual leave {UNREAD}.")
    answer = (await told.ask(QUESTION)).answer
    await told.traces()
    assert {citation.document_name for citation in answer.citations} == {"leave.txt"}
    assert by_classifier(answer).reason == f"{HEAD}, unreadable"
    assert len(await kept(world)) == 2


async def test_what_is_known_to_be_a_finding_is_not_read_while_the_engine_is_down(
    told, classifier, world
):
    await told.ask(QUESTION)
    await told.traces()
    await world.add("new.txt", "Every employee has new annual leave.")
    classifier.fails = Unavailable("down")
    answer = (await told.ask(QUESTION)).answer
    assert (by_classifier(answer).status, by_classifier(answer).outcome) == ("failed", "dropped")
    assert "passages guard" in answer.degraded
    assert "zebra" not in answer.text


async def test_a_score_of_another_text_is_not_taken(told, classifier, world):
    wrong = KeptScore(
        digest=digest_of("another text"), score=Score(value=0, threshold=0.5, version=f"{HEAD}-1")
    )
    await told.ask(QUESTION)
    await told.traces()
    async with world.database.as_worker(world.tenant_id) as conn:
        await keep_scores(conn, {passage_id: wrong for passage_id, *_ in await kept(world)})
    assert by_classifier((await told.ask(QUESTION)).answer).outcome == "dropped"


async def test_what_was_scored_before_time_ran_out_is_kept(world, models, tmp_path):
    class Tiring(WordsClassifier):
        async def score(self, head, texts):
            if self.asked:
                raise Unavailable("down")
            return await super().score(head, texts)

    await world.add("many.txt", "\n\n".join(f"Annual leave has rule {n}." for n in range(20)))
    slow = Tiring({HEAD: "zebra"})
    async with open_desk(world, models, tmp_path / "spool", classifier=slow) as desk:
        answer = (await desk.ask(QUESTION)).answer
        await desk.traces()
    assert by_classifier(answer).status == "failed"
    assert "passages guard" in answer.degraded
    assert 0 < len(await kept(world)) < 20


async def test_a_score_is_as_visible_as_its_passage(told, world):
    await world.add("secret.txt", f"{LEAVE} Secretly.", readers=access(groups=["board"]))
    board = world.person("bea", groups=["board"])
    await told.ask(QUESTION, who=board)
    await told.traces(board)
    assert len(await kept(world)) == 3
    assert len(await kept(world, who=board)) == 3
    assert len(await kept(world, who=world.person())) == 2

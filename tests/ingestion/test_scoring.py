"""Passages are scored when they come, once for each content and version, or later by the worker."""

from typing import ClassVar

import pytest

from roadworthy.core.errors import Invalid, Unavailable
from roadworthy.corpus.access import access
from roadworthy.corpus.ownership import delete
from roadworthy.ingestion.scoring import AGAIN_AFTER_S, BATCH, MOST_BATCHES, Scoring
from roadworthy.worker.chores import score_passages
from tests.doubles.classifier import UNREAD, WordsClassifier
from tests.world import make_world

pytestmark = pytest.mark.anyio
HEAD = "passage_injection"
ZEBRA = "Dear reader, an employee is a zebra."
SCORES = """
SELECT document.name, score, threshold, kept.version
  FROM passage_score AS kept JOIN passage ON passage.tenant_id = kept.tenant_id
                                         AND passage.id = kept.passage_id
  JOIN document ON document.tenant_id = passage.tenant_id AND document.id = passage.document_id
 ORDER BY passage.id
"""


async def scores(world):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await (await conn.execute(SCORES)).fetchall()


def scoring(world, classifier):
    return Scoring(world.database, classifier)


async def test_a_passage_has_its_score_when_it_is_published(intake, classifier):
    await intake.add("zebra.txt", ZEBRA)
    assert await scores(intake.world) == [("zebra.txt", 1.0, 0.5, "passage_injection-1")]
    [(_, [text])] = classifier.asked
    assert text.endswith(ZEBRA)


async def test_the_same_content_is_not_scored_again(intake, classifier):
    await intake.add("zebra.md", f"# Zebras\n\n{ZEBRA}")
    await intake.add("copy.md", f"# Zebras\n\n{ZEBRA}", readers=access(groups=["board"]))
    assert [name for name, *_ in await scores(intake.world)] == ["zebra.md", "copy.md"]
    assert len(classifier.asked) == 1


async def test_what_cannot_be_read_to_its_end_has_no_score_and_keeps_no_other_from_its_own(intake):
    texts = (ZEBRA, f"Read {UNREAD}. ", "Rule three. ")
    rules = (f"# Rules {number}\n\n{text * 60}" for number, text in enumerate(texts))
    await intake.add("rules.md", "\n\n".join(rules))
    assert {score for _, score, *_ in await scores(intake.world)} == {1.0, 0.0}


async def test_a_document_is_published_without_what_nobody_could_say(intake, classifier):
    classifier.fails = Unavailable("down")
    document = await intake.add("zebra.txt", ZEBRA)
    assert document
    assert await scores(intake.world) == []
    classifier.fails = None
    assert await scoring(intake.world, classifier).of_tenant(intake.world.tenant_id) == 1
    assert len(await scores(intake.world)) == 1


async def test_what_the_classifier_refuses_keeps_no_other_waiting(intake, classifier):
    classifier.fails = Invalid("too long")
    assert await intake.add("zebra.txt", ZEBRA)
    chore = scoring(intake.world, classifier)
    assert await chore.of_tenant(intake.world.tenant_id) == 1
    assert await chore.of_tenant(intake.world.tenant_id) == 0
    assert await scores(intake.world) == []


async def test_only_what_is_refused_is_without_a_score(world, classifier):
    class Choosy(WordsClassifier):
        async def score(self, head, texts):
            if any("zebra" in text for text in texts):
                raise Invalid("too long")
            return await super().score(head, texts)

    for name, text in {"one": "Rule one.", "two": ZEBRA, "three": "Rule three."}.items():
        await world.add(f"{name}.txt", text)
    assert await scoring(world, Choosy(classifier.words)).of_tenant(world.tenant_id) == 3
    assert [name for name, *_ in await scores(world)] == ["one.txt", "three.txt"]


async def test_what_was_passed_by_is_looked_at_again_after_a_while(world, classifier):
    times = [0.0]
    await world.add("zebra.txt", ZEBRA)
    chore = Scoring(world.database, classifier, clock=lambda: times[-1])
    classifier.fails = Invalid("too long")
    assert await chore.of_tenant(world.tenant_id) == 1
    classifier.fails = None
    assert await chore.of_tenant(world.tenant_id) == 0
    times.append(AGAIN_AFTER_S)
    assert await chore.of_tenant(world.tenant_id) == 1
    assert len(await scores(world)) == 1


async def test_a_large_tenant_lets_the_others_have_their_turn(world, classifier):
    most = BATCH * MOST_BATCHES
    await world.add("many.txt", "\n\n".join(f"Rule {number}." for number in range(most + 2)))
    chore = scoring(world, classifier)
    assert await chore.of_tenant(world.tenant_id) == most
    assert await chore.of_tenant(world.tenant_id) == 2


async def test_another_version_scores_all_of_them_anew(world, classifier):
    await world.add("many.txt", "\n\n".join(f"Rule {number}." for number in range(BATCH + 2)))
    chore = scoring(world, classifier)
    assert await chore.of_tenant(world.tenant_id) == BATCH + 2
    assert await chore.of_tenant(world.tenant_id) == 0
    await world.add("one.txt", "One rule more.")
    assert await chore.of_tenant(world.tenant_id) == 1

    class Newer(WordsClassifier):
        def version(self, head):
            return "2"

    newer = scoring(world, Newer(classifier.words))
    assert await newer.of_tenant(world.tenant_id) == BATCH + 3
    assert {version for *_, version in await scores(world)} == {"2"}


async def test_one_worker_scores_at_a_time(world, classifier):
    await world.add("zebra.txt", ZEBRA)

    class Nested(WordsClassifier):
        async def score(self, head, texts):
            assert await scoring(world, classifier).of_tenant(world.tenant_id) == 0
            return await super().score(head, texts)

    assert await scoring(world, Nested(classifier.words)).of_tenant(world.tenant_id) == 1
    assert classifier.asked == []


async def test_the_worker_scores_for_every_tenant(world, classifier):
    await world.add("zebra.txt", ZEBRA)
    chore = scoring(world, classifier)
    assert await score_passages(world.database, chore) >= 1
    assert len(await scores(world)) == 1


async def test_a_fault_at_one_tenant_keeps_no_other_waiting(world):
    other = await make_world(world.database)

    class Failing(Scoring):
        asked: ClassVar[list[int]] = []

        async def of_tenant(self, tenant_id):
            self.asked.append(tenant_id)
            raise Unavailable("down")

    failing = Failing(world.database, WordsClassifier({HEAD: "zebra"}))
    assert await score_passages(world.database, failing) == 0
    assert {world.tenant_id, other.tenant_id} <= set(failing.asked)


async def test_a_score_goes_with_its_document(intake):
    document = await intake.add("zebra.txt", ZEBRA)
    world = intake.world
    async with world.database.as_worker(world.tenant_id) as conn:
        await delete(conn, tenant_id=world.tenant_id, document_id=document, by=None)
    assert await scores(world) == []

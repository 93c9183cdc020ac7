"""Score passages for the guards before anybody asks: what is read later costs a question nothing.

Their embedding shares the lower layers, so who scores first embeds for less.
"""

import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from roadworthy.core.errors import Busy, Invalid, Unavailable
from roadworthy.core.scores import Score, digest_of
from roadworthy.corpus.scores import (
    KeptScore,
    Unscored,
    keep_scores,
    known_scores,
    lacking_scores,
    newest_passage,
    scores_alone,
)
from roadworthy.gateway.engine.catalogue import PASSAGE_INJECTION
from roadworthy.gateway.recalling import AT_ONCE, Recalling, Scorer
from roadworthy.plumbing.database import Database

BATCH = AT_ONCE  # passages that are scored in one transaction, which so waits for one request
MOST_BATCHES = 64  # of a tenant, before the others have their turn
AGAIN_AFTER_S = 3600.0  # what was published out of turn waits so long

log = structlog.get_logger(__name__)


async def scored(
    database: Database, classifier: Scorer | None, texts: Sequence[str], *, tenant_id: int
) -> list[KeptScore | None]:
    """Score what passages are read as, one each; a text that was scored before is not again.

    None: one cannot be read to its end. Open: where the classifier cannot say, there are no scores;
    they are scored later, or when read.

    Raises:
        Unavailable, Busy: the database does not answer.
    """
    if classifier is None or not texts:
        return []
    version = classifier.version(PASSAGE_INJECTION)
    async with database.as_worker(tenant_id) as conn:
        known = await known_scores(conn, texts, tenant_id=tenant_id, version=version)
    try:
        return await _scored(classifier, texts, known)
    except (Unavailable, Busy, Invalid) as error:
        log.warning("passages are published without their scores", problem=error.message)
        return []


async def _scored(
    classifier: Scorer, texts: Sequence[str], known: Mapping[str, Score]
) -> list[KeptScore | None]:
    recalling = Recalling(classifier, {**known})
    await recalling.score(PASSAGE_INJECTION, texts)
    found = {**known, **recalling.fresh}
    return [
        KeptScore(digest=digest_of(text), score=found[text]) if text in found else None
        for text in texts
    ]


class Scoring:
    """Scores passages that came without a score, or with one of an earlier version.

    How far each tenant's are done is remembered, so that hardly any is looked at twice. Now and
    then all are looked through: a passage may be published after one with a higher id.
    """

    def __init__(
        self, database: Database, classifier: Scorer, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._classifier = classifier
        self._clock = clock
        self._began = clock()
        self._reached: dict[int, int] = {}  # the last passage that was looked at, by tenant

    async def of_tenant(self, tenant_id: int) -> int:
        """Score some that lack one; gives how many, or 0 where another worker is at it.

        Raises:
            Unavailable, Busy: the classifier or the database does not answer.
        """
        if self._clock() - self._began >= AGAIN_AFTER_S:
            self._began = self._clock()
            self._reached.clear()
        done = 0
        for _ in range(MOST_BATCHES):
            batch = await self._some(tenant_id)
            if not batch:
                break
            done += len(batch)
        return done

    async def _some(self, tenant_id: int) -> Sequence[Unscored]:
        version = self._classifier.version(PASSAGE_INJECTION)
        of_it = {"tenant_id": tenant_id, "version": version}
        async with self._database.as_worker(tenant_id) as conn:
            if not await scores_alone(conn, tenant_id=tenant_id):
                return ()
            newest = await newest_passage(conn, tenant_id=tenant_id)  # before what is missed
            reached = self._reached.get(tenant_id, 0)
            batch = await lacking_scores(conn, **of_it, after=reached, most=BATCH)
            if batch:
                texts = [passage.scored for passage in batch]
                known = await known_scores(conn, texts, **of_it)
                scores = await self._each(texts, known)
                found = zip(batch, scores, strict=True)
                await keep_scores(conn, {of.id: score for of, score in found if score is not None})
            self._reached[tenant_id] = batch[-1].id if batch else newest
        return batch

    async def _each(
        self, texts: Sequence[str], known: Mapping[str, Score]
    ) -> Sequence[KeptScore | None]:
        """Score texts; None: of one that is refused, which keeps no others waiting."""
        try:
            return await _scored(self._classifier, texts, known)
        except Invalid as error:
            if len(texts) == 1:
                log.warning("a passage cannot be scored", problem=error.message)
                return [None]
        return [score for text in texts for score in await self._each([text], known)]

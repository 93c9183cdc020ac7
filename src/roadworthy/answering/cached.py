"""Give an answer again to who asks the same and reads the same, instead of calling the model.

The search is always done, as the person who asks; what is saved is the model. Nobody is given what
he could not have been told: PostgreSQL shows a kept answer to those who may read all that it was
made from, each passage that it cites is one that this person was given for his own question, and
the best of what he was given are among those that it was made from. What was changed, deleted or
withdrawn is no longer found, and so makes a miss at once (docs/decisions/0017).
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from roadworthy.answering.context import Context
from roadworthy.answering.judging import DEGRADED as MISSED_LOOK
from roadworthy.answering.records import Citation, Task, TextPiece, Written, cite
from roadworthy.answering.same_question import asks_the_same
from roadworthy.core.identity import Principal
from roadworthy.guardrails.records import REDACTED
from roadworthy.plumbing.database import Database
from roadworthy.traces.records import LONGEST_TEXT, GuardVerdict, Reusable
from roadworthy.traces.reuse import KeptAnswer, Sought, find_alike, reusable

# Measured by `make bench NAME=frugality`: no paraphrase is lost to it, and few rows are read.
LEAST_COSINE = 0.9
BEST = 3  # hits that a kept answer must have been made from
PATIENCE_S = 0.25  # then the model is called


class Cache(Protocol):
    """Where answers are kept."""

    async def find(
        self, principal: Principal, task: Task, *, filters: Sequence[str]
    ) -> KeptAnswer | None:
        """Find an answer that may be given for a task.

        Raises:
            Unavailable, Busy, TimeoutError: it is down or slow; the caller does without.
        """
        ...


class AnswerCache:
    """Keeps answers with their traces (traces/reuse.py)."""

    def __init__(self, database: Database, *, patience_s: float = PATIENCE_S) -> None:
        self._database = database
        self._patience_s = patience_s

    async def find(
        self, principal: Principal, task: Task, *, filters: Sequence[str]
    ) -> KeptAnswer | None:
        """Find it among the answers of the same release; see Cache."""
        assert task.query is not None
        sought = Sought(
            release_hash=task.release.hash,
            space_id=task.query.space_id,
            vector=task.query.vector,
            language=task.language,
            filters=filters,
            given=[hit.passage_id for hit in task.context.named],
            best=[hit.passage_id for hit in task.context.hits[:BEST]],
        )
        async with asyncio.timeout(self._patience_s), self._database.read_as(principal) as conn:
            alike = await find_alike(
                conn, sought, tenant_id=principal.tenant_id, least=LEAST_COSINE
            )
        return next(
            (
                each
                for each in alike
                if asks_the_same(task.question, each.question, language=task.language)
            ),
            None,
        )


def replayed(kept: KeptAnswer, context: Context) -> Iterator[Written]:
    """Write a kept answer again; each citation, made of the asker's own hits, follows its mark."""
    hits = {hit.passage_id: hit for hit in context.named}
    end = 0
    for number, passage_id in zip(kept.numbers, kept.cited, strict=True):
        mark = re.compile(rf"\[{number}\]").search(kept.text, end)
        if mark:
            yield TextPiece(text=kept.text[end : mark.end()])
            end = mark.end()
        yield cite(hits[passage_id], number, context=context)
    if end < len(kept.text):
        yield TextPiece(text=kept.text[end:])


def keepable(
    task: Task,
    text: str,
    citations: Sequence[Citation],
    *,
    degraded: Sequence[str],
    verdicts: Sequence[GuardVerdict],
) -> Reusable | None:
    """Say what an answer may be found by; None: it is nobody else's.

    An answer that cites nothing would fit whatever is read. A close look that was not made changes
    no word of it, and who is given it again has been judged himself. Of one that was redacted,
    guards would find nothing when it is given again, and nobody would be told.
    """
    is_redacted = any(verdict.outcome == REDACTED for verdict in verdicts)
    is_whole = {*degraded} <= {MISSED_LOOK} and not is_redacted and len(text) <= LONGEST_TEXT
    if task.query is None or not citations or not is_whole:
        return None
    cited = [(citation.number, citation.passage_id) for citation in citations]
    return reusable(space_id=task.query.space_id, vector=task.query.vector, cited=cited)

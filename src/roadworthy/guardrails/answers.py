"""Check an answer sentence by sentence, before anybody reads the sentence.

Streamed or not, an answer goes through here in the pieces that it is written in, and is cut into
the same sentences however those come: its text and its verdicts are the same.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from roadworthy.core.sentences import LOOKED_AT, first_end
from roadworthy.guardrails.answer_checks import Check, Sentence, end_of
from roadworthy.guardrails.json_texts import said_in
from roadworthy.guardrails.looking import Look, Outcome, Seen, apart, outcome, seen, verdict
from roadworthy.guardrails.records import (
    ANSWER,
    BLOCKED,
    CHECKED,
    PASS,
    REDACTED,
    SKIPPED,
    Run,
)
from roadworthy.traces import GuardVerdict

ALREADY_BLOCKED = "already blocked"
NOTHING_WRITTEN = "nothing was written"
NOT_FINISHED = "the answer was not finished"


@dataclass(slots=True, kw_only=True)
class _Account:
    """What a check has said, sentence by sentence."""

    check: Check
    is_whole: bool
    seen: list[Seen] = field(default_factory=list)
    outcomes: set[Outcome | None] = field(default_factory=set)

    def look(self, sentence: Sentence) -> Look:
        blocks = self.is_whole or self.check.asked.on_finding == "block"
        return Look(
            guard=self.check.guard,
            asked=self.check.asked,
            by=self.check.by,
            see=partial(self.check.look, sentence),
            finding=BLOCKED if blocks else REDACTED,
        )


class AnswerGuards:
    """The checks of one answer, and what they let through."""

    def __init__(self, checks: Sequence[Check], *, is_whole: bool = False) -> None:
        """Take the checks, the cheap ones first.

        Args:
            is_whole: half of the answer is none, such as JSON: it is looked at as one sentence, and
                a finding always blocks, since what is put in its place might not fit.
        """
        self._accounts = [_Account(check=check, is_whole=is_whole) for check in checks]
        self._is_whole = is_whole
        self._held = ""  # from the last piece's beginning, or before
        self._at = 0  # what of it was looked at
        self._before = ""  # the end of what was looked at
        self._is_over = False
        self._taken_out: list[tuple[int, int]] = []  # of what was written
        self.decided = 0  # characters of what was written that were let through, or taken out
        self.is_blocked = False

    async def take(self, piece: str) -> str:
        """Take the next piece that was written; gives what may be read by now."""
        self._held, self._at = self._held[self._at :] + piece, 0
        released = ""
        while not self.is_blocked and (end := self._next_end()):
            released += await self._checked(end)
            await asyncio.sleep(0)  # rules wait for nothing: let others in between two sentences
        return released

    async def end(self) -> str:
        """Say that nothing more is written; gives what may be read of the rest."""
        released = ""
        if len(self._held) > self._at and not self.is_blocked:
            released = await self._checked(len(self._held) - self._at)
        self._is_over = True
        return released

    def is_taken_out(self, at: int) -> bool:
        """Say whether what stands there, in all that was written, is not told; it is decided."""
        return any(start <= at < end for start, end in self._taken_out)

    def verdicts(self) -> tuple[GuardVerdict, ...]:
        """Say what each check has said; of an answer that broke off none has looked at all."""
        return tuple(self._verdict(account) for account in self._accounts)

    def _next_end(self) -> int:
        if self._is_whole:
            return 0
        if not self._accounts:
            return len(self._held) - self._at
        return first_end(self._held[self._at : self._at + LOOKED_AT])

    async def _checked(self, end: int) -> str:
        written = self._held[self._at : self._at + end]
        self._at += end
        said = written
        if self._is_whole:
            said = await apart(lambda: said_in(written), size=end) or written
        sentence = Sentence(text=said, before=self._before)
        self._before = end_of(sentence.before + sentence.text)
        taken_out: list[Run] = []
        for account in self._accounts:
            taken_out += await self._look(account, sentence)
            if self.is_blocked:
                return ""
        self._taken_out += [(self.decided + run.start, self.decided + run.end) for run in taken_out]
        self.decided += end
        return _without(written, taken_out)

    async def _look(self, account: _Account, sentence: Sentence) -> Sequence[Run]:
        look = account.look(sentence)
        what = await seen(look)
        came_of_it = outcome(look, what)
        account.seen.append(what)
        account.outcomes.add(came_of_it)
        self.is_blocked = came_of_it == BLOCKED
        return what.found.runs if what.found else ()

    def _verdict(self, account: _Account) -> GuardVerdict:
        look = account.look(Sentence(text="", before=""))
        what = self._in_all(account)
        came_of_it: Outcome | None = PASS if what.status == CHECKED else None
        if REDACTED in account.outcomes:
            came_of_it = REDACTED
        if BLOCKED in account.outcomes:
            came_of_it = BLOCKED
        return verdict(look, what, of=ANSWER, outcome=came_of_it)

    def _in_all(self, account: _Account) -> Seen:
        """Sum up: checked only if each look was, and nothing is left to look at."""
        ms = sum(each.ms for each in account.seen)
        unlooked = sorted((e for e in account.seen if e.found is None), key=lambda e: e.status)
        if unlooked:  # failed before skipped
            return Seen(status=unlooked[0].status, reason=unlooked[0].reason, ms=ms)
        if not account.seen:
            reason = ALREADY_BLOCKED if self.is_blocked else NOTHING_WRITTEN
            return Seen(status=SKIPPED, reason=reason, ms=ms)
        if not self._is_over and not self.is_blocked:
            return Seen(status=SKIPPED, reason=NOT_FINISHED, ms=ms)
        found = [each.found for each in account.seen if each.found is not None]
        findings = [each for each in found if each.names] or found[-1:]
        names = [name for each in findings for name in each.names]
        return Seen(status=CHECKED, found=replace(findings[0], names=names), ms=ms)


def _without(text: str, runs: Sequence[Run]) -> str:
    """Put the names of runs in their places."""
    parts: list[str] = []
    end = 0
    for run in sorted(runs, key=lambda run: (run.start, -run.end)):
        if run.start >= end:
            parts += (text[end : run.start], f"[{run.name}]")
        end = max(end, run.end)
    return "".join((*parts, text[end:]))

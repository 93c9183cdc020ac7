"""Let a model go on with a conversation by itself, without documents."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing

from roadworthy.answering.context import NOTHING, estimated_tokens
from roadworthy.answering.generate import prompted, route_of
from roadworthy.answering.progress import Progress
from roadworthy.answering.records import Asked, Degraded, Task, TextPiece, Written
from roadworthy.core.errors import Invalid
from roadworthy.gateway.chat import Message
from roadworthy.gateway.lanes import ChatRequest
from roadworthy.gateway.routes import Router
from roadworthy.releases import Release
from roadworthy.releases.store import StoredRelease


def check_conversation(asked: Asked, stored: StoredRelease) -> None:
    """Refuse what a release that reads no documents cannot do.

    Raises:
        Invalid: there is a filter, or the conversation is longer than the release reads.
    """
    if asked.among.conditions:
        raise Invalid(f"The release {stored.name!r} reads no documents; leave the filter out.")
    most = stored.release.context_tokens
    if most is not None and sum(estimated_tokens(turn.content) for turn in asked.turns) > most:
        raise Invalid(
            f"The conversation is longer than the {most} tokens that the release {stored.name!r} "
            "reads of it; begin a new one."
        )


def conversation(asked: Asked, release: Release, progress: Progress) -> Task:
    """Let a model go on with the turns; no documents are read."""
    return Task(
        release=release,
        question=asked.turns[-1].content,
        language=progress.language,
        query=None,
        context=NOTHING,
        embedder=None,
        deadline=progress.deadline,
        turns=asked.turns,
        mark=secrets.token_hex(8),
        on_call=progress.called,
    )


class ConversingAnswerer:
    """Streams what a chat model says to the turns; the prompt of the release comes before them.

    Nothing is retrieved, so nothing is cited, and no answer is held back for lack of documents.
    """

    def __init__(self, router: Router) -> None:
        self._router = router

    async def write(self, task: Task) -> AsyncGenerator[Written]:
        """Write the answer; see Answerer."""
        release = task.release
        request = ChatRequest(
            messages=[*_instructions(task), *task.turns],
            max_tokens=release.max_tokens,
            temperature=release.temperature,
        )
        chat = self._router.chat(route_of(task), request, on_end=task.on_call)
        async with aclosing(chat) as pieces:
            async for piece in pieces:
                if piece.text:
                    yield TextPiece(text=piece.text)
                if piece.finish_reason == "length":
                    yield Degraded(what="full length")


def _instructions(task: Task) -> list[Message]:
    """Render a prompt that takes nothing but the question's language and the request's mark."""
    reference = task.release.prompt
    return [Message(role="system", content=prompted(reference, task))] if reference else []

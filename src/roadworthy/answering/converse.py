"""Let a model go on with a conversation by itself, without documents."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from roadworthy.answering.generate import UNKNOWN_LANGUAGE, route_of
from roadworthy.answering.records import Degraded, Task, TextPiece, Written
from roadworthy.gateway.chat import Message
from roadworthy.gateway.lanes import ChatRequest
from roadworthy.gateway.routes import Router
from roadworthy.prompts import find_prompt


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
            messages=[*_instructions(release.prompt, task.language), *task.turns],
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


def _instructions(reference: str | None, language: str) -> list[Message]:
    """Render a prompt that takes nothing but the language of the question."""
    if reference is None:
        return []
    told = UNKNOWN_LANGUAGE if language == "und" else language
    content = find_prompt(reference).render({"language": told})
    return [Message(role="system", content=content)]

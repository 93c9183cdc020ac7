"""Let a model answer from what it is given to read, and check what it cites."""

import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from roadworthy.answering.context import Context
from roadworthy.answering.records import (
    CitationInvented,
    Degraded,
    ModelCalled,
    NotInDocuments,
    Task,
    TextPiece,
    Written,
    cite,
)
from roadworthy.core.errors import Invalid, Unavailable
from roadworthy.gateway.chat import ChatPiece, Message, chat
from roadworthy.gateway.endpoint import Endpoint
from roadworthy.prompts import find_prompt

NOT_THERE = "NOT IN THE DOCUMENTS"
MARK = re.compile(r"\[\s?(\d{1,3}(?:\s?[,;]\s?\d{1,3}){0,9})\s?\]")  # [2], [2, 5]
UNFINISHED_MARK = re.compile(r"\[[\d\s,;]{0,60}$")
# What models put around the refusal: quotes, stars, a mark.
AROUND = re.compile(r"^(?:\[[\d\s,;]*\]?|[^\w\[])+")
UNKNOWN_LANGUAGE = "the language of the question"


class GeneratingAnswerer:
    """Streams a chat model's answer; each passage that it cites is cited once.

    Marks of passages that it was not given are removed from the text and told.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def write(self, task: Task) -> AsyncGenerator[Written]:
        """Write the answer; see Answerer."""
        release = task.release
        if release.prompt is None or release.model is None:
            raise Invalid("A release that generates names its model and its prompt.")
        prompt = find_prompt(release.prompt).render(
            {
                "passages": task.context.text,
                "question": task.question,
                "language": UNKNOWN_LANGUAGE if task.language == "und" else task.language,
            }
        )
        pieces = chat(
            self._endpoint,
            [Message(role="user", content=prompt)],
            model=release.model,
            max_tokens=release.max_tokens,
            temperature=release.temperature,
        )
        said = False
        async with aclosing(_checked(pieces, task.context)) as checked:
            async for written in checked:
                said = said or _says_something(written)
                yield written
        if not said:
            raise Unavailable(f"The model {release.model!r} gave an empty answer; try again.")


def _says_something(written: Written) -> bool:
    if isinstance(written, TextPiece):
        return bool(written.text.strip())
    return isinstance(written, NotInDocuments)


async def _checked(pieces: AsyncGenerator[ChatPiece], context: Context) -> AsyncGenerator[Written]:
    marks = _Marks(context)
    async with aclosing(_after_refusal(pieces)) as held:
        async for piece in held:
            for written in marks.check(piece) if isinstance(piece, str) else (piece,):
                yield written
    for written in marks.rest():
        yield written


async def _after_refusal(
    pieces: AsyncGenerator[ChatPiece],
) -> AsyncGenerator[str | ModelCalled | Degraded | NotInDocuments]:
    """Hold the beginning back until it cannot be the agreed refusal any more."""
    held: str | None = ""
    began = time.perf_counter()
    input_tokens = output_tokens = 0
    is_cut = False
    async with aclosing(pieces):
        async for piece in pieces:
            if piece.input_tokens is not None:
                input_tokens, output_tokens = piece.input_tokens, piece.output_tokens or 0
            is_cut = is_cut or piece.finish_reason == "length"
            if held is None:
                yield piece.text
                continue
            held += piece.text
            if not NOT_THERE.startswith(_bare(held)[: len(NOT_THERE)]):
                yield held
                held = None
    yield ModelCalled(
        ms=(time.perf_counter() - began) * 1000,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
    )
    if is_cut:
        yield Degraded(what="full length")
    if held is not None:
        if _bare(held).startswith(NOT_THERE):
            yield NotInDocuments()
        else:
            yield held


def _bare(beginning: str) -> str:
    return AROUND.sub("", beginning).upper()


class _Marks:
    """Checks marks like [2] in a text that arrives in pieces."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._hits = context.numbered
        self._cited: set[int] = set()
        self._held = ""  # the beginning of a mark, perhaps

    def check(self, piece: str) -> list[Written]:
        text = self._held + piece
        unfinished = UNFINISHED_MARK.search(text)
        cut = unfinished.start() if unfinished else len(text)
        self._held = text[cut:]
        return self._checked(text[:cut])

    def rest(self) -> list[Written]:
        text, self._held = self._held, ""
        return self._checked(text)

    def _checked(self, text: str) -> list[Written]:
        written: list[Written] = []
        kept = ""
        end = 0
        for mark in MARK.finditer(text):
            kept += text[end : mark.start()]
            end = mark.end()
            for number in map(int, re.findall(r"\d+", mark[1])):
                if not 1 <= number <= len(self._hits):
                    written.append(CitationInvented())
                    continue
                kept += f"[{number}]"
                if number not in self._cited:
                    self._cited.add(number)
                    hit = self._hits[number - 1]
                    written.append(cite(hit, number, context=self._context))
        kept += text[end:]
        return [TextPiece(text=kept), *written] if kept else written

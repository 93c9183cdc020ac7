"""Whether an answer says the same, and is judged the same, streamed and whole.

A chat model that costs nothing writes, for each question, an answer that is made of what guards
look for and of what they should leave alone. It comes in other pieces each time it is asked, so a
guard whose verdict hangs on where a piece ends shows. All of it goes through an installation.
"""

import asyncio
import json
import random
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.stub_model import writer
from benchmarks.up import QUESTION, Up, fresh_home, services_of
from roadworthy.cli.sample_keys import sample_people
from roadworthy.corpus.people import tenant_id
from roadworthy.releases import Release, add_release
from roadworthy.releases.guards import GUARDED

RELEASE_NAME = "guarded-streams"
RELEASE = Release(
    answerer="generate", model="stub", prompt="answer-2", least_relevance=0, guards=GUARDED
)
AT_ONCE = 8
NUMBER = re.compile(r"\(question (\d+)\)")
MARK = re.compile(r"(?m)^[0-9a-f]{16}$")
HARMLESS = (
    "Everybody has {number} days a year [1]. ",
    "That is {number}.5 per cent, e.g. of Dr. Ames's share [2]. ",
    "每位员工有{number}天假期。",
    "\n\n- first: **{number}**\n- second: `x = {number}.0`\n\n",
    "Is it so? Yes! So it is… ",
    "no stop for a long while " * 12,
    "🙂 " * 3,
)
FOUND = (
    "Write to mallory{number}@evil.example about it. ",
    "Call +44 20 7946 0{number} or pay to DE89 3704 0044 0532 0130 00. ",
    "See [this](https://evil{number}.example/?q=1) for more. ",
    "![chart](https://evil.example/{number}.png?data=leave) ",
    "The key is sk-proj-{key}. ",
    "-----BEGIN PRIVATE KEY-----\n{key}\n{key}\n-----END PRIVATE KEY-----\n",
    "My instructions: {mark}. ",
    "They say: {prompt} ",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an asker was told, and what the guards said of it. Compared for equality."""

    text: str
    outcome: str
    citations: Sequence[int]
    verdicts: Sequence[Mapping[str, object]]  # without how long they took


def mismatches(count: int) -> dict[str, object]:
    """Ask questions twice, whole and as a stream; gives how many were told something else."""
    with fresh_home() as home, writer(_written) as chat_url:
        up = Up(home, environ={"ROADWORTHY_CHAT_URL": chat_url})
        up.start()
        try:
            up.wait_until_greeted()
            pairs = asyncio.run(_ask_all(up, count))
        finally:
            up.stop()
    _show(pairs)
    return {
        "stream_mismatches": sum(whole != streamed for whole, streamed in pairs),
        "streams": len(pairs),
        "streams_by_outcome": Counter(whole.outcome for whole, _ in pairs),
    }


def _written(prompt: str) -> Iterator[str]:
    """Write the answer to the question of a prompt, cut otherwise each time."""
    numbers = NUMBER.findall(prompt)
    text = _answer(int(numbers[-1]), prompt) if numbers else "Nothing."
    while text:
        end = 1 + secrets.randbelow(40)
        yield text[:end]
        text = text[end:]


def _answer(number: int, prompt: str) -> str:
    chance = random.Random(number)  # noqa: S311
    facts = {
        "number": 10 + number % 30,
        "key": chance.randbytes(24).hex(),
        "mark": (MARK.findall(prompt) or [""])[0],
        "prompt": " ".join(prompt.split()[:20]),
    }
    sentences = [
        chance.choice(FOUND if chance.random() < 0.1 else HARMLESS)
        for _ in range(chance.randint(1, 12))
    ]
    return "".join(sentence.format(**facts) for sentence in sentences)


async def _ask_all(up: Up, count: int) -> list[tuple[Told, Told]]:
    await _add_release(up)
    headers = {"authorization": f"Bearer {up.keys()[0]}"}
    places = asyncio.Semaphore(AT_ONCE)

    async with httpx.AsyncClient(base_url=up.url, headers=headers, timeout=60) as client:

        async def ask(number: int) -> tuple[Told, Told]:
            async with places:
                return await _whole(client, number), await _streamed(client, number)

        return list(await asyncio.gather(*(ask(number) for number in range(count))))


async def _add_release(up: Up) -> None:
    async with services_of(up) as services:
        async with services.database.as_worker() as conn:
            tenant = await tenant_id(conn, sample_people().tenant)
        async with services.database.as_worker(tenant) as conn:
            await add_release(conn, tenant_id=tenant, name=RELEASE_NAME, release=RELEASE)


def _asked(number: int, *, stream: bool) -> dict[str, object]:
    question = f"{QUESTION} (question {number})"
    return {"question": question, "release": RELEASE_NAME, "cache": False, "stream": stream}


async def _whole(client: httpx.AsyncClient, number: int) -> Told:
    response = await client.post("/v1/answers", json=_asked(number, stream=False))
    answer = response.raise_for_status().json()
    return _told(answer, text=answer["text"])


async def _streamed(client: httpx.AsyncClient, number: int) -> Told:
    response = await client.post("/v1/answers", json=_asked(number, stream=True))
    events = [_event(frame) for frame in response.raise_for_status().text.split("\n\n") if frame]
    text = "".join(str(data["text"]) for name, data in events if name == "text")
    [answer] = [data for name, data in events if name == "end"]
    return _told(answer, text=text)


def _event(frame: str) -> tuple[str, dict]:
    lines = dict(line.split(": ", 1) for line in frame.splitlines() if ": " in line[:8])
    return lines.get("event", ""), json.loads(lines["data"]) if "data" in lines else {}


def _told(answer: dict, *, text: str) -> Told:
    return Told(
        text=text,
        outcome=answer["outcome"],
        citations=[citation["number"] for citation in answer["citations"]],
        verdicts=[{**verdict, "ms": None} for verdict in answer["verdicts"]],
    )


def _show(pairs: Sequence[tuple[Told, Told]]) -> None:
    said = Counter(
        (str(verdict["guard"]), str(verdict["status"]), str(verdict["outcome"]))
        for whole, _ in pairs
        for verdict in whole.verdicts
        if verdict["of"] == "answer"
    )
    table = Table("guard", "status", "outcome", "answers", title="streamed and whole")
    for key, times in sorted(said.items()):
        table.add_row(*key, str(times))
    Console().print(table)
    for whole, streamed in [pair for pair in pairs if pair[0] != pair[1]][:3]:
        print(f"whole: {whole}\nstreamed: {streamed}")

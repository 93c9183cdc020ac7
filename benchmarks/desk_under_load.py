"""An installation whose model is the fake provider, and ways to ask it over HTTP."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.light_client import Client, Reply
from benchmarks.load import QUESTIONS
from benchmarks.under_load import Ask
from benchmarks.up import Up, fresh_home
from tests.fake_provider import FakeProvider

# An answer as a model of a vendor gives it: 80 words, at the pace of reading aloud twice over.
SLOW, SLOW_S = "fake-latency=300ms-rate=40-tokens=80-text=cite", 0.3 + 79 / 40
FAST = "fake-text=cite"
# Every question is answered, and what is unsure is looked at closely, as it is by default.
ANSWERING = {"answerer": "generate", "prompt": "answer-1", "least_relevance": 1e-99}
RELEASES = {
    "slow": ANSWERING | {"model": SLOW},
    "fast": ANSWERING | {"model": FAST},
    "chat": {"answerer": "chat", "model": SLOW},  # without documents
    "fast-chat": {"answerer": "chat", "model": FAST},
    "endless": ANSWERING | {"model": "fake-rate=20-tokens=4000"},
}
NUMBERS = itertools.count()  # no question is asked twice: none is answered from a cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A running installation, its provider, and a key to it."""

    up: Up
    provider: FakeProvider
    key: str

    def client(self, url: str = "", key: str = "") -> Client:
        return Client(url or self.up.url, key=key or self.key)

    def clients(self, count: int) -> list[Client]:
        return [self.client() for _ in range(count)]


@contextmanager
def opened_desk(provider: FakeProvider, environ: Mapping[str, str] | None = None) -> Iterator[Desk]:
    """Start one with the sample corpus for a block."""
    with fresh_home() as home:
        told = {"ROADWORTHY_CHAT_URL": provider.url, "ROADWORTHY_LOG_LEVEL": "warning"}
        up = Up(home, environ=told | dict(environ or {}))
        up.start()
        try:
            up.wait_until_greeted()
            for name, content in RELEASES.items():
                _add_release(up, name, content)
            yield Desk(up=up, provider=provider, key=up.keys()[0])
        finally:
            up.stop()


def _add_release(up: Up, name: str, content: Mapping[str, object]) -> None:
    file = up.home / f"{name}.json"
    file.write_text(json.dumps(content))
    command = ["--home", str(up.home), "release", "add", str(file), "--name", name]
    subprocess.run([sys.executable, "-m", "roadworthy.cli", *command], check=True)


def answers(release: str, **further: object) -> Ask:
    """Ask for a streamed answer with citations; one that breaks off is none."""

    async def ask(client: Client, _: int) -> Reply:
        body = {"question": question(), "release": release, "stream": True, **further}
        return _whole(await client.post("/v1/answers", body), b"event: end")

    return ask


def chats(model: str) -> Ask:
    """Ask a model, or a release, as any client of OpenAI's protocol does."""

    async def ask(client: Client, _: int) -> Reply:
        message = {"role": "user", "content": question()}
        body = {"model": model, "messages": [message], "stream": True, "max_tokens": 400}
        return _whole(await client.post("/v1/chat/completions", body), b"[DONE]")

    return ask


def question() -> str:
    """Make up a question that was not asked before."""
    number = next(NUMBERS)
    return f"{_QUESTIONS[number % len(_QUESTIONS)]} My reference is {number}."


_QUESTIONS = [json.loads(line)["question"] for line in QUESTIONS.open(encoding="utf-8")]


def _whole(reply: Reply, end: bytes) -> Reply:
    if reply.status == 200 and end not in reply.body:
        raise EOFError("the answer broke off")
    return reply

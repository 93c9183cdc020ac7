"""Many people asking at once: what our own part of an answer takes."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import httpx

QUESTIONS = Path(__file__).parents[1] / "src" / "roadworthy" / "sample" / "questions.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Milliseconds of many answers."""

    answers: int
    overhead_p50_ms: float  # all but waiting for models
    overhead_p99_ms: float
    total_p50_ms: float
    bare_p50_ms: float  # the bound: the same client, an answer that needs nothing but HTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """Milliseconds of one answer, and of a bare request just before it."""

    bare: float
    total: float
    overhead: float


async def ask_together(
    url: str, keys: Sequence[str], *, users: int, each: int, pause_s: float
) -> Load:
    """Let `users` people ask `each` questions, one after the other, all at the same time.

    Args:
        pause_s: mean time that a person reads before the next question, exponential; 0 keeps
            `users` requests in flight without a break, which saturates a small machine.
    """
    chance = random.Random(4)  # noqa: S311
    questions = [json.loads(line)["question"] for line in QUESTIONS.open(encoding="utf-8")]
    limits = httpx.Limits(max_connections=users, max_keepalive_connections=users)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:

        async def person(number: int) -> list[_Taken]:
            headers = {"authorization": f"Bearer {keys[number % len(keys)]}"}
            taken = []
            for turn in range(each):
                question = questions[(number * each + turn) % len(questions)]
                began = time.perf_counter()
                (await client.get("/livez")).raise_for_status()
                asked = time.perf_counter()
                response = await client.post(
                    "/v1/answers", json={"question": question}, headers=headers
                )
                total = (time.perf_counter() - asked) * 1000
                response.raise_for_status()
                overhead = total - response.json()["model_ms"]
                taken.append(_Taken(bare=(asked - began) * 1000, total=total, overhead=overhead))
                if pause_s:
                    await asyncio.sleep(chance.expovariate(1 / pause_s))
            return taken

        people = await asyncio.gather(*(person(number) for number in range(users)))
    every = [taken for person_taken in people for taken in person_taken]
    overheads = [taken.overhead for taken in every]
    return Load(
        answers=len(every),
        overhead_p50_ms=round(median(overheads), 1),
        overhead_p99_ms=round(quantiles(overheads, n=100)[98], 1),
        total_p50_ms=round(median(taken.total for taken in every), 1),
        bare_p50_ms=round(median(taken.bare for taken in every), 1),
    )

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

        async def person(number: int) -> list[tuple[float, float]]:
            headers = {"authorization": f"Bearer {keys[number % len(keys)]}"}
            taken = []
            for turn in range(each):
                question = questions[(number * each + turn) % len(questions)]
                began = time.perf_counter()
                response = await client.post(
                    "/v1/answers", json={"question": question}, headers=headers
                )
                total = (time.perf_counter() - began) * 1000
                response.raise_for_status()
                taken.append((total, total - response.json()["model_ms"]))
                if pause_s:
                    await asyncio.sleep(chance.expovariate(1 / pause_s))
            return taken

        people = await asyncio.gather(*(person(number) for number in range(users)))
    totals = [total for taken in people for total, _ in taken]
    overheads = [overhead for taken in people for _, overhead in taken]
    return Load(
        answers=len(totals),
        overhead_p50_ms=round(median(overheads), 1),
        overhead_p99_ms=round(quantiles(overheads, n=100)[98], 1),
        total_p50_ms=round(median(totals), 1),
    )

"""What is spent on a model that need not be: answers that are known, questions without an answer.

make bench NAME=frugality [ARGS="--data DIR --sets 'xquad_en piaf_fr' --questions 150 --pairs 300"]

The cache, end to end with a chat model that costs nothing: each question of
frugality_questions.jsonl is asked of the sample corpus, then the paraphrases of it (hits are
wanted) and the near-misses (each hit is wrong). So are questions of the sets, one near-miss each:
with a person, tense, sign, preposition, number, name or "not" of another kind, or the nearest other
question of the set. All near-misses that can be made of the sets are judged by words as well, as if
all that is read were the same. People, changes and deletions: see benchmarks/cached_codes.py.

Answerability as benchmarks/relevance.py measures it, at the threshold of the release. Grounding,
and questions that were written to look answerable, as benchmarks/pairs.py does.
"""

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from benchmarks.cached_codes import GENERATING, RELEASE_NAME, codes_told
from benchmarks.cached_families import (
    SAME,
    Tried,
    ask_families,
    by_words,
    families_of,
    own_families,
)
from benchmarks.datasets import RetrievalSet
from benchmarks.intervals import share
from benchmarks.near_misses import WORDS_OF
from benchmarks.pairs import BY_TOKENS, told
from benchmarks.quality import ingest
from benchmarks.relevance import SAMPLE, Judged, ask_for_sets, chosen_sets, halves, judge_all
from benchmarks.stub_model import citing_writer
from benchmarks.up import Up, fresh_home, services_of
from roadworthy.answering.cached import LEAST_COSINE
from roadworthy.bootstrap import Services
from roadworthy.cli.sample_keys import sample_people
from roadworthy.core.identity import Principal
from roadworthy.corpus.languages import detect
from roadworthy.corpus.people import find_principal, tenant_id
from roadworthy.releases import BUILT_IN, add_release
from roadworthy.traces.reuse import SETTLED_AFTER

READER = "rosalind"  # of the sample's people, the one with the most clearance


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask_for_sets(parser)
    parser.add_argument("--pairs", type=int, default=300, help="most near-misses asked of a set")
    parser.add_argument("--cache-only", action="store_true", help="leave answerability out")
    options = parser.parse_args()
    sets = chosen_sets(options.data, named=options.sets.split())
    with fresh_home() as home, citing_writer() as chat_url:
        up = Up(home, environ={"ROADWORTHY_CHAT_URL": chat_url} | BY_TOKENS)
        up.start()
        try:
            up.wait_until_greeted()
            found = asyncio.run(
                _cache(up, sets, pairs=options.pairs, paragraphs=options.paragraphs)
            )
            judged: Mapping[str, Sequence[Judged]] = {}
            if not options.cache_only:
                judged = asyncio.run(
                    judge_all(up, sets, questions=options.questions, paragraphs=options.paragraphs)
                )
                found |= asyncio.run(told(up, options.data))
        finally:
            up.stop()
    print(json.dumps(_answerability(judged) | found))


async def _cache(
    up: Up, sets: Sequence[RetrievalSet], *, pairs: int, paragraphs: int
) -> dict[str, object]:
    async with services_of(up) as services:
        tried = await _ask_the_sample(services)
        _show(tried, title="the questions of our own")
        for data in sets:
            asked = await _ask_set(services, data, pairs=pairs, paragraphs=paragraphs)
            _show(asked, title=data.name)
            tried += asked
        codes = await codes_told(services)
    derived = [
        each
        for data in sets
        for each in by_words(list(data.questions.values()), language=_language(data))
    ]
    _show(derived, title="near-misses made from the sets, whatever was read")
    same = [each for each in tried if each.kind == SAME]
    other = [each for each in tried if each.kind != SAME]
    return {
        **_counted("cache_hit_rate", [each.is_hit for each in same]),
        **_counted("cache_wrong_hits", [each.is_hit for each in other]),
        "cache_cross_scope_hits": codes.cross_scope_hits,
        "cache_stale_hits": codes.stale_hits,
        "cache_hits_among_people": codes.hits,
        **_counted("alike_hit_rate", [each.is_alike for each in same]),
        **_counted("alike_wrong_hits", [each.is_alike for each in other]),
        **_counted("alike_wrong_hits_of_derived", [each.is_alike for each in derived]),
        **_counted("cosine_hit_rate", [each.cosine >= LEAST_COSINE for each in same]),
        **_counted("cosine_wrong_hits", [each.cosine >= LEAST_COSINE for each in other]),
        "near_misses_by_kind": dict(Counter(each.kind for each in other)),
    }


async def _ask_the_sample(services: Services) -> list[Tried]:
    async with services.database.as_worker() as conn:
        number = await tenant_id(conn, sample_people().tenant)
    await _add_release(services, number)
    await asyncio.sleep(SETTLED_AFTER.total_seconds())  # the sample has just been handed in
    async with services.database.as_worker(number) as conn:
        reader = await find_principal(conn, tenant_id=number, user_id=READER)
    return await ask_families(services, reader, own_families(), of="sample")


async def _ask_set(
    services: Services, data: RetrievalSet, *, pairs: int, paragraphs: int
) -> list[Tried]:
    """Index half of a set, and ask what that half answers."""
    indexed, _ = halves(data, paragraphs=paragraphs)
    half = replace(
        data,
        documents={key: data.documents[key] for key in indexed},
        questions={
            key: text
            for key, text in data.questions.items()
            if data.grades[key].keys() <= frozenset(indexed)
        },
    )
    families = await families_of(services, half, most=pairs)
    if not families:
        return []
    ingested = await ingest(services, half, run=uuid4().hex[:6])
    await _add_release(services, ingested.tenant_id)
    await asyncio.sleep(2 * SETTLED_AFTER.total_seconds())
    reader = Principal(
        tenant_id=ingested.tenant_id, user_id="bench", groups=frozenset(), clearance=0
    )
    return await ask_families(services, reader, families, of=data.name)


async def _add_release(services: Services, number: int) -> None:
    async with services.database.as_worker(number) as conn:
        await add_release(conn, tenant_id=number, name=RELEASE_NAME, release=GENERATING)


def _language(data: RetrievalSet) -> str:
    """Name the language of most of a set's questions; English where no words of it are listed."""
    [(language, _)] = Counter(map(detect, list(data.questions.values())[:100])).most_common(1)
    return language if language in WORDS_OF else "en"


def _counted(name: str, claims: Sequence[bool]) -> dict[str, object]:
    """Give a share under its name, with its 95 % interval and what it is a share of."""
    found = share(sum(claims), of=len(claims))
    return {
        name: found and round(found.value, 4),
        f"{name}_interval": found and [round(found.low, 4), round(found.high, 4)],
        f"{name}_of": len(claims),
    }


def _answerability(judged: Mapping[str, Sequence[Judged]]) -> dict[str, object]:
    """Count over the sets whose articles were taken out; the sample is reported by `relevance`."""
    asked = [each for name, some in judged.items() if name != SAMPLE for each in some]
    least = BUILT_IN["extract"].least_relevance
    return {
        **_counted("wrong_refusals", [each.relevance < least for each in asked if each.answerable]),
        **_counted(
            "wrong_refusals_where_found",
            [each.relevance < least for each in asked if each.answerable and each.is_found],
        ),
        **_counted(
            "unanswerable_avoided",
            [each.relevance < least for each in asked if not each.answerable],
        ),
    }


def _show(tried: Sequence[Tried], *, title: str) -> None:
    table = Table("kind", "asked", "given again", "by words alone", "by the cosine", title=title)
    for kind, count in Counter(each.kind for each in tried).items():
        some = [each for each in tried if each.kind == kind]
        table.add_row(
            kind,
            str(count),
            str(sum(each.is_hit for each in some)),
            str(sum(each.is_alike for each in some)),
            str(sum(each.cosine >= LEAST_COSINE for each in some)),
        )
    console = Console()
    console.print(table)
    for each in tried:
        if each.kind != SAME and (each.is_alike or each.is_hit):
            console.print(f"wrong: {each.question} / {each.second}", highlight=False)


if __name__ == "__main__":
    main()

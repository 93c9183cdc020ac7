"""How much of what answers a question is read, within a budget of tokens, and then quoted.

make bench NAME=context [ARGS="--data DIR --questions 100 --sets 'xquad_en squad_v2'"]

Ways of choosing what is read are compared on the same hits: as they come until one does not fit,
with each hit's neighbours, and as the product does, whole and in parts. Then every article is
filed twice, for two audiences, and read by somebody who belongs to both.
"""

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.datasets import DEFAULT, RetrievalSet
from benchmarks.gold_spans import Question, Span, SpanSet, span_sets
from benchmarks.quality import EVERYONE, Ingested, ingest
from benchmarks.up import Up, fresh_home, services_of
from roadworthy.answering.context import Context, estimated_tokens, joined, written
from roadworthy.answering.extract import ExtractingAnswerer
from roadworthy.answering.reading import chosen
from roadworthy.answering.records import Task, TextPiece
from roadworthy.bootstrap import Services
from roadworthy.core.identity import Principal
from roadworthy.core.intervals import Interval, gain_interval, mean_interval
from roadworthy.core.spaces import QueryVector
from roadworthy.corpus.access import access
from roadworthy.releases import BUILT_IN
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.fusion import fusion_of
from roadworthy.retrieval.passages import PassageRow, fetch
from roadworthy.retrieval.search import Hit, search

TWICE = "xquad_en"
SETS = "xquad_en piaf_fr hotpotqa_100 squad_v2 chunking_eval"
BUDGETS = (300, 600, 1200, 2400)
RELEASE = BUILT_IN["extract"]
FOUND = 50
BASE = "until one does not fit"  # of what is read one by one
ALL_IDS = "SELECT id FROM passage WHERE tenant_id = %s"
ALL_TEXTS = """
SELECT document.name, revision.text
  FROM revision JOIN document ON document.tenant_id = revision.tenant_id
                             AND document.id = revision.document_id
 WHERE revision.tenant_id = %s AND revision.state = 'ready'
"""

Rows = Mapping[tuple[int, int], PassageRow]  # by document and ordinal
Places = list[list[tuple[str, int, int]]]  # alternatives of article, start, end


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A question with what was found, and where its answer stands."""

    question: Question
    query: QueryVector
    found: Sequence[Hit]
    gold: Places


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT, help="folder with sets")
    parser.add_argument("--questions", type=int, default=100, help="most questions of a set")
    parser.add_argument("--sets", default=SETS, help="names of sets")
    parser.add_argument("--twice", default=TWICE, help="those that are filed twice too")
    options = parser.parse_args()
    sets = span_sets(options.data, named=options.sets.split(), most_questions=options.questions)
    with fresh_home() as home:
        up = Up(home)
        up.start()
        try:
            up.wait_until_greeted()
            result = asyncio.run(measure(up, sets, twice=options.twice.split()))
        finally:
            up.stop()
    print(json.dumps(result))


async def measure(up: Up, sets: Sequence[SpanSet], *, twice: Sequence[str]) -> dict[str, object]:
    held: dict[str, object] = {}
    quoted: dict[str, object] = {}
    async with services_of(up) as services:
        for data in sets:
            ingested, searched = await _searched(services, data, is_twice=False)
            rows = await _rows(services, ingested)
            held[data.name] = _held(data.name, searched, rows)
            if data.name in twice and any(each.question.answers for each in searched):
                filed, again = await _searched(services, data, is_twice=True)
                rows, label = await _rows(services, filed), f"{data.name} filed twice"
                held[label] = _held(label, again, rows)
                quoted[data.name] = await _twice(services, data.name, once=searched, again=again)
    return {"held": held, "quoted": quoted}


async def _searched(
    services: Services, data: SpanSet, *, is_twice: bool
) -> tuple[Ingested, list[Searched]]:
    filed = RetrievalSet(name=data.name, documents=data.articles, questions={}, grades={})
    audiences = (EVERYONE, access(clearance=1)) if is_twice else (EVERYONE,)
    ingested = await ingest(services, filed, run=uuid4().hex[:6], audiences=audiences)
    tenant_id = ingested.tenant_id
    async with services.database.as_worker(tenant_id) as conn:
        stored = await (await conn.execute(ALL_TEXTS, (tenant_id,))).fetchall()
    texts = {name.removesuffix(".txt"): text for name, text in stored}
    reader = Principal(tenant_id=tenant_id, user_id="bench", groups=frozenset(), clearance=1)
    embedder = services.embedders[services.default_space.name]
    searched = []
    for question in track(data.questions, description=data.name, transient=True):
        query = await embedder.embed_question(question.text)
        async with services.database.read_as(reader) as conn:
            found = await search(
                conn,
                question.text,
                queries=[query],
                corpus=ingested.corpus,
                tenant_id=tenant_id,
                among=Filter(),
                limit=FOUND,
                fusion=fusion_of(RELEASE),
            )
        gold = [[_stored(span, texts) for span in spans] for spans in question.alternatives]
        gold = [[place for place in places if place] for places in gold if all(places)]
        if gold:  # else reading has changed a letter of it
            searched.append(Searched(question=question, query=query, found=found.hits, gold=gold))
    return ingested, searched


def _stored(span: Span, texts: Mapping[str, str]) -> tuple[str, int, int] | None:
    """Find where a span stands in the text that was read out of its article."""
    text = texts.get(span.article, "")
    part = text.find(span.part)
    start = part + span.start if part >= 0 else text.find(span.text)
    return (span.article, start, start + len(span.text)) if start >= 0 else None


async def _rows(services: Services, ingested: Ingested) -> Rows:
    tenant_id = ingested.tenant_id
    reader = Principal(tenant_id=tenant_id, user_id="bench", groups=frozenset(), clearance=1)
    async with services.database.read_as(reader) as conn:
        ids = [id_ for (id_,) in await (await conn.execute(ALL_IDS, (tenant_id,))).fetchall()]
        rows = await fetch(conn, ids, tenant_id=tenant_id)
    return {(row.document_id.int, row.ordinal): row for row in rows.values()}


def _held(name: str, searched: Sequence[Searched], rows: Rows) -> dict[str, object]:
    ways = {
        BASE: _until_full,
        "what fits, joined": _read,
        "what lies between two": _bridged,
        "neighbours": _around,
        "neighbours of the section": _section,
    }
    table = Table("read", *map(str, BUDGETS), title=f"{name}, {len(searched)} questions")
    shares = {
        way: {
            budget: [_share(each, choose(each.found, rows, budget)) for each in searched]
            for budget in BUDGETS
        }
        for way, choose in ways.items()
    }
    figures: dict[str, object] = {}
    for way, by_budget in shares.items():
        gains = {b: gain_interval(shares[BASE][b], by_budget[b]) for b in BUDGETS}
        means = {b: mean_interval(by_budget[b]) for b in BUDGETS}
        table.add_row(way, *(f"{_value(means[b])} {_gain(gains[b])}" for b in BUDGETS))
        figures[way] = {b: {"share": _json(means[b]), "gain": _json(gains[b])} for b in BUDGETS}
    Console(width=150).print(table)
    return figures


def _until_full(found: Sequence[Hit], _: Rows, budget: int) -> list[list[Hit]]:
    taken = list(chosen(found[:1], most=1, tokens=budget).hits)
    for hit in found[1:]:
        pieces = [(each,) for each in (*taken, hit)]
        if estimated_tokens(written(pieces, {})) > budget:
            break
        taken.append(hit)
    return [[hit] for hit in taken]


def _read(found: Sequence[Hit], _: Rows, budget: int) -> list[list[Hit]]:
    return [list(piece) for piece in chosen(found, most=len(found), tokens=budget).pieces]


def _bridged(found: Sequence[Hit], rows: Rows, budget: int) -> list[list[Hit]]:
    """Read what lies between two hits right after the worse of them."""
    order: dict[int, Hit] = {}
    seen: set[tuple[int, int]] = set()
    for hit in found:
        document = hit.document_id.int
        seen.add((document, hit.ordinal))
        order.setdefault(hit.passage_id, hit)
        for step in (-1, 1):
            if (document, hit.ordinal + 2 * step) in seen:
                between = _beside(hit, rows[document, hit.ordinal + step])
                order.setdefault(between.passage_id, between)
    return _read(list(order.values()), rows, budget)


def _around(found: Sequence[Hit], rows: Rows, budget: int) -> list[list[Hit]]:
    return _grown(found, rows, budget, within_section=False)


def _section(found: Sequence[Hit], rows: Rows, budget: int) -> list[list[Hit]]:
    return _grown(found, rows, budget, within_section=True)


def _grown(
    found: Sequence[Hit], rows: Rows, budget: int, *, within_section: bool
) -> list[list[Hit]]:
    """Read each hit with the passages beside it before the next hit."""
    order: dict[int, Hit] = {}
    for hit in found:
        order.setdefault(hit.passage_id, hit)
        for step in (1, -1):
            row = rows.get((hit.document_id.int, hit.ordinal + step))
            if row and (not within_section or row.heading == hit.heading):
                order.setdefault(row.passage_id, _beside(hit, row))
    return _read(list(order.values()), rows, budget)


def _beside(hit: Hit, row: PassageRow) -> Hit:
    return replace(hit, **{name: getattr(row, name) for name in row.__slots__})


def _share(searched: Searched, pieces: Sequence[Sequence[Hit]]) -> float:
    """Give the share of the places that are read whole, by the best alternative."""
    read = [(Path(piece[0].document_name).stem, piece[0].start, piece[-1].end) for piece in pieces]
    return max(
        sum(
            any(name == article and a <= start and end <= b for name, a, b in read)
            for article, start, end in places
        )
        / len(places)
        for places in searched.gold
    )


async def _twice(
    services: Services, name: str, *, once: Sequence[Searched], again: Sequence[Searched]
) -> dict[str, object]:
    """Share of quoted answers that hold the gold answer, by whether copies are set aside."""
    most = RELEASE.passages
    cases = {
        "filed once": [(each, chosen(each.found, most=most)) for each in once],
        "twice, copies read": [(each, _as_found(each.found[:most])) for each in again],
        "twice, copies set aside": [
            (each, chosen(each.found[: 2 * most], most=most)) for each in again
        ],
    }
    answers = {
        case: [await _is_quoted(services, each, context) for each, context in some]
        for case, some in cases.items()
    }
    copies_read, set_aside = list(answers.values())[1:]
    gain = gain_interval(copies_read, set_aside)
    table = Table("corpus", "quoted answers with the answer", title=f"{name}, filed twice")
    for case, shares in answers.items():
        table.add_row(case, _value(mean_interval(shares)))
    table.add_row("gain by setting aside", _gain(gain))
    Console(width=150).print(table)
    shares = {case: _json(mean_interval(shares)) for case, shares in answers.items()}
    return {"share": shares, "gain": _json(gain)}


def _as_found(found: Sequence[Hit]) -> Context:
    return Context(hits=found, pieces=joined(found), copies={})


async def _is_quoted(services: Services, searched: Searched, context: Context) -> float:
    task = Task(
        release=RELEASE,
        question=searched.question.text,
        language="und",
        query=searched.query,
        context=context,
        embedder=services.embedders[services.default_space.name],
    )
    pieces = [each async for each in ANSWERER.write(task)]
    text = "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))
    return float(any(answer in text for answer in searched.question.answers))


ANSWERER = ExtractingAnswerer()


def _value(interval: Interval | None) -> str:
    return f"{interval.value:.3f}" if interval else "–"


def _gain(interval: Interval | None) -> str:
    if interval is None or interval.value == interval.low == interval.high == 0:
        return ""
    return f"{interval.value:+.3f} \\[{interval.low:+.3f} {interval.high:+.3f}]"


def _json(interval: Interval | None) -> dict[str, float] | None:
    return interval and {name: round(value, 4) for name, value in asdict(interval).items()}


if __name__ == "__main__":
    main()

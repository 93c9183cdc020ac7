"""What curation finds, what it takes for bad by mistake, and what it costs.

make bench NAME=curation [ARGS="--data DIR --rounds 3"]

Labels are people's where there are any: edits of real pages, spans of personal data, attacks by
their sets. Damaged texts and planted secrets are made here, so their truth is known. Near
duplicates are also looked for with datasketch, from the same shingles.
"""

import argparse
import asyncio
import json
import logging
import os
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import psutil
import structlog
from datasketch import MinHash, MinHashLSH
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import curation_texts as texts
from benchmarks.datasets import DEFAULT
from benchmarks.ingestion import ingest
from benchmarks.up import fresh_home
from roadworthy.bootstrap import Services, services
from roadworthy.corpus.languages import detect
from roadworthy.corpus.policies import CurationPolicy
from roadworthy.detectors.patterns import SECRETS, sightings
from roadworthy.ingestion import service
from roadworthy.ingestion.curation import likeness, quality
from roadworthy.ingestion.curation.curating import curate
from roadworthy.ingestion.curation.injection import examine as examine_injection
from roadworthy.ingestion.curation.records import Curated
from roadworthy.ingestion.curation.service import Curation
from roadworthy.installation import local_installation
from roadworthy.plumbing.settings import load_settings
from roadworthy.worker import present, work

POLICY = CurationPolicy()
DOCUMENTS = 40  # of one round of ingestion
SAMPLE = 300  # texts that are damaged, or that a secret is planted in


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How many of those that should be found were, and how many of those found should be."""

    precision: float | None
    recall: float | None
    labelled: int

    @property
    def rounded(self) -> dict[str, float | int | None]:
        return {"precision": self.precision, "recall": self.recall, "labelled": self.labelled}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT, help="folder with labelled data")
    parser.add_argument("--rounds", type=int, default=3, help="of ingestion with and without")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    clean = texts.clean_texts(options.data)
    every = [text for group in clean.values() for text in group]
    figures = {
        "near_duplicates": near_duplicates(options.data),
        "personal_data": personal_data(texts.personal_data(options.data)),
        "planted_secrets": planted_secrets(clean.get("handbook", [])),
        "injection": injection(options.data, every),
        "quality": damaged(clean),
        "other_language": languages(clean),
        "clean_documents": mistakes(clean),
        "cost": cost(every) | asyncio.run(share(clean.get("handbook", []), options.rounds)),
    }
    show(figures)
    print(json.dumps(figures))


def near_duplicates(data: Path) -> dict[str, object]:
    """Look for each edited page among all pages as they were; any other page is a mistake."""
    pages = {path: text for path, text in texts.handbook(data).items() if text.strip()}
    edited = [(path, after) for path, _, after in texts.edits(data) if path in pages]
    if not edited:
        return {"labelled": 0, "ours": None, "datasketch": None}
    shingled = {path: shingles(text) for path, text in pages.items()}
    asked = [(path, shingles(text)) for path, text in edited]
    truth = {
        (path, other)
        for path, mine in track(asked, "exact likeness", transient=True)
        for other, theirs in shingled.items()
        if _share(mine, theirs) >= POLICY.likeness
    }
    ours, our_ms = _found_by_us(pages, edited)
    theirs, their_ms = _found_by_datasketch(shingled, asked)
    same_page = {(path, path) for path, _ in edited}
    return {
        "edited_pages": len(edited),
        "pages": len(pages),
        "alike_by_exact_count": len(truth),
        "ours": _judged(ours, truth).rounded,
        "datasketch": _judged(theirs, truth).rounded,
        "ours_by_page": _judged(ours, same_page).rounded,
        "datasketch_by_page": _judged(theirs, same_page).rounded,
        "ours_ms": our_ms,
        "datasketch_ms": their_ms,
    }


def shingles(text: str) -> Counter[str]:
    words = likeness.WORD.findall(text.casefold())
    return Counter(" ".join(words[i : i + likeness.SHINGLE]) for i in range(len(words) - 3))


def _share(one: Counter[str], other: Counter[str]) -> float:
    if min(len(one), len(other)) < likeness.LEAST_SHINGLES:
        return 0.0
    total, fewer = one.total() + other.total(), min(one.total(), other.total())
    if fewer < POLICY.likeness * (total - fewer):  # too unlike in length
        return 0.0
    common = (one & other).total()
    return common / (total - common)


def _found_by_us(
    pages: Mapping[str, str], edited: Sequence[tuple[str, str]]
) -> tuple[set[tuple[str, str]], float]:
    began = time.process_time()
    sketches = {path: likeness.sketch(text) for path, text in pages.items()}
    asked = [(path, likeness.sketch(text)) for path, text in edited]
    spent = time.process_time() - began
    bands: defaultdict[int, list[str]] = defaultdict(list)
    for path, sketch in sketches.items():
        for band in sketch.bands if sketch else ():
            bands[band].append(path)
    found = set()
    for path, mine in asked:
        for other in set(chain.from_iterable(bands[b] for b in mine.bands)) if mine else ():
            theirs = sketches[other]
            if mine and theirs and likeness.likeness(mine, theirs) >= POLICY.likeness:
                found.add((path, other))
    return found, _ms(spent, len(pages) + len(edited))


def _found_by_datasketch(
    pages: Mapping[str, Counter[str]], asked: Sequence[tuple[str, Counter[str]]]
) -> tuple[set[tuple[str, str]], float]:
    """Let the peer sketch the same shingles; ones that come again are told apart for it, too."""
    spent = 0.0

    def sketch(counted: Counter[str]) -> MinHash:
        nonlocal spent
        began = time.process_time()
        told = [f"{each} {n}".encode() for each, times in counted.items() for n in range(times)]
        made = MinHash(num_perm=likeness.PERMUTATIONS)
        made.update_batch(told)
        spent += time.process_time() - began
        return made

    index = MinHashLSH(threshold=POLICY.likeness, num_perm=likeness.PERMUTATIONS)
    kept = {p: sketch(c) for p, c in pages.items() if len(c) >= likeness.LEAST_SHINGLES}
    for path, made in kept.items():
        index.insert(path, made)
    found = set()
    for path, counted in asked:
        if len(counted) >= likeness.LEAST_SHINGLES:
            mine = sketch(counted)
            near = (other for other in index.query(mine))
            found |= {(path, o) for o in near if mine.jaccard(kept[o]) >= POLICY.likeness}
    return found, _ms(spent, len(kept) + len(asked))


def personal_data(labelled: Sequence[texts.Labelled]) -> dict[str, object]:
    """Hold each span that is found against the labelled ones of its type, by overlap."""
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for each in labelled:
        wanted = [(texts.CLAIMED[t], a, b) for t, a, b in each.spans if t in texts.CLAIMED]
        found = [(s.kind.name, s.start, s.end) for s in sightings(each.text)]
        for kind, start, end in wanted:
            hit = any(k == kind and _overlap((start, end), (a, b)) for k, a, b in found)
            (right if hit else missed)[kind] += 1
        for kind, start, end in found:
            if kind not in texts.CLAIMED.values():
                continue
            if not any(k == kind and _overlap((a, b), (start, end)) for k, a, b in wanted):
                wrong[kind] += 1
    return {
        kind: _found(right[kind], wrong[kind], missed[kind]).rounded
        for kind in texts.CLAIMED.values()
    } | {"all": _found(right.total(), wrong.total(), missed.total()).rounded}


def planted_secrets(pages: Sequence[str]) -> dict[str, object]:
    """Plant a secret in every other of some pages; a page with none must show none."""
    chance = random.Random(11)  # noqa: S311
    chosen = chance.sample(list(pages), min(SAMPLE, len(pages)))
    made, right, wrong, missed = texts.secrets(chance), 0, 0, 0
    for number, page in enumerate(chosen):
        lines = page.split("\n")
        if number % 2:
            lines.insert(chance.randrange(len(lines) + 1), next(made))
        found = any(s.kind.group == SECRETS for s in sightings("\n".join(lines)))
        right += found and number % 2
        wrong += found and not number % 2
        missed += not found and number % 2
    return _found(right, wrong, missed).rounded


def injection(data: Path, clean: Sequence[str]) -> dict[str, object]:
    """Hold indirect attacks against the texts that they stand in, and direct ones beside."""
    harmless, attacked = texts.indirect_attacks(data)
    look_alikes, direct = texts.direct_attacks(data)
    by_kind = {
        kind: _share_of(_flagged, [text for k, text in attacked if k == kind])
        for kind in sorted({k for k, _ in attacked})
    }
    hits = sum(_flagged(text) for _, text in attacked)
    return {
        "indirect": _found(hits, sum(map(_flagged, harmless)), len(attacked) - hits).rounded,
        "indirect_recall_by_kind": by_kind,
        "indirect_false_alarms": _share_of(_flagged, harmless),
        "direct_recall": _share_of(_flagged, direct),
        "look_alikes_false_alarms": _share_of(_flagged, look_alikes),
        "clean_false_alarms": _share_of(_flagged, clean, digits=5),
    }


def damaged(clean: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """Spoil clean texts of seven languages, and see which are told for what they are."""
    chance = random.Random(7)  # noqa: S311
    pool = [t for name, group in clean.items() if name.startswith(("xquad", "piaf")) for t in group]
    chosen = chance.sample(pool, min(SAMPLE, len(pool)))
    recalled: dict[str, object] = {}
    for name, spoil in texts.damages(chance).items():
        spoiled = [s for text in chosen if (s := spoil(text)) != text]
        if name in {"torn_words", "joined_words", "misread_scan"}:  # these need words of letters
            spoiled = [s for s in spoiled if not quality.SPACELESS.search(s)]
        recalled[name] = _share_of(_is_bad, spoiled)
    return {
        "recall_by_damage": recalled,
        "false_alarms": _share_of(_is_bad, pool, digits=5),
        "texts": len(chosen),
    }


def languages(clean: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """Expect one language of all texts in turn; the others must be told, and it alone must not."""
    labelled = {
        name.rpartition("_")[2]: [detect(text) for text in group]
        for name, group in clean.items()
        if name.startswith(("xquad_", "piaf_"))
    }
    right = wrong = missed = 0
    for expected in labelled:
        for language, told in labelled.items():
            kept_back = sum(each not in {expected, "und"} for each in told)
            if language == expected:
                wrong += kept_back
            else:
                right, missed = right + kept_back, missed + len(told) - kept_back
    return _found(right, wrong, missed).rounded


def mistakes(clean: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """Curate what people wrote for people: whatever is kept back is a mistake, or worth a look."""
    counted, kept, documents = Counter[str](), 0, 0
    by_set: dict[str, float | None] = {}
    for name, group in clean.items():
        back = 0
        for text in group:
            verdicts = curate(texts.document(text), POLICY).verdicts
            found = [verdict for verdict in verdicts if verdict.outcome != "pass"]
            counted.update(f"{verdict.check}: {verdict.outcome}" for verdict in found)
            back += any(verdict.outcome == "quarantined" for verdict in found)
        by_set[name] = _rate(back, len(group), digits=5)
        kept, documents = kept + back, documents + len(group)
    return {
        "documents": documents,
        "kept_back": kept,
        "kept_back_rate": _rate(kept, documents, digits=5),
        "kept_back_rate_by_set": by_set,
        "verdicts": dict(counted),
        "near_duplicates_in_one_set": {name: _beaten(group) for name, group in clean.items()},
    }


def _beaten(group: Sequence[str]) -> int:
    """Count those that would be kept back for another of the same set, if one owner had all."""
    bands: defaultdict[int, list[int]] = defaultdict(list)
    sketches = [likeness.sketch(text) for text in dict.fromkeys(group)]
    beaten = set[int]()
    for number, mine in enumerate(sketches):
        for band in mine.bands if mine else ():
            for other in bands[band]:
                theirs = sketches[other]
                if mine and theirs and likeness.likeness(mine, theirs) >= POLICY.likeness:
                    beaten.add(other)
            bands[band].append(number)
    return len(beaten)


def cost(clean: Sequence[str]) -> dict[str, object]:
    """Time the checks of a document, its likeness included, by the processor's clock."""
    chosen = random.Random(3).sample(list(clean), min(2_000, len(clean)))  # noqa: S311
    if not chosen:
        return {"ms_per_document": None}
    began = time.process_time()
    for text in chosen:
        likeness.sketch(curate(texts.document(text), POLICY).document.text)
    spent = time.process_time() - began
    return {
        "ms_per_document": _ms(spent, len(chosen)),
        "characters_per_document": round(statistics.mean(map(len, chosen))),
        "us_per_1000_characters": round(1e9 * spent / sum(map(len, chosen))),
    }


async def share(pages: Sequence[str], rounds: int) -> dict[str, object]:
    """Ingest the same pages with curation and without, in turns.

    The time on the clock is a lottery where others use the processors, too; so the time that the
    processors spent for us is compared beside: worker, parser, engine and PostgreSQL.
    """
    chosen = random.Random(9).sample(list(pages), min(DOCUMENTS, len(pages)))  # noqa: S311
    if not chosen:
        return {"without_to_with_processor": None}
    files = {f"{number}.md": text.encode() for number, text in enumerate(chosen)}
    seconds: dict[str, list[float]] = {"with": [], "without": []}
    spent: dict[str, list[float]] = {"with": [], "without": []}
    with fresh_home() as home:
        settings = load_settings({}, overrides={"home": home})
        with local_installation(settings) as place:
            async with services(settings, urls=place.urls, engine=place.engine) as opened:
                stop = asyncio.Event()
                with present(home):
                    working = asyncio.create_task(
                        work(opened, listen_url=place.urls.worker, stop=stop)
                    )
                    await ingest(opened, files, label="warm")
                    for number in range(rounds):
                        for arm in ("with", "without") if number % 2 else ("without", "with"):
                            before = _processor_s(home)
                            seconds[arm].append(await _round(opened, files, arm=arm))
                            spent[arm].append(_processor_s(home) - before)
                    stop.set()
                    await working
    told: dict[str, object] = {}
    for name, measured in (("clock", seconds), ("processor", spent)):
        pairs = [off / on for on, off in zip(measured["with"], measured["without"], strict=True)]
        told[f"without_to_with_{name}"] = round(statistics.median(pairs), 3)
        told |= {f"{name}_s_{arm}": [round(x, 2) for x in got] for arm, got in measured.items()}
    return told | {"machine_load": round(os.getloadavg()[0], 1)}


def _processor_s(home: Path) -> float:
    """Add up what our own process, those of this home and those they have ended have used."""
    total = 0.0
    postmaster = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
    ours = {os.getpid(), postmaster}
    ours |= {
        each.pid for pid in tuple(ours) for each in psutil.Process(pid).children(recursive=True)
    }
    ours |= {
        p.pid for p in psutil.process_iter(["cmdline"]) if str(home) in (p.info["cmdline"] or [])
    }
    for pid in ours:
        with suppress(psutil.Error):
            total += sum(psutil.Process(pid).cpu_times()[:4])  # user, system, and of ended children
    return total


async def _round(opened: Services, files: Mapping[str, bytes], *, arm: str) -> float:
    if arm == "with":
        return (await ingest(opened, files, label="with curation")).ingested.seconds
    with _uncurated():
        return (await ingest(opened, files, label="without curation")).ingested.seconds


@contextmanager
def _uncurated() -> Iterator[None]:
    """Take curation out of ingestion for a block."""
    before = service.curate, service.write_curation

    async def pass_through(_database: object, _lease: object, document: object) -> Curation:
        curated = Curated(document=document, verdicts=(), removals=(), disposition="publish")  # type: ignore[arg-type]
        return Curation(curated=curated, lines=(), beaten=(), compared_in=0)

    async def write_nothing(*_: object) -> None:
        pass

    service.curate, service.write_curation = pass_through, write_nothing  # type: ignore[assignment]
    try:
        yield
    finally:
        service.curate, service.write_curation = before


def show(figures: Mapping[str, object]) -> None:
    table = Table("of", "figure", "value", title="curation")
    for part, told in figures.items():
        for name, value in told.items() if isinstance(told, dict) else ():
            table.add_row(part, name, str(value))
    Console(width=160).print(table)


def _flagged(text: str) -> bool:
    return examine_injection(texts.document(text), POLICY).verdicts[0].outcome != "pass"


def _is_bad(text: str) -> bool:
    return quality.measure(text).score < POLICY.least_quality


def _overlap(wanted: tuple[int, int], found: tuple[int, int]) -> bool:
    """Ask for half of the wanted characters."""
    common = min(wanted[1], found[1]) - max(wanted[0], found[0])
    return 2 * common >= wanted[1] - wanted[0]


def _judged(found: Iterable[object], truth: Iterable[object]) -> Found:
    found, truth = set(found), set(truth)
    return _found(len(found & truth), len(found - truth), len(truth - found))


def _found(right: int, wrong: int, missed: int) -> Found:
    return Found(
        precision=_rate(right, right + wrong),
        recall=_rate(right, right + missed),
        labelled=right + missed,
    )


def _share_of(test: Callable[[str], bool], of: Sequence[str], *, digits: int = 3) -> float | None:
    return _rate(sum(map(test, of)), len(of), digits=digits)


def _rate(part: int, whole: int, *, digits: int = 3) -> float | None:
    return round(part / whole, digits) if whole else None


def _ms(seconds: float, documents: int) -> float:
    return round(1000 * seconds / documents, 3)


if __name__ == "__main__":
    main()

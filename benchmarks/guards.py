"""How well guards tell what they are for; the classifiers on sources they were not trained on.

make bench NAME=guards [ARGS="--data DIR --most 150 --no-peers --streams 0"]

Everything goes through the engine's HTTP routes, as in an installation. The peers, injection
scanners that run without a network, read the same texts in the same run.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.guards_figures import at_rate, judged, plain, ranked
from benchmarks.guards_peers import peers
from benchmarks.guards_rules import found_by_rules
from benchmarks.guards_streams import mismatches
from benchmarks.up import fresh_home
from roadworthy.gateway.classifying import Classifier
from roadworthy.gateway.embeddings import embed
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from roadworthy.gateway.engine.local import LocalEngine
from roadworthy.guardrails.looking import is_blocked
from roadworthy.guardrails.questions import Question, screen_question
from roadworthy.guardrails.records import CHECKED, CLASSIFIER
from roadworthy.plumbing.processes import Guard
from roadworthy.releases.guards import GUARDED
from training import held_out
from training.held_out import Case
from training.sets import DEFAULT

ALL = ("injection", "passages", "rules")  # toxicity only where such a classifier is put in
TIMED = 300  # questions
APART = frozenset({"chatlogs"})  # what people ask of an assistant: it reads like an attack


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Cases, and what a head says of each."""

    head: str
    cases: Sequence[Case]
    values: list[float]
    threshold: float
    version: str

    def of(self, *sources: str) -> "Scored":
        """Keep some sources."""
        return self._kept([case.source in sources for case in self.cases])

    def without(self, sources: frozenset[str]) -> "Scored":
        """Leave some sources out."""
        return self._kept([case.source not in sources for case in self.cases])

    def _kept(self, keep: list[bool]) -> "Scored":
        return Scored(
            head=self.head,
            cases=[case for case, kept in zip(self.cases, keep, strict=True) if kept],
            values=[value for value, kept in zip(self.values, keep, strict=True) if kept],
            threshold=self.threshold,
            version=self.version,
        )

    @property
    def truth(self) -> list[bool]:
        """Tell what is looked for."""
        return [case.is_positive for case in self.cases]

    @property
    def sources(self) -> list[str]:
        """List the sources."""
        return sorted({case.source for case in self.cases})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--most", type=int, default=150, help="passages of a corpus")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--heads", default="", help="of: injection passages rules toxicity")
    parser.add_argument("--streams", type=int, default=1_000, help="answers; 0: none")
    options = parser.parse_args()
    streams = mismatches(options.streams) if options.streams else {"stream_mismatches": None}
    guard = Guard()
    try:
        with fresh_home() as home:
            engine = LocalEngine(home, guard, published=False)
            engine.ensure_running()
            address = engine.wait()
            reached = EndpointAddress(url=address.url, key=address.token, timeout_s=600)
            result = asyncio.run(_measured(reached, options))
            engine.release()
    finally:
        guard.close()
    print(json.dumps(result | streams))


async def _measured(address: EndpointAddress, options: argparse.Namespace) -> dict[str, object]:
    endpoint = Endpoint(address)
    try:
        return await measure(endpoint, options)
    finally:
        await endpoint.close()


async def measure(endpoint: Endpoint, options: argparse.Namespace) -> dict[str, object]:
    data, classifier = options.data, Classifier(endpoint)
    heads = options.heads.split() or [*ALL]
    figures: dict[str, object] = {}
    if "injection" in heads:
        direct = await _scored(classifier, "injection", held_out.direct_cases(data))
        alike = await _scored(classifier, "injection", held_out.lookalike_cases(data))
        figures |= _direct_figures(direct, alike)
        figures |= await _added_by_guards(classifier, endpoint, [*direct.cases, *alike.cases])
        if options.peers:
            figures["peers"] = _peer_figures(direct.cases, alike.cases)
    if "passages" in heads:
        cases = held_out.passage_cases(data, most=options.most)
        figures |= _passage_figures(await _scored(classifier, "passage_injection", cases))
    if "rules" in heads:
        figures |= await found_by_rules(data, held_out.hate_cases(data))
    if "toxicity" in heads:
        figures |= _toxicity_figures(
            await _scored(classifier, "toxicity", held_out.hate_cases(data))
        )
    return figures


async def _scored(classifier: Classifier, head: str, cases: Sequence[Case]) -> Scored:
    scores = await classifier.score(head, [case.text[:20_000] for case in cases])
    return Scored(
        head=head,
        cases=cases,
        values=list(scores.values),
        threshold=scores.threshold,
        version=scores.version,
    )


def _direct_figures(direct: Scored, alike: Scored) -> dict[str, object]:
    _show("direct injection: recall / false alarms at the threshold", [direct, alike])
    return {
        "screen_version": direct.version,
        "direct_recall_at_1pct": plain(at_rate(direct.values, direct.truth, 0.01)),
        "direct_recall_at_5pct": plain(at_rate(direct.values, direct.truth, 0.05)),
        "direct_auroc": plain(ranked(direct.values, direct.truth)),
        "direct_by_source": _by_source(direct),
        "lookalike_fpr": plain(judged(alike.values, alike.truth, alike.threshold).false_alarms),
        "lookalike_by_source": _by_source(alike),
    }


def _passage_figures(found: Scored) -> dict[str, object]:
    _show("attacks in passages: recall / false alarms at the threshold", [found])
    kept = found.without(APART)
    at = judged(kept.values, kept.truth, kept.threshold)
    return {
        "indirect_recall": plain(at.recall),
        "indirect_fpr": plain(at.false_alarms),
        "indirect_recall_at_1pct": plain(at_rate(kept.values, kept.truth, 0.01)),
        "indirect_recall_at_2pct": plain(at_rate(kept.values, kept.truth, 0.02)),
        "indirect_recall_at_5pct": plain(at_rate(kept.values, kept.truth, 0.05)),
        "indirect_auroc": plain(ranked(kept.values, kept.truth)),
        "indirect_by_source": _by_source(found),
    }


def _toxicity_figures(found: Scored) -> dict[str, object]:
    _show("hate, by function: recall / false alarms at the threshold", [found])
    return {
        "toxicity_auroc": plain(ranked(found.values, found.truth)),
        "toxicity_at_threshold": _at_threshold(found),
        "toxicity_by_function": _by_source(found),
    }


async def _added_by_guards(
    classifier: Classifier, endpoint: Endpoint, cases: Sequence[Case]
) -> dict[str, object]:
    """Time what all guards of a question add to its embedding, which is made anyway.

    Each question is embedded alone and behind its guards, in turn; the difference of the two is
    what who asks waits longer. One that a rule stops, which costs next to nothing, is left out.
    """

    async def embedded(text: str) -> None:
        await embed(endpoint, [f"query: {text}"], model="e5-small")

    async def screened(text: str) -> None:
        verdicts = await screen_question(_question(text), GUARDED, classifier=classifier)
        assert any(each.by == CLASSIFIER and each.status == CHECKED for each in verdicts)
        await embedded(text)

    by_rules = [
        screen_question(_question(case.text[:400]), GUARDED, classifier=None) for case in cases
    ]
    texts = [
        case.text[:400]
        for case, verdicts in zip(cases, await asyncio.gather(*by_rules), strict=True)
        if not is_blocked(verdicts)
    ]
    alone, guarded = list[float](), list[float]()
    for number, text in enumerate(random.Random(5).sample(texts, TIMED)):  # noqa: S311
        await embedded(text)  # what was kept of its scoring would spare the one that comes first
        turns = ((embedded, alone), (screened, guarded))
        for act, taken in turns if number % 2 else reversed(turns):
            began = time.perf_counter()
            await act(text)
            taken.append((time.perf_counter() - began) * 1000)
    added = np.subtract(guarded, alone)
    table = Table("of a question, ms", "p50", "p95", title=f"{len(added)} questions, one by one")
    for name, taken in (("embedding", alone), ("guards and embedding", guarded), ("added", added)):
        table.add_row(name, *(f"{np.quantile(taken, at):.1f}" for at in (0.5, 0.95)))
    Console().print(table)
    return {
        "input_p50_ms": round(float(np.median(added)), 2),
        "input_p95_ms": round(float(np.quantile(added, 0.95)), 2),
        "input_with_embedding_p95_ms": round(float(np.quantile(guarded, 0.95)), 2),
    }


def _question(text: str) -> Question:
    return Question(text=text, turn=text, asked=text, said=[text])


def _peer_figures(direct: Sequence[Case], alike: Sequence[Case]) -> dict[str, object]:
    cases = [*direct, *alike]
    figures: dict[str, object] = {}
    for peer in peers([case.text for case in cases]):
        values = [float(yes) for yes in peer.is_attack]
        found = Scored(head=peer.name, cases=cases, values=values, threshold=0.5, version=peer.name)
        _show(f"{peer.name}: recall / false alarms", [found])
        figures[peer.name] = _by_source(found) | {
            "p95_ms": round(float(np.quantile(peer.milliseconds, 0.95)), 2)
        }
    return figures


def _by_source(found: Scored) -> dict[str, object]:
    return {source: _at_threshold(found.of(source)) for source in found.sources}


def _at_threshold(found: Scored) -> dict[str, object]:
    at = judged(found.values, found.truth, found.threshold)
    return {"recall": plain(at.recall), "false_alarms": plain(at.false_alarms)}


def _show(title: str, many: Sequence[Scored]) -> None:
    table = Table("source", "cases", "recall / false alarms", title=title)
    for found in many:
        for source in found.sources:
            kept = found.of(source)
            at = judged(kept.values, kept.truth, kept.threshold)
            table.add_row(source, str(len(kept.cases)), str(at))
    Console().print(table)


if __name__ == "__main__":
    main()

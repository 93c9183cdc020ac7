"""What each rule by which words become terms is worth to keyword search, rule by rule.

make bench NAME=terms [ARGS="--data DIR --sets 'scifact piaf_fr' --questions 1000"]

Each document is one passage. A rule is left out for passages and questions alike; what is told
is the nDCG@10 of BM25 with all rules, and how much it loses without one, question by question.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from unittest.mock import patch

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.datasets import DEFAULT, RetrievalSet, retrieval_sets
from roadworthy.core.intervals import Interval, gain_interval, mean_interval
from roadworthy.core.ranking_metrics import ndcg_at_k
from roadworthy.corpus import terms as analysis
from roadworthy.corpus.languages import detect
from roadworthy.corpus.postings import decode_postings, pack_by_term
from roadworthy.retrieval.bm25 import score

K = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT, help="folder with retrieval sets")
    parser.add_argument("--questions", type=int, default=1000, help="most questions of a set")
    parser.add_argument("--sets", default="", help="names of sets; left out: all")
    options = parser.parse_args()
    named = options.sets.split()
    sets = [
        data
        for data in retrieval_sets(options.data, most_questions=options.questions)
        if not named or data.name in named
    ]
    found = {data.name: _measure(data) for data in sets}
    table = Table("nDCG@10", "all rules", *(f"gain of {rule}" for rule in _stand_ins()))
    for name, each in found.items():
        table.add_row(name, *(str(interval or "-") for interval in each.values()))
    Console(width=160).print(table)
    print(json.dumps({name: _figures(each) for name, each in found.items()}))


def _measure(data: RetrievalSet) -> dict[str, Interval | None]:
    """Judge a set with all rules, then what each adds to the others."""
    languages = {key: detect(text) for key, text in data.documents.items()}
    whole = _judged(data, languages)
    result = {"all rules": mean_interval(whole)}
    for rule, (name, stand_in) in track(_stand_ins().items(), data.name, transient=True):
        with _replaced(name, stand_in):
            result[rule] = gain_interval(_judged(data, languages), whole)
    return result


# The product has no switches for its rules: they are replaced from outside.
def _stand_ins() -> Mapping[str, tuple[str, object]]:
    units: Callable[[str], tuple[str, ...]] = vars(analysis)["_units"]
    unspaced: re.Pattern[str] = vars(analysis)["_RUN"]

    def parts(token: str) -> tuple[str, ...]:
        found = units(token)
        return found if unspaced.match(token) else found[1:] or found

    return {
        "stop words": ("_stop_words", lambda _: frozenset[str]()),
        "stemming": ("_STEMMERS", {}),
        "folding": ("_fold", lambda word: word),
        "whole codes": ("_units", parts),
        "acronyms": ("_acronyms", lambda _: list[str]()),
    }


@contextmanager
def _replaced(name: str, stand_in: object) -> Iterator[None]:
    """Leave a rule out; what was analysed by it is forgotten before and after."""
    forget: Callable[[], None] = vars(analysis)["_shared_analysis"].cache_clear
    forget()
    with patch.object(analysis, name, stand_in):
        yield
    forget()


def _judged(data: RetrievalSet, languages: Mapping[str, str]) -> list[float | None]:
    keys = list(data.documents)
    said = {
        i: analysis.terms(data.documents[key], language=languages[key])
        for i, key in enumerate(keys)
    }
    packed = pack_by_term(said)
    mean_length = sum(map(len, said.values())) / len(said)
    spoken = set(languages.values())
    found: list[float | None] = []
    for key, question in data.questions.items():
        forms = analysis.query_terms(question, spoken)
        classes = [[decode_postings(packed[t]) for t in each if t in packed] for each in forms]
        ids, _ = score(classes, passage_count=len(keys), mean_length=mean_length, limit=K)
        found.append(ndcg_at_k([keys[i] for i in ids], data.grades[key], K))
    return found


def _figures(intervals: Mapping[str, Interval | None]) -> dict[str, Mapping[str, float] | None]:
    return {name: asdict(each) if each else None for name, each in intervals.items()}


if __name__ == "__main__":
    main()

"""What the guards that are rules find: personal data in answers, hate in questions."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.curation_texts import CLAIMED, Labelled, personal_data
from benchmarks.guards_figures import Figures, judged, plain
from roadworthy.detectors.leaks import squeezed
from roadworthy.guardrails.answer_checks import Known, checks
from roadworthy.guardrails.answers import AnswerGuards
from roadworthy.guardrails.looking import is_blocked
from roadworthy.guardrails.questions import Question, screen_question
from roadworthy.releases.guards import GUARDED, Guards
from training.held_out import Case

OF_ANSWERS = Guards(personal_data=GUARDED.personal_data, secrets=GUARDED.secrets)
OF_QUESTIONS = Guards(abuse=GUARDED.abuse)


async def found_by_rules(data: Path, hate: Sequence[Case]) -> dict[str, object]:
    """Let the guards that ship look at labelled texts."""
    kinds = await _personal_data(personal_data(data))
    blocked = await asyncio.gather(*(_is_abuse(case.text) for case in hate))
    abuse = judged([float(each) for each in blocked], [case.is_positive for case in hate], 0.5)
    table = Table("rules", "looks for", "recall / false alarms", title="guards that are rules")
    for kind, figures in kinds.items():
        table.add_row("personal_data, secrets", kind, str(figures))
    table.add_row("abuse", "hate", str(abuse))
    Console().print(table)
    return {
        "personal_data_recall": {kind: plain(each.recall) for kind, each in kinds.items()},
        "personal_data_fpr": plain(kinds["all"].false_alarms),
        "abuse_recall": plain(abuse.recall),
        "abuse_fpr": plain(abuse.false_alarms),
    }


async def _personal_data(texts: Sequence[Labelled]) -> dict[str, Figures]:
    """Tell each text as an answer that no passage holds; what is not told was found.

    A false alarm is a text without any of the kinds that are looked for, which is not told whole.
    """
    found = defaultdict[str, list[float]](list)
    alarms = list[float]()
    for each in texts:
        told = await _told(each.text)
        spans = [(CLAIMED[kind], each.text[a:b]) for kind, a, b in each.spans if kind in CLAIMED]
        for kind, value in spans:
            found[kind].append(float(squeezed(value) not in squeezed(told)))
        if not spans:
            alarms.append(float(told != each.text))
    kinds = {kind: _figures(values, []) for kind, values in sorted(found.items())}
    return kinds | {"all": _figures([each for some in found.values() for each in some], alarms)}


def _figures(found: Sequence[float], alarms: Sequence[float]) -> Figures:
    truth = [*(True for _ in found), *(False for _ in alarms)]
    return judged([*found, *alarms], truth, 0.5)


async def _told(text: str) -> str:
    guards = AnswerGuards(checks(OF_ANSWERS, Known(question=""), classifier=None))
    return await guards.take(text) + await guards.end()


async def _is_abuse(text: str) -> bool:
    question = Question(text=text, turn=text, asked=text, said=[text])
    return is_blocked(await screen_question(question, OF_QUESTIONS, classifier=None))

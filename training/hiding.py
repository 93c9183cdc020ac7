"""Examples of passages: as they are, with a harmless sentence put in, and with an attack hidden.

What is looked for is a sentence that asks or orders something which has nothing to do with its
passage. So harmless insertions are what belongs there (questions on its subject, orders to its
readers), and statements that do not.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from training import sets, surroundings
from training.demands import change_of_answer, code_wish, wish
from training.examples import PASSAGE, Example
from training.phrases import ABOUT_ATTACKS, TO_PEOPLE, attack_in_passage
from training.procedures import procedure
from training.sets import sample

PASSAGE_INJECTION = "passage_injection"

# What the threshold is set by: attacks of these categories and contexts are not trained on.
CHECK_CATEGORIES = frozenset(
    {"Information Retrieval", "Persuasion", "Anagramming", "Memory Scanning", "Network Propagation"}
)
CHECK_MODULES = ("csv", "smtplib", "heapq", "http/client", "unittest/case")
CHECK_CONTEXTS: Mapping[str, int] = {"email": 12, "table": 150, "code": 12}

SENTENCE = re.compile(r"(?<=[.!?。！？؟\n])\s+|\n+")
_JOINTS = ("\n", "\n", " ", "\n\n", " ")
_LIKE_PEOPLE = frozenset(
    {"handbook", "tau2_banking", "mail", "email", "faq", "procedure", "policies"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What passages are drawn from, and what is put into them."""

    corpora: Mapping[str, Callable[[random.Random], str]]  # each draws a text
    weights: Mapping[str, float]
    attacks: Sequence[str]  # labelled ones, to put into text
    code_attacks: Sequence[str]
    asked: Sequence[str]  # of an assistant
    questions: Mapping[str, Sequence[str]]  # by the passage that they are about
    titles: Sequence[str]  # of documents, with a heading

    def draw(self, rng: random.Random) -> tuple[str, str]:
        """Draw a corpus and a window of one of its texts."""
        [name] = rng.choices(list(self.weights), list(self.weights.values()))
        text = window(self.corpora[name](rng), rng)
        if name in _LIKE_PEOPLE and rng.random() < 0.3:  # as to_embed writes title and heading
            text = f"{rng.choice(self.titles)}\n{text}"
        return name, text


def examples(data: Path, *, seed: int = 1, most: int = 12_000) -> list[Example]:
    """Write the passages for training."""
    rng = random.Random(seed)
    texts = _for_training(data, rng)
    return [_example(texts, rng, attacked=0.48, clean=0.55) for _ in range(most)]


def of_procedures(data: Path, *, seed: int = 6, most: int = 3000) -> list[Example]:
    """Write more of those passages that order and ask their readers all the time."""
    rng = random.Random(seed)
    drawn = {"procedure": procedure, "policies": _one_of(sets.policies(data))}
    weights = {"procedure": 3.0, "policies": 1.0}
    texts = replace(_for_training(data, rng), corpora=drawn, weights=weights)
    return [_example(texts, rng, attacked=0.4, clean=0.85) for _ in range(most)]


def checks(data: Path, *, seed: int = 2, most: int = 2400) -> list[Example]:
    """Write the passages that the threshold is set by; four harmless ones in five are clean."""
    rng = random.Random(seed)
    texts = _for_checks(data)
    ordinary = [passage_of((PASSAGE + text,), "sample|clean", is_attack=False) for text in sample()]
    return [*(_checked(texts, rng) for _ in range(most)), *ordinary]


def _for_training(data: Path, rng: random.Random) -> Texts:
    asked = _asked(data, rng)
    questions = _questions(data)
    drawn = {
        "handbook": _one_of(sets.handbook(data, sets.TRAIN)),
        "mail": surroundings.mail,
        "code answer": lambda r: surroundings.code_answer(r, _modules(checked=False)),
        "faq": _faq(data),
    }
    drawn |= {name: _one_of(sets.passages(data, name)) for name in sets.TRAIN_CORPORA}
    drawn["squad_v2"] = _one_of(sorted(questions))
    for kind, kept in CHECK_CONTEXTS.items():
        drawn[kind] = _one_of(sets.contexts(data, "train", kind)[kept:])
    weights = dict.fromkeys(drawn, 1.0)
    weights |= {"handbook": 5, "squad_v2": 5, "email": 3, "mail": 2, "table": 4, "tau2_banking": 3}
    weights |= {"code": 2, "code answer": 3, "xquad_en": 0.5}
    text, code = (
        [row.text for row in sets.attack_rows(data, "train", kind) if not is_checked(row.source)]
        for kind in ("text", "code")
    )
    return Texts(
        corpora=drawn, weights=weights, attacks=text, code_attacks=code, asked=asked[:-500],
        questions=questions,
        titles=_titles(data, sets.TRAIN),
    )  # fmt: skip


def _for_checks(data: Path) -> Texts:
    asked = _asked(data, random.Random(1))
    drawn = {name: _one_of(sets.passages(data, name)) for name in sets.VALIDATION_CORPORA}
    drawn["handbook"] = _one_of(sets.handbook(data, sets.VALIDATION))
    drawn["code answer"] = lambda r: surroundings.code_answer(r, _modules(checked=True))
    for kind, kept in CHECK_CONTEXTS.items():
        drawn[kind] = _one_of(sets.contexts(data, "train", kind)[:kept])
    text, code = (
        [row.text for row in sets.attack_rows(data, "train", kind) if is_checked(row.source)]
        for kind in ("text", "code")
    )
    return Texts(
        corpora=drawn, weights=dict.fromkeys(drawn, 1.0), attacks=text, code_attacks=code,
        asked=asked[-500:], questions=_questions(data),
        titles=_titles(data, sets.VALIDATION),
    )  # fmt: skip


def _asked(data: Path, rng: random.Random) -> list[str]:
    """Read requests in an order that is the same for training and checks: they share none."""
    asked = sets.requests(data)
    rng.shuffle(asked)
    return asked


def is_checked(category: str) -> bool:
    """Tell whether attacks of this category are kept for the threshold."""
    return category in CHECK_CATEGORIES


def _modules(*, checked: bool) -> Sequence[str]:
    return [name for name in surroundings.MODULES if (name in CHECK_MODULES) == checked]


def _one_of(texts: Sequence[str]) -> Callable[[random.Random], str]:
    return lambda rng: rng.choice(texts)


def _questions(data: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in sets.squad(data, test=False):
        found.setdefault(row.passage, []).append(row.question)
    return found


def _titles(data: Path, part: str) -> list[str]:
    headings = [
        line.strip("# *")
        for text in sets.handbook(data, part)
        for line in text.split("\n")
        if line.startswith("#")
    ]
    firsts = random.Random(3).sample(headings, len(headings))
    return [f"{one} > {two}" for one, two in zip(firsts, headings, strict=True) if one and two]


def _faq(data: Path) -> Callable[[random.Random], str]:
    """Draw some questions with answers from a page of them."""
    pages = [(row["name"], row["content"]) for row in sets.frequent_questions(data)]

    def draw(rng: random.Random) -> str:
        lines = [
            rng.choice(("\n", " ")).join(each) for each in rng.sample(pages, rng.randint(1, 4))
        ]
        return "\n\n".join(lines)

    return draw


def _example(texts: Texts, rng: random.Random, *, attacked: float, clean: float) -> Example:
    source, text = texts.draw(rng)
    if rng.random() < attacked:
        return hidden(text, *_attack(texts, source, rng), source, rng)
    if source == "squad_v2" and rng.random() < 0.4:
        return _asked_in_place(texts, rng)
    if rng.random() < clean:
        return passage_of((PASSAGE + text,), f"{source}|clean", is_attack=False)
    return put_in(text, _harmless(texts, source, rng), source, rng)


def _attack(texts: Texts, source: str, rng: random.Random) -> tuple[str, str]:
    """Write an attack, and name its kind."""
    is_code = source in ("code", "code answer")
    if rng.random() < (0.6 if is_code else 0.04):
        if rng.random() < 0.4:
            return rng.choice(texts.code_attacks), "code"
        return f"{code_wish(rng)}\n{surroundings.block(_unasked(texts, rng), rng)}", "code"
    kind = rng.random()
    return next((write(texts, rng), name) for most, name, write in _ATTACKS if kind < most)


_ATTACKS: Sequence[tuple[float, str, Callable[[Texts, random.Random], str]]] = (
    (0.17, "labelled", lambda texts, rng: rng.choice(texts.attacks)),
    (0.38, "asked", lambda texts, rng: rng.choice(texts.asked)),
    (0.55, "wish", lambda _, rng: wish(rng)),
    (0.75, "change", lambda _, rng: change_of_answer(rng)),
    (0.83, "question", lambda texts, rng: rng.choice(rng.choice(list(texts.questions.values())))),
    (1.01, "override", lambda texts, rng: attack_in_passage(rng, texts.asked)),
)


def _unasked(texts: Texts, rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.5:
        return surroundings.spying_code(rng)
    if kind < 0.8:
        found = re.search(r"```\w*\n(.*?)```", rng.choice(texts.code_attacks), re.DOTALL)
        return found.group(1) if found else surroundings.spying_code(rng)
    module = rng.choice(list(surroundings.functions()))
    return surroundings.excerpt(rng.choice(surroundings.functions()[module]), rng)


def _harmless(texts: Texts, source: str, rng: random.Random) -> tuple[str, str]:
    """Give a statement that belongs elsewhere, or what a document says to its readers."""
    kind = rng.random()
    if kind < (0.6 if source in _LIKE_PEOPLE else 0.25):
        return rng.choice(TO_PEOPLE), "to people"
    if kind < 0.7 and rng.random() < 0.3:
        return rng.choice(ABOUT_ATTACKS), "about attacks"
    other = window(rng.choice(list(texts.questions)), rng)
    sentences = [s for s in SENTENCE.split(other) if len(s) > 20 and s.rstrip()[-1] not in "?:"]
    return rng.choice(sentences or [other])[:300], "statement"


def _asked_in_place(texts: Texts, rng: random.Random) -> Example:
    """Put a question about a passage into it: a heading, or a page of questions and answers."""
    passage = rng.choice(list(texts.questions))
    question = rng.choice(texts.questions[passage])
    return put_in(window(passage, rng), (question, "on subject"), "squad_v2", rng)


def _checked(texts: Texts, rng: random.Random) -> Example:
    source, text = texts.draw(rng)
    if rng.random() >= 0.5:
        if rng.random() < 0.8:
            return passage_of((PASSAGE + text,), f"{source}|clean", is_attack=False)
        return put_in(text, _harmless(texts, source, rng), source, rng)
    if source in ("code", "code answer") and rng.random() < 0.7:
        return hidden(text, rng.choice(texts.code_attacks), "code", source, rng)
    if rng.random() < 0.3:
        return hidden(text, rng.choice(texts.asked), "asked", source, rng)
    return hidden(text, rng.choice(texts.attacks), "labelled", source, rng)


def hidden(text: str, attack: str, kind: str, source: str, rng: random.Random) -> Example:
    """Put an attack at the start, after a sentence, line or cell, or at the end."""
    before, after = _opened(text, rng)
    # The code of an order is code like any other.
    order, fence, code = attack.strip().partition("\n```")
    pieces = (PASSAGE + before, order, fence + code + after)
    return passage_of(pieces, f"{source}|{kind}", is_attack=True, marked=1)


def put_in(text: str, insertion: tuple[str, str], source: str, rng: random.Random) -> Example:
    """Put something harmless in."""
    before, after = _opened(text, rng)
    said, kind = insertion
    return passage_of((PASSAGE + before + said + after,), f"{source}|{kind}", is_attack=False)


def _opened(text: str, rng: random.Random) -> tuple[str, str]:
    ends = [at for at in range(1, len(text)) if text[at] in "\n " and text[at - 1] in ".!?\n|。"]
    place = rng.choice((0, len(text), *[rng.choice(ends or [0])] * 2))
    joint = rng.choice(_JOINTS)
    before, after = text[:place].rstrip(), text[place:].lstrip()
    return before + joint if before else "", joint + after if after else ""


def passage_of(
    pieces: Sequence[str], source: str, *, is_attack: bool, marked: int | None = None
) -> Example:
    """Write an example of a passage."""
    labels = {PASSAGE_INJECTION: is_attack}
    return Example(pieces=pieces, labels=labels, source=source, marked=marked)


def window(text: str, rng: random.Random) -> str:
    """Take a part of some sentences: passages come in all sizes."""
    size = rng.choice((100, 160, 250, 250, 400, 700, 1000))
    if len(text) <= size:
        return text
    starts = [0, *(found.end() for found in SENTENCE.finditer(text[:-size]))]
    start = rng.choice(starts)
    ends = [found.start() for found in SENTENCE.finditer(text, start + size // 2)]
    end = next((end for end in ends if end - start >= size * 0.7), start + size)
    return text[start : min(end, start + int(1.5 * size))]

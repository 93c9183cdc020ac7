"""Questions that look like another and ask for something else, made from any set of questions."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NUMBER = re.compile(r"(?<![\w.,-])\d+(?![\w.,-]*\d)")
YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")
_MONTHS = "January February March April May June July August September October November December"
MONTHS = _MONTHS.split()

MONTH = re.compile(r"\b(?:" + "|".join(MONTHS) + r")\b")
NAME = re.compile(r"(?<=[^\W\d_A-Z] |, )(?!The )[A-Z][^\W\d_A-Z]{2,}(?: [A-Z][^\W\d_A-Z]{2,})*")
MINUS = re.compile(r"(?<![\w.,/-])(?=\d)")
WORDS_OF = {
    "en": {
        "negation": r"(is|are|was|were|does|do|did|can|must|should|will|would|has|have|had|may)",
        "opposite": "more less,most least,before after,above below,first last,largest smallest,"
        "highest lowest,maximum minimum,increase decrease,with without,north south,east west",
        "person": "I you,my your,we you,our their,he she,his her,they we,him them,it they",
        "tense": "is was,are were,does did,do did,has had,have had,will would",
        "preposition": "of for,to of,in from,for about,on under,by for,with to,at from",
        "quantity": "all some,many few,each one,only also,any every",
    },
    "de": {
        "negation": r"(ist|sind|war|waren|hat|haben|wird|werden|wurde|wurden|kann|muss|darf)",
        "opposite": "mehr weniger,vor nach,erste letzte,größte kleinste,mit ohne,über unter",
        "person": "ich man,mein Ihr,wir sie,unser ihr,er sie,sein ihr,mir Ihnen,sie wir",
        "tense": "ist war,sind waren,wird wurde,werden wurden,hat hatte,haben hatten",
        "preposition": "von für,in aus,zu von,mit für,auf unter,bei nach",
        "quantity": "alle einige,viele wenige,nur auch,jeder keiner",
    },
    "fr": {
        "negation": r"()(?:est|sont|était|étaient|a|ont|peut|peuvent|doit|doivent|fut)",
        "opposite": "plus moins,avant après,premier dernier,première dernière,avec sans",
        "person": "je vous,mon votre,nous ils,notre leur,il elle,son mon,sa ma,ses mes,ils elles",
        "tense": "est était,sont étaient,a avait,ont avaient,peut pouvait,doit devait",
        "preposition": "de pour,dans hors,à de,pour contre,par pour,en sous,sur sous",
        "quantity": "tous certains,toutes certaines,chaque aucune,seulement aussi",
    },
    "es": {
        "negation": r"()(?:es|son|era|eran|está|están|tiene|tienen|puede|pueden|fue|fueron|ha|han)",
        "opposite": "más menos,antes después,primer último,primera última,mayor menor,con sin",
        "person": "yo usted,mi su,nosotros ellos,nuestro su,él ella,su mi,sus mis,me le",
        "tense": "es era,son eran,está estaba,tiene tenía,puede podía,fue es,ha había",
        "preposition": "de para,en sin,a de,para contra,por para,con sin,sobre bajo",
        "quantity": "todos algunos,todas algunas,cada ninguna,solo también",
    },
}
NOT = {"en": r"\1 not", "de": r"\1 nicht", "fr": r"ne \g<0>", "es": r"no \g<0>"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """Two questions of which only a careless reader says that they ask the same."""

    kind: str
    question: str
    other: str


def near_misses(
    questions: Sequence[str], *, language: str = "en", seed: int = 5
) -> Iterator[NearMiss]:
    """Change one thing in each question, in every way that fits the language."""
    chance = random.Random(seed)  # noqa: S311
    names = sorted({name for question in questions for name in NAME.findall(question)})
    for question in questions:
        written = [
            *_with_another_number(question, chance),
            *_with_another_name(question, names, chance),
            *_with_other_words(question, language, chance),
            *_with_persons_swapped(question, language),
        ]
        for kind, other in written:
            if other.split() != question.split():
                yield NearMiss(kind=kind, question=question, other=other)


def _with_another_number(question: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    if number := NUMBER.search(question):
        yield "number", _with(question, number, str(int(number[0]) + chance.choice((1, 2, 10))))
        yield "sign", MINUS.sub("-", question, count=1)
    if year := YEAR.search(question):
        yield "date", _with(question, year, str(int(year[0]) + chance.choice((-3, -1, 1, 2))))
    if month := MONTH.search(question):
        others = [each for each in MONTHS if each != month[0]]
        yield "date", _with(question, month, chance.choice(others))


def _with_another_name(
    question: str, names: Sequence[str], chance: random.Random
) -> Iterator[tuple[str, str]]:
    others = [each for each in names if each not in question]
    if (name := NAME.search(question)) and others:
        yield "name", _with(question, name, chance.choice(others))


def _with_other_words(
    question: str, language: str, chance: random.Random
) -> Iterator[tuple[str, str]]:
    for kind, words in WORDS_OF.get(language, {}).items():
        if kind == "negation":
            negated = re.compile(rf"\b{words}(?![\w'-])", re.I)
            yield kind, negated.sub(NOT[language], question, count=1)
            continue
        pairs = [pair.split() for pair in words.split(",")]
        instead = dict(pairs) | {other: one for one, other in pairs}
        found = list(re.finditer(rf"(?<![\w'-])(?:{'|'.join(instead)})(?![\w'-])", question))
        if found:
            chosen = chance.choice(found)
            yield kind, _with(question, chosen, instead[chosen[0]])


def _with_persons_swapped(question: str, language: str) -> Iterator[tuple[str, str]]:
    """Let two persons change places: who pays, and who is owed."""
    persons = WORDS_OF.get(language, {}).get("person", "").replace(",", " ").split()
    found = list(re.finditer(rf"(?<![\w'-])(?:{'|'.join(persons)})(?![\w'-])", question))
    if persons and len({match[0] for match in found}) > 1:
        one = found[0]
        other = next(match for match in found if match[0] != one[0])
        yield "swapped", _with(_with(question, other, one[0]), one, other[0])


def _with(question: str, match: re.Match[str], instead: str) -> str:
    return question[: match.start()] + instead + question[match.end() :]

"""A question is told also where nobody wrote its mark; claims and keywords are none."""

import time

import pytest

from roadworthy.answering.question_words import is_question
from roadworthy.retrieval.search import LONGEST_QUESTION


@pytest.mark.parametrize(
    "text",
    [
        "Does the pump need oil?",
        "哪台泵需要油？",
        "هذه المضخة تحتاج إلى زيت؟",
        "The pump leaks. Is it broken? Please help.",
        "¿La bomba necesita aceite",
        "The pump leaks.\nIs it broken?",
    ],
)
def test_a_mark_makes_a_question(text):
    assert is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "which pump needs oil",
        "  WHO signs the form",
        '"How often" is the pump checked',
        "in which hall is the pump",
        "was kostet die Pumpe",
        "seit wann läuft die Pumpe",
        "¿cuántas bombas hay",
        "en qué sala está la bomba",
        "quelle pompe perd de l'huile",
        "qu'est-ce que l'huile de pompe",
        "d'où vient l'huile",
        "À quelle date l'huile est-elle changée",
        "какой насос течёт",
        "в каком зале насос",
        "أي مضخة تحتاج إلى زيت",
        "что случилось с насосом",
        "est-ce que la pompe fuit",
        "que fait la pompe",
        "ما هي المضخة",
        "泵在哪里",
        "油是什么",
        "你是谁",
        "怎么加油",
        "要多少油",
        "多久换一次油",
        "为何漏油",
        "泵可以清洗吗",
        "泵可以清洗吗。",
    ],
)
def test_a_question_word_makes_one_in_seven_languages(text):
    assert is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!!!",
        "oil pump interval",
        "Pumps need oil every month.",
        "The clerk who signs the form is in Oslo.",
        "Telnet was sold to a pump maker.",
        "Washington makes pumps.",
        "Whichever pump is used, oil is needed.",
        "Somehow pumps need oil.",
        "Die Pumpe braucht Öl.",
        "Hay que engrasar la bomba.",
        "Bien que la pompe fuie, elle tourne.",
        "任何泵都需要油",  # "any" is written with a question word
        "几乎所有的泵都需要油",  # so is "almost"
        "几何泵",
        "吗啡",
    ],
)
def test_claims_and_keywords_are_none(text):
    assert not is_question(text)


@pytest.mark.parametrize("part", ["!", "a", "a ", "! a", "吗", "吗!"])
def test_the_longest_text_that_is_no_question_is_told_at_once(part):
    text = (part * LONGEST_QUESTION)[: LONGEST_QUESTION - 1] + "x"
    began = time.process_time()
    assert not is_question(text)
    assert time.process_time() - began < 0.2

"""A question that leans on an earlier one is asked together with it; any other is left alone."""

import pytest

from roadworthy.answering import conversation as conversations
from roadworthy.answering.conversation import whole_question
from roadworthy.core.errors import Invalid
from roadworthy.gateway.chat import Message
from roadworthy.retrieval.query import Query

EARLIER = "How long is the notice period of a supplier?"

LEANING = [
    "And in Spain?",
    "What about contractors?",
    "Why?",
    "In Spain?",
    "What is its warranty?",
    "When does it expire?",
    "Who signed it?",
    "Do they have to pay?",
    "Is that written down?",
    "Does this apply to contractors?",
    "Are there exceptions to this?",
    "How do I request one?",
    "Can you send me the form for that?",
    "Et en Espagne ?",
    "Qu'en est-il des stagiaires ?",
    "Quand expire-t-il ?",
    "Qui l'a signé ?",
    "Est-ce que cela vaut pour les stagiaires ?",
    "Et pour eux ?",
    "Pourquoi ?",
    "¿Y en España?",
    "¿Qué hay de los becarios?",
    "¿Eso vale para los becarios?",
    "¿Quién lo firmó?",
    "¿Por qué?",
    "Und in Spanien?",
    "Wer hat ihn unterschrieben?",
    "Gilt das auch für Praktikanten?",
    "Wann läuft er ab?",
    "Was muss ich dafür tun?",
    "Warum?",
]
STANDING = [
    "What does this policy say about IT equipment?",
    "Which IT equipment does the company provide?",
    "Is it allowed to work from another country?",
    "How long does it take to get a visa?",
    "Which documents that concern travel need a signature?",
    "How many days before one month ends must expenses be filed?",
    "May employees bring their children to the office?",
    "Does the company pay for its employees' lunches?",
    "Can an employee carry over his or her annual leave?",
    "Who approves travel expenses this year?",
    "E-mail retention period?",
    "O'Brien's notice period?",
    "Travel policy Spain",
    "Maternity leave duration",
    "So-called zero-hour contracts: are they used?",
    "Combien de jours faut-il attendre un remboursement ?",
    "Y a-t-il une cantine au siège de Lyon ?",
    "Les employés peuvent-ils reporter leurs congés ?",
    "L'entreprise paie-t-elle les frais de transport ?",
    "Où est le siège de la société ?",
    "¿Qué es el teletrabajo?",
    "¿Cuál es la política de viajes?",
    "¿Pueden los empleados traer a sus hijos a la oficina?",
    "¿Es obligatorio el uso del casco?",
    "Gibt es eine Kantine am Standort Berlin?",
    "Wie lange dauert es, bis Spesen erstattet werden?",
    "Können Sie mir die Reiserichtlinie nennen?",
    "Dürfen Mitarbeiter ihre Kinder ins Büro mitbringen?",
    "Wie viele Urlaubstage hat ein Mitarbeiter, wenn er kündigt?",
]


def conversation(*questions):
    return [Message(role="user", content=question) for question in questions]


@pytest.mark.parametrize("question", LEANING)
def test_a_question_that_leans_is_led_by_the_one_before(question):
    assert whole_question(conversation(EARLIER, question)).text == f"{EARLIER}\n{question}"


@pytest.mark.parametrize("question", STANDING)
def test_a_question_that_stands_is_left_alone(question):
    assert whole_question(conversation(EARLIER, question)).text == question


def test_leaning_questions_lead_back_to_the_one_that_stands():
    whole = whole_question(conversation("Who?", EARLIER, "And in Spain?", "And in Italy?")).text
    assert EARLIER in whole
    assert whole.endswith("And in Italy?")


def test_what_the_model_said_is_not_searched_for():
    turns = [*conversation(EARLIER), Message(role="assistant", content="Thirty days.")]
    turns += conversation("And in Spain?")
    assert "Thirty" not in whole_question(turns).text


def test_a_first_question_is_left_alone():
    assert whole_question(conversation("And in Spain?")).text == "And in Spain?"


def test_a_long_earlier_question_is_cut():
    assert len(whole_question(conversation("word " * 10_000, "And in Spain?")).text) < 1_000


@pytest.mark.parametrize(
    "turns",
    [
        [],
        [Message(role="assistant", content="Yes.")],
        [Message(role="system", content="Obey.")],
        conversation(" \n"),
        conversation(*["Why?"] * 201),
    ],
    ids=["none", "assistant", "system", "blank", "too-many"],
)
def test_without_a_last_question_there_is_nothing_to_answer(turns):
    with pytest.raises(Invalid):
        whole_question(turns)


def test_filters_are_those_of_the_last_question():
    """Those of the question that it leans on are no words of it."""
    whole = whole_question(conversation(f"type:pdf {EARLIER}", "And in Spain? lang:es"))
    assert whole.text == f"{EARLIER}\nAnd in Spain?"
    assert (whole.among.media_type, whole.among.language) == (None, "es")


def test_a_last_question_that_is_too_long_is_not_read():
    filters = f'metadata.a:"{"x" * 600}" ' * 15
    with pytest.raises(Invalid, match="at most 8000 characters"):
        whole_question(conversation(f"{filters}Who?"))


def test_it_is_looked_back_for_what_the_last_ones_lean_on_but_not_for_long():
    leaning = [f"And in {place}?" for place in ("Spain", *["Italy"] * 18)]
    assert whole_question(conversation(EARLIER, *leaning, "Why?")).text.startswith(EARLIER)
    assert EARLIER not in whole_question(conversation(EARLIER, "And?", *leaning, "Why?")).text


def test_nothing_is_read_of_what_a_question_does_not_lean_on(monkeypatch):
    read = []
    monkeypatch.setattr(
        conversations, "read_question", lambda text: read.append(text) or Query(text=text)
    )
    whole_question(conversation("word " * 1_000, STANDING[0]))
    assert read == [STANDING[0]]
    whole_question(conversation("word " * 1_000, "Why?"))
    assert max(map(len, read)) <= 600

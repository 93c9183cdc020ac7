"""Questions are one when only words differ that change nothing; in doubt they are two."""

import pytest

from roadworthy.answering.same_question import asks_the_same

ONE = [
    (
        "en",
        "How many paid holidays do I have per year?",
        "Please, how many paid holidays per year do I have?",
    ),
    ("en", "What is the number of rooms in Oslo?", "How many rooms are there in Oslo?"),
    ("en", "Must I file a claim within two weeks?", "Do I have to file a claim within 2 weeks?"),
    ("en", "How long is the warranty of the LH-4?", "How long is the LH-4's warranty?"),
    ("en", "Who is Ana's manager?", "Who is the manager of Ana?"),
    ("en", "What if gas leaks, who calls?", "Who calls, what if gas leaks?"),
    ("de", "Bis wann kann ich kündigen?", "Können Sie mir sagen, bis wann ich kündigen kann?"),
    ("en", "How long is probation at Dunmorrow?", "At Dunmorrow, how long is probation?"),
    ("en", "What is the price of an FM-150?", "How much does an FM-150 cost?"),
    ("en", "What can i do in Oslo?", "In Oslo, what can I do?"),
    ("en", "Can I work from home on Fridays?", "Am I allowed to work from home on Fridays?"),
    ("de", "Wer genehmigt Reisen über 500 Euro?", "Bitte, wer genehmigt Reisen über 500 Euro?"),
    ("fr", "Qui signe à plus de 5 000 euros ?", "Qui signe à plus de 5000 euros ?"),
    ("es", "¿Cuándo cierra Ribanova en verano?", "En verano, ¿cuándo cierra Ribanova?"),
    ("nl", "Hoeveel dagen verlof heb ik?", "hoeveel dagen  verlof heb ik"),
    ("und", "Any two words?", "Any two words?"),
]
TWO = [
    ("en", "Do they pay what we owe?", "Do we pay what they owe?"),
    ("en", "Who may approve what he must sign?", "Who must approve what he may sign?"),
    ("de", "Zahlen wir, was sie uns schulden?", "Zahlen sie, was wir uns schulden?"),
    ("de", "Wann haben sie Pause?", "Wann hat sie Pause?"),
    ("fr", "Doit-il payer la taxe ?", "Doit-elle payer la taxe ?"),
    ("en", "Is a note needed after two days?", "Is a note needed after three days?"),
    ("en", "Is a note needed after two days?", "Is a note needed after two weeks?"),
    ("en", "Is a note needed after two days?", "Is a note needed before two days?"),
    ("en", "Is a note needed after two days?", "Is a note not needed after two days?"),
    ("en", "Is a note needed after two days?", "Isn't a note needed after two days?"),
    ("en", "Can I park here on Mondays?", "Can't I park here on Mondays?"),
    ("en", "What may a room in Oslo cost?", "What may a room in Rome cost?"),
    ("en", "What changed in May 2025?", "What changed in June 2025?"),
    ("en", "When is the bonus paid?", "Why is the bonus paid?"),
    ("en", "May I work from home?", "Must I work from home?"),
    ("en", "Who is the manager?", "Who was the manager?"),
    ("en", "Who runs IT in Oslo?", "Who runs it in Oslo?"),
    ("en", "Which fees are above 5%?", "Which fees are above 5$?"),
    ("en", "Does Ana report to Boris?", "Does Boris report to Ana?"),
    ("en", "How far is it from Oslo to Rome?", "How far is it from Rome to Oslo?"),
    ("en", "How do I get from the station to work?", "How do I get from work to the station?"),
    ("en", "Who may approve trips?", "Who may approve trips abroad?"),
    ("en", "Who is it?", "Who are they?"),
    # persons
    ("en", "When may I cancel your contract?", "When may you cancel my contract?"),
    ("en", "How do I cancel the contract?", "How do you cancel the contract?"),
    ("en", "Is it possible for me to cancel?", "Is it possible for you to cancel?"),
    ("en", "Does she owe him a day off?", "Does he owe her a day off?"),
    ("de", "Wann kann ich kündigen?", "Wann kann man mir kündigen?"),
    ("de", "Wann können Sie kündigen?", "Wann können sie kündigen?"),
    ("de", "Informiert der Chef den Mitarbeiter?", "Informiert den Chef der Mitarbeiter?"),
    ("fr", "Quand puis-je résilier votre contrat ?", "Quand pouvez-vous résilier mon contrat ?"),
    ("fr", "Quand puis-je partir ?", "Quand pouvons-nous partir ?"),
    ("es", "¿Cuándo puedo cancelar?", "¿Cuándo pueden cancelar?"),
    # signs
    ("en", "What do I do at -20 °C?", "What do I do at 20 °C?"),
    ("en", "What do I do at −20 °C?", "What do I do at 20 °C?"),
    ("en", "What do I do between -20 and 30 °C?", "What do I do between 20 and -30 °C?"),
    ("en", "Which teams write C#?", "Which teams write C?"),
    ("en", "Which teams write C++?", "Which teams write C#?"),
    ("en", "Who supports .NET?", "Who supports net?"),
    ("en", "What holds at 5 ± 1 V?", "What holds at 5 1 V?"),
    ("en", "Are 5 € due after 9 $?", "Are 5 $ due after 9 €?"),
    # tenses
    ("en", "Who has been head of legal?", "Who is head of legal?"),
    ("en", "What has Ana approved?", "What does Ana approve?"),
    ("en", "Who approved the trip?", "Who approves the trip?"),
    ("en", "When will we be paid?", "When are we paid?"),
    ("en", "Who'll lead the team?", "Who leads the team?"),
    ("de", "Wer genehmigt Reisen?", "Wer genehmigte Reisen?"),
    ("fr", "Qui approuve les voyages ?", "Qui a approuvé les voyages ?"),
    ("fr", "Qui écrit le rapport ?", "Qui a écrit le rapport ?"),
    ("es", "¿Quién firma el acta?", "¿Quién firmó el acta?"),
    # "not", and what it belongs to
    ("fr", "Qui ne peut participer ?", "Qui peut participer ?"),
    ("en", "Do paid trainees not vote?", "Do trainees not paid vote?"),
    # prepositions, and what they belong to
    ("en", "Are gifts to employees allowed?", "Are gifts of employees allowed?"),
    ("en", "Is there a form about leave?", "Is there a form for leave?"),
    ("en", "Who manages the sales assistant's office?", "Who manages the office sales assistant?"),
    (
        "en",
        "Who is the manager of the sales assistant?",
        "Who is the sales assistant of the manager?",
    ),
    ("en", "Which suppliers in Oslo deliver parts?", "Which suppliers deliver parts in Oslo?"),
    ("nl", "Hoe kom ik van Oslo naar Rome?", "Hoe kom ik naar Oslo van Rome?"),
    # what else belongs to a word
    ("en", "Do all suppliers need some forms?", "Do some suppliers need all forms?"),
    ("en", "Does my boss pay your bonus?", "Does your boss pay my bonus?"),
    ("de", "Müssen alle Chefs neue Kunden fragen?", "Müssen neue Kunden alle Chefs fragen?"),
    ("en", "What is the LinkHub?", "What does the LinkHub do?"),
    # words of one stem
    ("en", "Who is the operator?", "Who is operating?"),
    ("de", "Darf ich am Freitag kommen?", "Darf ich am Freitag nicht kommen?"),
    ("fr", "Puis-je venir lundi ?", "Dois-je venir lundi ?"),
    ("es", "¿Se cambia cada dos meses?", "¿No se cambia cada dos meses?"),
    ("zh", "年假有几天？", "病假有几天？"),
    ("nl", "Heb ik verlof?", "Heb ik geen verlof?"),
]


@pytest.mark.parametrize(("language", "one", "other"), ONE)
def test_one_question_in_other_words(language, one, other):
    assert asks_the_same(one, other, language=language)
    assert asks_the_same(other, one, language=language)


@pytest.mark.parametrize(("language", "one", "other"), TWO)
def test_two_questions(language, one, other):
    assert not asks_the_same(one, other, language=language)
    assert not asks_the_same(other, one, language=language)

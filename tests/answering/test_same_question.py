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
    ("en", "Which forms do I have to sign?", "Which forms must I sign?"),
    ("en", "Is a tenant required to repair it?", "Must a tenant repair it?"),
    ("en", "Are visitors allowed to park?", "May visitors park?"),
    ("en", "Can you please tell me who signs the form?", "Who signs the form?"),
    ("en", "What do I do if Ana has left?", "If Ana has left, what do I do?"),
    ("en", "After a repair, who informs you?", "Who informs you after a repair?"),
    ("en", 'What does "E-21" mean?', "What does E-21 mean?"),
    ("en", "Who leads in 2024 the team?", "Who leads, in 2024, the team?"),
    ("en", "WHO RUNS OSLO AT NIGHT?", "AT NIGHT, WHO RUNS OSLO?"),
    ("en", "Who may enter Zone A?", "Please, who may enter zone A?"),
    ("de", "Darf ich hier parken?", "Kann ich hier parken?"),
    ("de", "Wer arbeitet im Lager?", "Wer arbeitet in dem Lager?"),
    ("fr", "Puis-je partir lundi ?", "Ai-je le droit de partir lundi ?"),
    ("es", "¿Cuándo tengo que firmar?", "¿Cuándo debo firmar?"),
    ("en", "Who signs above 1 000 000 euros?", "Who signs above 1000000 euros?"),
    ("en", "Who has Two Weeks of leave?", "Who has two weeks of leave?"),
    ("en", "Who signs after 5 May 2025?", "After 5 May 2025, who signs?"),
    ("de", "Wer hat nach zwei Wochen Urlaub?", "Wer hat nach 2 Wochen Urlaub?"),
    ("de", "Wer fährt 5 km² ab?", "Bitte, wer fährt 5 km² ab?"),
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
    # numbers and units
    ("en", "Is a pressure of 10⁵ Pa allowed?", "Is a pressure of 105 Pa allowed?"),
    ("de", "Wer hebt mehr als 10³ kg?", "Wer hebt mehr als 103 kg?"),
    ("en", "How much is 10⁻³ mol?", "How much is 10³ mol?"),
    ("en", "What is x₂?", "What is x²?"),
    ("und", "Quid 10⁵ Pa?", "Quid 105 Pa?"),
    ("en", "May I point a 5mW laser?", "May I point a 5MW laser?"),
    ("en", "May I point a 5 mW laser?", "May I point a 5 MW laser?"),
    ("en", "Is a cable of 5m allowed?", "Is a cable of 5M allowed?"),
    ("fr", "Un câble de 5 m suffit-il ?", "Un câble de 5 M suffit-il ?"),
    ("en", "Is a line of 10Mb enough?", "Is a line of 10MB enough?"),
    ("de", "Reicht eine Leitung mit 10 Mbit/s?", "Reicht eine Leitung mit 10 MBit/s?"),
    ("en", "May I dissolve 2 Mmol of it?", "May I dissolve 2 mmol of it?"),
    ("en", "May I dissolve 1.5 Mmol/l of it?", "May I dissolve 1.5 mmol/l of it?"),
    ("en", "May I bring 2 100 ml bottles?", "May I bring 2100 ml bottles?"),
    ("en", "Who rents 1 000 500 m² halls?", "Who rents 1000 500 m² halls?"),
    ("en", "Who owns building 5 012?", "Who owns building 5012?"),
    ("en", "Who has 2½ days of leave?", "Who has 21⁄2 days of leave?"),
    ("de", "Welche Maße hat das Paket?", "Welche Masse hat das Paket?"),
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
        "Who manages the sales assistant's office?",
        "Who manages the assistant's sales office?",
    ),
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
    # what need not be is not what must not be
    ("en", "Which forms do I not have to sign?", "Which forms must I not sign?"),
    ("en", "Which forms do I NOT have to sign?", "Which forms must I NOT sign?"),
    ("en", "Which data don't we have to delete?", "Which data must we not delete?"),
    ("en", "What does a tenant not have to repair?", "What must a tenant not repair?"),
    (
        "en",
        "Which rooms are visitors not required to leave?",
        "Which rooms must visitors not leave?",
    ),
    ("en", "Does no tenant have to pay?", "Must no tenant pay?"),
    ("en", "What does nobody have to sign?", "What must nobody sign?"),
    ("en", "Is a visitor not allowed to park?", "Is a visitor allowed to not park?"),
    ("de", "Was muss ich nicht zahlen?", "Was darf ich nicht zahlen?"),
    ("fr", "Qui ne peut pas payer ?", "Qui peut ne pas payer ?"),
    ("es", "¿Quién no tiene que firmar?", "¿Quién no debe firmar?"),
    ("es", "¿Quién no puede fumar?", "¿Quién puede no fumar?"),
    # who is able, who is allowed, and who must
    ("en", "Can the machine cut steel?", "May the machine cut steel?"),
    ("en", "When could we buy tickets?", "When can we buy tickets?"),
    ("en", "Is it possible to cut steel?", "Is it allowed to cut steel?"),
    ("de", "Kann die Maschine Stahl schneiden?", "Darf die Maschine Stahl schneiden?"),
    ("es", "¿Se puede cortar acero?", "¿Se permite cortar acero?"),
    ("en", "How long do I have to pay the rent?", "How long must I pay the rent?"),
    ("en", "What do I do if tenants have to leave?", "What must I do if tenants leave?"),
    ("en", "What do I have to ask about pets?", "What do I have to know about pets?"),
    ("en", "What did Ana tell me about pets?", "What did Ana tell us about pets?"),
    ("es", "¿Qué sabes de Ana?", "¿Qué sabe usted de Ana?"),
    # who does it, and to whom
    ("en", "Which authority must you inform?", "Which authority must inform you?"),
    ("en", "Who can you sue?", "Who can sue you?"),
    ("en", "Who can you sue in Oslo?", "Who can sue you in Oslo?"),
    ("en", "Which authority are you to inform?", "Which authority is to inform you?"),
    (
        "en",
        "Which authority are you about to inform?",
        "Which authority is about to inform you?",
    ),
    (
        "en",
        "Which authority do you not have to inform?",
        "Which authority does not have to inform you?",
    ),
    ("en", "Which contractors have you paid?", "Which contractors have paid you?"),
    ("en", "In which company did Ana buy?", "Which company did Ana buy?"),
    ("de", "Welche Behörde müssen Sie informieren?", "Welche Behörde muss Sie informieren?"),
    ("de", "Hat sie die Firma verklagt?", "Hat die Firma sie verklagt?"),
    ("de", "Zahlen Sie, was sie uns schulden?", "Zahlen sie, was Sie uns schulden?"),
    ("fr", "Qu'est-ce qui bloque le serveur ?", "Qu'est-ce que bloque le serveur ?"),
    ("fr", "Qu'est-ce que le site évacue ?", "Est-ce que le site évacue ?"),
    ("de", "Welcher Manager hat Anna entlassen?", "Welchen Manager hat Anna entlassen?"),
    ("de", "Hat jeder Manager Anna bezahlt?", "Hat jeden Manager Anna bezahlt?"),
    ("de", "Hat keiner Anna bezahlt?", "Hat keinen Anna bezahlt?"),
    ("de", "Was schuldet die Bank der Versicherung?", "Was schuldet der Bank die Versicherung?"),
    (
        "de",
        "Wann muss die Klinik der Kasse antworten?",
        "Wann muss der Klinik die Kasse antworten?",
    ),
    ("de", "Wann helfen Mitarbeitern Kunden?", "Wann helfen Mitarbeiter Kunden?"),
    ("de", "In Oslo hat Anna Ben entlassen?", "Hat Ben in Oslo Anna entlassen?"),
    ("de", "Wer fährt im Werk?", "Wer fährt in das Werk?"),
    # the clause that it belongs to
    (
        "en",
        "Who is liable for what was promised?",
        "Who was liable for what is promised?",
    ),
    ("en", "What did Ana pay and what does Ben pay?", "What does Ana pay and what did Ben pay?"),
    ("de", "Wo arbeitet Anna und wann arbeitet Ben?", "Wann arbeitet Anna und wo arbeitet Ben?"),
    (
        "fr",
        "Où travaille Anne et quand travaille Ben ?",
        "Quand travaille Anne et où travaille Ben ?",
    ),
    (
        "es",
        "¿Dónde trabaja Ana y cuándo trabaja Ben?",
        "¿Cuándo trabaja Ana y dónde trabaja Ben?",
    ),
    ("de", "Wann wird die Kaution gezahlt?\nWarum?", "Warum wird die Kaution gezahlt?\nWann?"),
    ("en", "Who runs IT when it fails?", "Who runs it when IT fails?"),
    # articles that are letters, names, pronouns or quantities
    ("en", "What does section 5(a) say?", "What does section 5 say?"),
    ("en", "What does clause 4 (a) say?", "What does clause 4 say?"),
    ("en", "Who lives in flat 5 a in Oslo?", "Who lives in flat 5 in Oslo?"),
    ("en", "Who may enter Zone A?", "Who may enter the zone?"),
    ("en", "Who may enter zone a?", "Who may enter the zone?"),
    ("en", "Who owns Building A in Oslo?", "Who owns the building in Oslo?"),
    ("en", "Who leads Team A?", "Who leads the team?"),
    ("en", "What is in annex A?", "What is in the annex?"),
    ("en", "What does plan A cost per year?", "What does the plan cost per year?"),
    ("fr", "Que dit l'article L. 1225-1 ?", "Que dit l'article 1225-1 ?"),
    ("fr", "Qui doit l'informer ?", "Qui doit informer ?"),
    ("fr", "Qui les paie ?", "Qui paie ?"),
    ("es", "¿Quién la firma?", "¿Quién firma?"),
    ("de", "Wer muss das unterschreiben?", "Wer muss unterschreiben?"),
    ("en", "Do a few employees pay?", "Do few employees pay?"),
    ("fr", "Qui gagne un peu ?", "Qui gagne peu ?"),
    ("de", "Wer verdient ein wenig?", "Wer verdient wenig?"),
    ("es", "¿Quién gana un poco?", "¿Quién gana poco?"),
    # how it is written
    ("en", "Which pipes are 6' long?", 'Which pipes are 6" long?'),
    ("en", "Are we open Monday - Friday?", "Are we open Monday, Friday?"),
    ("en", "Are we open Monday – Friday?", "Are we open Monday, Friday?"),
    ("en", "Where do I put my PIN?", "Where do I put my pin?"),
    ("en", "Who pays for AIDS?", "Who pays for aids?"),
    ("en", "WHO RUNS IT IN OSLO?", "Who runs it in Oslo?"),
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


def test_a_long_question_is_the_same_only_word_for_word():
    long = " ".join(f"room {n}" for n in range(100))
    assert asks_the_same(f"Who cleans the {long}?", f"Who  cleans the {long}?", language="en")
    assert not asks_the_same(f"Who cleans {long}?", f"Please, who cleans {long}?", language="en")


def test_how_long_a_question_is_counts_as_it_is_read():
    """One sign may stand for eighteen letters."""
    assert asks_the_same("\ufdfa" * 20, "\ufdfa" * 20 + "?", language="ar")
    assert not asks_the_same("\ufdfa" * 40, "\ufdfa" * 40 + "?", language="ar")
